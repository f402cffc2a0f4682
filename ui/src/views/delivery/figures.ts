// What is reckoned from deliveries: where time went, how long the way takes over the weeks, and which come before and after.

import type { Delivery, Stage } from "../../api/types";
import { list, type Search } from "../../shell/search";

export const key = (d: { namespace: string; application: string; id: string }) => `${d.namespace}/${d.application}/${d.id}`;

/** lasted returns how long a stage took, or has taken up to now; undefined where its times are not known. */
export function lasted(stage: Stage, now: number): number | undefined {
  if (!stage.startedAt) return undefined;
  const end = stage.finishedAt ? Date.parse(stage.finishedAt) : stage.state === "running" || stage.state === "waiting" ? now : undefined;
  return end === undefined ? undefined : Math.max(0, (end - Date.parse(stage.startedAt)) / 1000);
}

export interface Span {
  stage: Stage;
  seconds?: number;
  /** from and to are where the stage lies in the whole way, from 0 to 1. */
  from?: number;
  to?: number;
}

/** timeline returns each stage with its place in the whole way. */
export function timeline(stages: Stage[], now: number): { spans: Span[]; seconds: number } {
  const times = stages.flatMap((s) => {
    const seconds = lasted(s, now);
    return seconds === undefined ? [] : [{ from: Date.parse(s.startedAt!), to: Date.parse(s.startedAt!) + seconds * 1000 }];
  });
  if (times.length === 0) return { spans: stages.map((stage) => ({ stage })), seconds: 0 };
  const first = Math.min(...times.map((t) => t.from));
  const whole = Math.max(...times.map((t) => t.to)) - first;
  const spans = stages.map((stage): Span => {
    const seconds = lasted(stage, now);
    if (seconds === undefined) return { stage };
    const from = Date.parse(stage.startedAt!) - first;
    return whole === 0 ? { stage, seconds, from: 0, to: 0 } : { stage, seconds, from: from / whole, to: (from + seconds * 1000) / whole };
  });
  return { spans, seconds: whole / 1000 };
}

/** longest returns the stage that took most of the time, and its share of all; undefined when nothing took any. */
export function longest(stages: Stage[], now: number): { stage: Stage; seconds: number; share: number } | undefined {
  const all = stages.flatMap((stage) => {
    const seconds = lasted(stage, now) ?? 0;
    return seconds > 0 ? [{ stage, seconds }] : [];
  });
  const sum = all.reduce((s, a) => s + a.seconds, 0);
  const most = all.reduce<(typeof all)[number] | undefined>((m, a) => (m && m.seconds >= a.seconds ? m : a), undefined);
  return most && { ...most, share: most.seconds / sum };
}

/** current returns the stage where a delivery is, or at which it failed. */
export function current(d: Delivery): Stage | undefined {
  if (d.state === "Failed") return d.stages.find((s) => s.state === "failed");
  if (d.state !== "Running" && d.state !== "Waiting") return undefined;
  return d.stages.find((s) => s.state === "running") ?? d.stages.find((s) => s.state === "waiting");
}

const began = (d: Delivery) => d.startedAt ?? d.source?.date ?? d.commit.date ?? "";

/** newestFirst orders deliveries by when they began. */
export const newestFirst = (a: Delivery, b: Delivery) => Date.parse(began(b)) - Date.parse(began(a)) || (key(a) < key(b) ? 1 : -1);

/** neighbours returns the deliveries of the same application before and after one. */
export function neighbours(all: Delivery[], d: Delivery): { earlier?: Delivery; later?: Delivery } {
  const of = all.filter((x) => x.application === d.application && x.namespace === d.namespace).sort(newestFirst);
  const at = of.findIndex((x) => x.id === d.id);
  return at < 0 ? {} : { earlier: of[at + 1], later: of[at - 1] };
}

export interface Point {
  at: string;
  seconds: number;
  id: string;
}

export interface Bucket {
  /** from is when the bucket begins, in milliseconds. */
  from: number;
  count: number;
  median: number;
  p90: number;
}

