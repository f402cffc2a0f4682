// Views that somebody has given a name: which applications, in which order, as tiles or table. They are addresses, kept
// by this browser.

import { useSyncExternalStore } from "react";
import { parseSearch, type Search, stringifySearch } from "../../shell/search";

export interface Saved {
  name: string;
  /** search is the part of the address behind the question mark, with it. */
  search: string;
}

const place = "cyan.views";
/** mostSaved is how many views are kept. */
export const mostSaved = 50;

/** read returns the views that a text has; what is none is left out. */
export function read(text: string | null): Saved[] {
  try {
    const found: unknown = JSON.parse(text ?? "[]");
    if (!Array.isArray(found)) return [];
    return found.filter((v: unknown): v is Saved => typeof v === "object" && v !== null && typeof (v as Saved).name === "string" && typeof (v as Saved).search === "string").slice(0, mostSaved);
  } catch {
    return [];
  }
}

/** withView returns the views with one put in; a name that is there already has the new address. */
export function withView(views: Saved[], name: string, search: Search): Saved[] {
  const view = { name, search: stringifySearch(search) };
  return (views.some((v) => v.name === name) ? views.map((v) => (v.name === name ? view : v)) : [...views, view]).slice(-mostSaved);
}

export const searchOf = (view: Saved): Search => parseSearch(view.search);

let text: string | null | undefined;
let views: Saved[] = [];
const listeners = new Set<() => void>();

function current(): Saved[] {
  let now: string | null = null;
  try {
    now = localStorage.getItem(place);
  } catch {
    return views;
  }
  if (now !== text) {
    text = now;
    views = read(now);
  }
  return views;
}

export function keep(next: Saved[]) {
  views = next;
  try {
    localStorage.setItem(place, JSON.stringify(next));
  } catch {
    // A browser that keeps nothing has them for this page alone.
  }
  listeners.forEach((l) => l());
}

export function useSaved(): Saved[] {
  return useSyncExternalStore((l) => {
    listeners.add(l);
    addEventListener("storage", l);
    return () => {
      listeners.delete(l);
      removeEventListener("storage", l);
    };
  }, current);
}
