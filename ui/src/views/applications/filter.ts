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

/** Entry is an application with what a filter asks of it again and again, made once. */
export interface Entry {
  row: Row;
  key: string;
  /** name and namespace are in small letters. */
  name: string;
  namespace: string;
}

const entry = (row: Row): Entry => ({ row, key: key(row), name: row.name.toLowerCase(), namespace: row.namespace.toLowerCase() });

/** matchesText reports whether an application has every word that was typed: in its name, or as label=value. */
function matchesText({ row, name, namespace }: Entry, words: string[]): boolean {
  for (const word of words) {
    const at = word.indexOf("=");
    const has = at > 0 ? (row.labels?.[word.slice(0, at)] ?? "").toLowerCase().startsWith(word.slice(at + 1)) : name.includes(word) || namespace === word;
    if (!has) return false;
  }
  return true;
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
 * Order keeps applications sorted by name. To compare names as people do is the dearest part of a filter, and names do not
 * change: as long as the same applications are there, what has changed of them is put in the old places.
 */
export class Order {
  private rows: Row[] = [];
  private sorted: Entry[] = [];
  private compare?: Compare;

  byName(rows: Row[], compare: Compare): Entry[] {
    if (rows === this.rows && compare === this.compare) return this.sorted;
    this.sorted = (compare === this.compare && replaced(this.sorted, rows)) || rows.map(entry).sort((a, b) => compare(a.row.name, b.row.name) || compare(a.row.namespace, b.row.namespace));
    this.rows = rows;
    this.compare = compare;
    return this.sorted;
  }
}

/** replaced returns the same applications in the same order as they are now; undefined where some came or went. */
function replaced(sorted: Entry[], rows: Row[]): Entry[] | undefined {
  if (sorted.length !== rows.length) return undefined;
  const now = new Map(rows.map((r) => [key(r), r]));
  const next: Entry[] = [];
  for (const old of sorted) {
    const row = now.get(old.key);
    if (!row) return undefined;
    next.push(row === old.row ? old : { ...old, row });
  }
  return next;
}

/** Choice is what somebody has chosen, made ready to be asked of each application. */
interface Choice {
  words: string[];
  labels: Labels;
  facets: { facet: Facet; wanted: Set<string> }[];
  favorites?: ReadonlySet<string>;
  attention: boolean;
}

function choiceOf(search: Search, favorites: ReadonlySet<string>): Choice {
  return {
    words: (search.search ?? "").toLowerCase().split(/\s+/).filter(Boolean),
    labels: wantedLabels(search),
    facets: facets.map((facet) => ({ facet, wanted: new Set(list(search[facet])) })).filter(({ wanted }) => wanted.size > 0),
    favorites: search.favorites === "true" ? favorites : undefined,
    attention: search.attention === "true",
  };
}

/** considered reports whether an application has all but what the filters of facets and labels ask for. */
const considered = (e: Entry, c: Choice) => (!c.favorites || c.favorites.has(e.key)) && (!c.attention || e.row.attention !== undefined) && matchesText(e, c.words);

/** show returns the applications that match, sorted. */
export function show(all: Row[], search: Search, favorites: ReadonlySet<string>, compare: Compare, order = new Order()): Row[] {
  const choice = choiceOf(search, favorites);
  const rows: Row[] = [];
  for (const e of order.byName(all, compare)) {
    if (considered(e, choice) && choice.facets.every(({ facet, wanted }) => wanted.has(of[facet](e.row))) && missedLabels(e.row, choice.labels).length === 0) rows.push(e.row);
  }
  // Sorting is stable: what is equal stays by name, from a to z.
  const by = orders[search.sort ?? "name"];
  const sign = search.order === "desc" ? -1 : 1;
  if (by) rows.sort((a, b) => sign * by(a, b));
  else if (sign < 0) rows.reverse();
  return rows;
}

export interface Counts {
  facets: Record<Facet, Map<string, number>>;
  /** labels are the values of each label, with how many applications have them. */
  labels: Map<string, Map<string, number>>;
}

/** counted returns for each filter how many applications would match each of its values. */
export function counted(all: Row[], search: Search, favorites: ReadonlySet<string>): Counts {
  const choice = choiceOf(search, favorites);
  const counts: Counts = { facets: Object.fromEntries(facets.map((f) => [f, new Map<string, number>()])) as Counts["facets"], labels: new Map() };
  for (const row of all) {
    if (!considered(entry(row), choice)) continue;
    const missed = choice.facets.filter(({ facet, wanted }) => !wanted.has(of[facet](row))).map(({ facet }) => facet);
    count(counts, row, missed, missedLabels(row, choice.labels));
  }
  return counts;
}

/** count counts a value by what all other filters leave, so that a second one can be chosen beside the first. */
function count(counts: Counts, row: Row, missed: Facet[], without: string[]) {
  if (missed.length + without.length > 1) return;
  if (without.length === 0) {
    for (const f of facets) {
      const value = of[f](row);
      if (value !== "" && (missed.length === 0 || missed[0] === f)) counts.facets[f].set(value, (counts.facets[f].get(value) ?? 0) + 1);
    }
  }
  if (missed.length > 0 || !row.labels) return;
  for (const [name, value] of Object.entries(row.labels)) {
    if (without.length > 0 && without[0] !== name) continue;
    const values = counts.labels.get(name) ?? new Map<string, number>();
    counts.labels.set(name, values.set(value, (values.get(value) ?? 0) + 1));
  }
}