/** quantile returns the value below which a share of sorted values lies, between the two nearest. */
export function quantile(sorted: number[], share: number): number {
  if (sorted.length === 0) return NaN;
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)]!;
  return low + (sorted[Math.ceil(at)]! - low) * (at - Math.floor(at));
}

const day = 86_400_000;
export type Unit = "hour" | "day" | "week";

/** unitOf returns how wide buckets are for some points: few enough to be read, enough to show a change. */
export function unitOf(points: Point[]): Unit {
  const times = points.map((p) => Date.parse(p.at)).filter((t) => !Number.isNaN(t));
  const span = times.length === 0 ? 0 : Math.max(...times) - Math.min(...times);
  return span <= 2 * day ? "hour" : span <= 28 * day ? "day" : "week";
}

/** begin returns when the hour, day or week of a time began, in the reader's zone; weeks begin on Monday. */
export function begin(at: number, unit: Unit): number {
  const d = new Date(at);
  if (unit === "hour") d.setMinutes(0, 0, 0);
  else d.setHours(0, 0, 0, 0);
  if (unit === "week") d.setDate(d.getDate() - ((d.getDay() + 6) % 7));
  return d.getTime();
}

/** buckets returns the median and the nine tenths of each hour, day or week that has a delivery, oldest first. */
export function buckets(points: Point[], unit: Unit = unitOf(points)): Bucket[] {
  const of = new Map<number, number[]>();
  for (const p of points) {
    const at = Date.parse(p.at);
    if (Number.isNaN(at) || !Number.isFinite(p.seconds)) continue;
    const from = begin(at, unit);
    const values = of.get(from);
    if (values) values.push(p.seconds);
    else of.set(from, [p.seconds]);
  }
  return [...of].sort((a, b) => a[0] - b[0]).map(([from, values]) => {
    values.sort((a, b) => a - b);
    return { from, count: values.length, median: quantile(values, 0.5), p90: quantile(values, 0.9) };
  });
}

export const states = ["Running", "Waiting", "Done", "Replaced", "Failed", "Superseded"] as const;

export interface Shown {
  items: Delivery[];
  states: Map<string, number>;
  applications: Map<string, number>;
  authors: Map<string, number>;
}

const authorOf = (d: Delivery) => d.source?.author ?? d.commit.author ?? "";

function textOf(d: Delivery): string {
  return [d.application, d.namespace, d.source?.message, d.commit.message, d.source?.sha, d.commit.sha, authorOf(d), d.image].join("\n").toLowerCase();
}

/** show returns the deliveries that match, newest first, and how many would match each other value of each filter. */
export function show(all: Delivery[], search: Search): Shown {
  const words = (search.search ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const facets = { states: (d: Delivery) => d.state as string, applications: (d: Delivery) => d.application, authors: authorOf };
  const wanted = {
    states: new Set(list(search.state)),
    applications: new Set(list(search.application)),
    // A name may have a comma.
    authors: new Set(search.author ? [search.author] : []),
  };
  const shown: Shown = { items: [], states: new Map(), applications: new Map(), authors: new Map() };
  const names = ["states", "applications", "authors"] as const;
  for (const d of all) {
    const text = words.length > 0 ? textOf(d) : "";
    if (!words.every((w) => text.includes(w))) continue;
    const missed = names.filter((n) => wanted[n].size > 0 && !wanted[n].has(facets[n](d)));
    for (const n of names) {
      if (missed.length > 1 || (missed.length === 1 && missed[0] !== n)) continue;
      const value = facets[n](d);
      if (value !== "") shown[n].set(value, (shown[n].get(value) ?? 0) + 1);
    }
    if (missed.length === 0) shown.items.push(d);
  }
  shown.items.sort(newestFirst);
  return shown;
}

/** withDeliveries returns a list with what the stream says of some of them. */
export function withDeliveries(old: Delivery[], changed: Delivery[]): Delivery[] {
  const news = new Map(changed.map((d) => [key(d), d]));
  const next = old.map((d) => {
    const now = news.get(key(d));
    news.delete(key(d));
    return now ?? d;
  });
  return news.size === 0 ? next : [...news.values(), ...next];
}
