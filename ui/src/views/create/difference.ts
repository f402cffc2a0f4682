// What an edit changes, field by field.

import type { Fields, Value } from "./document";

export interface Difference {
  path: string;
  from?: string;
  to?: string;
}

/** differences returns the fields in which two values differ, in the order of the fields. */
export function differences(from: Value | undefined, to: Value | undefined, path = ""): Difference[] {
  if (same(from, to)) return [];
  if (mapping(from) && mapping(to)) return [...new Set([...Object.keys(from), ...Object.keys(to)])].flatMap((k) => differences(from[k], to[k], join(path, k)));
  if (mapping(from) && to === undefined && Object.keys(from).length > 0) return Object.keys(from).flatMap((k) => differences(from[k], undefined, join(path, k)));
  if (mapping(to) && from === undefined && Object.keys(to).length > 0) return Object.keys(to).flatMap((k) => differences(undefined, to[k], join(path, k)));
  if (Array.isArray(from) && Array.isArray(to) && [...from, ...to].some((v) => typeof v === "object")) {
    return Array.from({ length: Math.max(from.length, to.length) }, (_, i) => differences(from[i], to[i], `${path}[${i}]`)).flat();
  }
  return [{ path, from: shown(from), to: shown(to) }];
}

const join = (path: string, key: string) => {
  const step = /^[A-Za-z0-9_-]+$/.test(key) ? key : `[${JSON.stringify(key)}]`;
  return path === "" ? step : step.startsWith("[") ? path + step : `${path}.${step}`;
};
const mapping = (value: Value | undefined): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);
const shown = (value: Value | undefined) => (value === undefined ? undefined : typeof value === "string" ? value : JSON.stringify(value));

/** same reports whether two values are the same, whatever the order of their keys. */
export function same(a: Value | undefined, b: Value | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((v, i) => same(v, b[i]));
  if (!mapping(a) || !mapping(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((k) => Object.hasOwn(b, k) && same(a[k], b[k]));
}

/** fieldOf returns the field that a message of the server is about, of those that are given; the longest that it names. */
export function fieldOf(message: string, fields: readonly string[]): string | undefined {
  const named = fields.filter((field) => new RegExp(`(?<![\\w.])${field.replace(/[.[\]]/g, "\\$&")}(?!\\w|\\.\\w)`).test(message));
  return named.sort((a, b) => b.length - a.length)[0];
}
