// Which rollouts a list shows, and in which order.

import type { RolloutView } from "../../api/types";
import { list, type Search } from "../../shell/search";

/** phases in the order in which they need somebody. */
export const phases = ["Degraded", "Paused", "Progressing", "Healthy"] as const;

export const key = (r: { namespace: string; name: string }) => `${r.namespace}/${r.name}`;

/** needsSomebody reports whether nothing goes on by itself: a gate waits without a time, or what was tried has failed. */
export function needsSomebody(r: RolloutView): boolean {
  if (r.aborted || r.phase === "Degraded") return true;
  return (r.paused || r.phase === "Paused") && !r.gates.some((g) => g.state === "waiting" && g.until);
}

export interface Shown {
  items: RolloutView[];
  phases: Map<string, number>;
  namespaces: Map<string, number>;
  waiting: number;
}

const count = (of: Map<string, number>, value: string) => of.set(value, (of.get(value) ?? 0) + 1);

/** show returns the rollouts that match, and how many would match each other filter. */
export function show(all: RolloutView[], search: Search, compare: (a: string, b: string) => number): Shown {
  const words = (search.search ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = { phase: new Set(list(search.phase)), namespace: new Set(list(search.namespace)) };
  const shown: Shown = { items: [], phases: new Map(), namespaces: new Map(), waiting: 0 };
  for (const r of all) {
    const name = key(r).toLowerCase();
    if (!words.every((w) => name.includes(w))) continue;
    const phase = wanted.phase.size === 0 || wanted.phase.has(r.phase);
    const namespace = wanted.namespace.size === 0 || wanted.namespace.has(r.namespace);
    const waits = needsSomebody(r);
    const waiting = search.waiting !== "true" || waits;
    // A value is counted by what all other filters leave, so that a second one can be chosen beside the first.
    if (namespace && waiting) count(shown.phases, r.phase);
    if (phase && waiting) count(shown.namespaces, r.namespace);
    if (phase && namespace && waits) shown.waiting++;
    if (phase && namespace && waiting) shown.items.push(r);
  }
  const rank = (r: RolloutView) => (phases as readonly string[]).indexOf(r.phase);
  const byName = (a: RolloutView, b: RolloutView) => compare(a.name, b.name) || compare(a.namespace, b.namespace);
  shown.items.sort(search.sort === "phase" ? (a, b) => rank(a) - rank(b) || byName(a, b) : byName);
  return shown;
}
