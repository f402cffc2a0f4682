// Which applications a view shows, in which order, and how many each filter has.

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

function matchesLabels(row: Row, wanted: string[]): boolean {
  return wanted.every((w) => {
    const at = w.indexOf("=");
    return at < 0 ? row.labels?.[w] !== undefined : row.labels?.[w.slice(0, at)] === w.slice(at + 1);
  });
}

const worst: Health[] = ["Degraded", "Missing", "Unknown", "Progressing", "Suspended", "Healthy"];

const orders: Record<string, (a: Row, b: Row) => number> = {
  name: () => 0,
  lastSync: (a, b) => (a.lastSync ?? "").localeCompare(b.lastSync ?? ""),
  created: (a, b) => a.created.localeCompare(b.created),
  health: (a, b) => worst.indexOf(a.health) - worst.indexOf(b.health),
};

export interface Shown {
  rows: Row[];
  counts: Record<Facet, Map<string, number>>;
}

/** show returns the rows that match, sorted, and for each filter how many would match each of its values. */
export function show(rows: Row[], search: Search, favorites: ReadonlySet<string>, compare: (a: string, b: string) => number): Shown {
  const words = (search.search ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const labels = list(search.labels);
  const wanted = Object.fromEntries(facets.map((f) => [f, new Set(list(search[f]))])) as Record<Facet, Set<string>>;
  const counts = Object.fromEntries(facets.map((f) => [f, new Map<string, number>()])) as Shown["counts"];
  const found: Row[] = [];
  for (const row of rows) {
    if (!matchesText(row, words) || !matchesLabels(row, labels)) continue;
    if (search.favorites === "true" && !favorites.has(`${row.namespace}/${row.name}`)) continue;
    if (search.attention === "true" && !row.attention) continue;
    const missed = facets.filter((f) => wanted[f].size > 0 && !wanted[f].has(of[f](row)));
    for (const f of facets) {
      // A value is counted by what all other filters leave, so that a second one can be chosen beside the first.
      if (missed.length > 1 || (missed.length === 1 && missed[0] !== f)) continue;
      const value = of[f](row);
      if (value !== "") counts[f].set(value, (counts[f].get(value) ?? 0) + 1);
    }
    if (missed.length === 0) found.push(row);
  }
  const by = orders[search.sort ?? "name"] ?? orders.name!;
  const sign = search.order === "desc" ? -1 : 1;
  found.sort((a, b) => sign * (by(a, b) || compare(a.name, b.name)) || compare(a.namespace, b.namespace));
  return { rows: found, counts };
}
