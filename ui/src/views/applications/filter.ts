// Which applications a view shows, in which order, and how many each filter has.

import { key } from "../../api/rows";
import type { Health, Row } from "../../api/types";
import { list, type Search } from "../../shell/search";

export const facets = ["sync", "health", "project", "cluster", "namespace", "owner"] as const;
export type Facet = (typeof facets)[number];

const of: Record<Facet, (row: Row) => string> = {
  sync: (r) => r.sync,
  health: (r) => r.health,
  project: (r) => r.project,
  cluster: (r) => r.cluster,
  namespace: (r) => r.destination,
  owner: (r) => r.owner ?? "",
};

/** matchesText reports whether a row has every word that was typed: in its name, or as label=value. */
function matchesText(row: Row, words: string[]): boolean {
  return words.every((word) => {
    const at = word.indexOf("=");
    if (at > 0) return (row.labels?.[word.slice(0, at)] ?? "").toLowerCase().startsWith(word.slice(at + 1));
    return row.name.toLowerCase().includes(word) || row.namespace.toLowerCase() === word;
  });
}

type Labels = Map<string, string[]>;

/** wantedLabels returns the values of each label that is asked for; none stands for any. */
function wantedLabels(search: Search): Labels {
  const wanted: Labels = new Map();
  for (const w of list(search.labels)) {
    const at = w.indexOf("=");
    const name = at < 0 ? w : w.slice(0, at);
    wanted.set(name, [...(wanted.get(name) ?? []), ...(at < 0 ? [] : [w.slice(at + 1)])]);
  }
  return wanted;
}

/** missedLabels returns the labels that are asked for and a row does not have so. */
function missedLabels(row: Row, wanted: Labels): string[] {
  const missed: string[] = [];
  for (const [name, values] of wanted) {
    const value = row.labels?.[name];
    if (value === undefined || (values.length > 0 && !values.includes(value))) missed.push(name);
  }
  return missed;
}

const worst: Health[] = ["Degraded", "Missing", "Unknown", "Progressing", "Suspended", "Healthy"];
const text = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

const orders: Record<string, (a: Row, b: Row) => number> = {
  lastSync: (a, b) => text(a.lastSync ?? "", b.lastSync ?? ""),
  created: (a, b) => text(a.created, b.created),
  health: (a, b) => worst.indexOf(a.health) - worst.indexOf(b.health),
};

export type Compare = (a: string, b: string) => number;

/**
 * Order keeps rows sorted by name. To compare names as people do is the dearest part of a filter, and names do not change:
 * as long as the same applications are there, what has changed of them is put in the old places.
 */
export class Order {
  private rows: Row[] = [];
  private sorted: Row[] = [];
  private compare?: Compare;

  byName(rows: Row[], compare: Compare): Row[] {
    if (rows === this.rows && compare === this.compare) return this.sorted;
    this.sorted = (compare === this.compare && replaced(this.sorted, rows)) || rows.slice().sort((a, b) => compare(a.name, b.name) || compare(a.namespace, b.namespace));
    this.rows = rows;
    this.compare = compare;
    return this.sorted;
  }
}

/** replaced returns the same applications in the same order as they are now; undefined where some came or went. */
function replaced(sorted: Row[], rows: Row[]): Row[] | undefined {
  if (sorted.length !== rows.length) return undefined;
  const now = new Map(rows.map((r) => [key(r), r]));
  const next: Row[] = [];
  for (const old of sorted) {
    const row = now.get(key(old));
    if (!row) return undefined;
    next.push(row);
  }
  return next;
}

export interface Shown {
  rows: Row[];
  counts: Record<Facet, Map<string, number>>;
  /** labels are the values of each label, with how many applications have them. */
  labels: Map<string, Map<string, number>>;
}

/** show returns the rows that match, sorted, and for each filter how many would match each of its values. */
export function show(all: Row[], search: Search, favorites: ReadonlySet<string>, compare: Compare, order = new Order()): Shown {
  const words = (search.search ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const labels = wantedLabels(search);
  const wanted = Object.fromEntries(facets.map((f) => [f, new Set(list(search[f]))])) as Record<Facet, Set<string>>;
  const shown: Shown = { rows: [], counts: Object.fromEntries(facets.map((f) => [f, new Map<string, number>()])) as Shown["counts"], labels: new Map() };
  for (const row of order.byName(all, compare)) {
    if (!matchesText(row, words)) continue;
    if (search.favorites === "true" && !favorites.has(key(row))) continue;
    if (search.attention === "true" && !row.attention) continue;
    const missed: string[] = facets.filter((f) => wanted[f].size > 0 && !wanted[f].has(of[f](row)));
    const without = missedLabels(row, labels);
    count(shown, row, missed, without);
    if (missed.length === 0 && without.length === 0) shown.rows.push(row);
  }
  // Sorting is stable: what is equal stays by name, from a to z.
  const by = orders[search.sort ?? "name"];
  const sign = search.order === "desc" ? -1 : 1;
  if (by) shown.rows.sort((a, b) => sign * by(a, b));
  else if (sign < 0) shown.rows.reverse();
  return shown;
}

/** count counts a value by what all other filters leave, so that a second one can be chosen beside the first. */
function count(shown: Shown, row: Row, missed: string[], without: string[]) {
  if (missed.length + without.length > 1) return;
  if (without.length === 0) {
    for (const f of facets) {
      const value = of[f](row);
      if (value !== "" && (missed.length === 0 || missed[0] === f)) shown.counts[f].set(value, (shown.counts[f].get(value) ?? 0) + 1);
    }
  }
  if (missed.length > 0 || !row.labels) return;
  for (const [name, value] of Object.entries(row.labels)) {
    if (without.length > 0 && without[0] !== name) continue;
    const values = shown.labels.get(name) ?? new Map<string, number>();
    shown.labels.set(name, values.set(value, (values.get(value) ?? 0) + 1));
  }
}
