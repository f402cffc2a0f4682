// What happened, from what the events of a rollout say: each event is a step from one state to the next. What an event
// does not say (how far the pods of a ReplicaSet were) is not made up.

import type { RolloutView } from "../../api/types";
import { type Picture, type PictureLane, type PictureService, sideOf } from "./picture";

type Event = RolloutView["events"][number];

export type Change =
  | { kind: "begin"; revision: number }
  | { kind: "create"; replicaSet: string; revision: number }
  | { kind: "scale"; replicaSet: string; revision: number; from: number; to: number }
  | { kind: "switch"; role: "active" | "preview"; service: string; from: string; to: string }
  | { kind: "pause" }
  | { kind: "resume" }
  | { kind: "abort"; revision: number }
  | { kind: "complete"; revision: number }
  | { kind: "note" };

const scaled = /^Scaled (?:up|down) ReplicaSet (\S+) \(revision (\d+)\) from (\d+) to (\d+)$/;
const created = /^Created (?:new )?ReplicaSet (\S+) \(revision (\d+)\)/;
const switched = /^Switched (active|preview) Service (\S+) from "([^"]*)" to "([^"]*)"/;
const selector = /^Switched selector for service '([^']+)' from '([^']*)' to '([^']*)'$/;
const ofRevision = /revision (\d+)/;

/** change returns what an event says was done; a note where it says nothing that is drawn. */
export function change(event: Event, roleOf: (service: string) => "active" | "preview" = () => "active"): Change {
  const m = event.message;
  let found: RegExpExecArray | null;
  if ((found = scaled.exec(m))) return { kind: "scale", replicaSet: found[1]!, revision: Number(found[2]), from: Number(found[3]), to: Number(found[4]) };
  if ((found = created.exec(m))) return { kind: "create", replicaSet: found[1]!, revision: Number(found[2]) };
  if ((found = switched.exec(m))) return { kind: "switch", role: found[1] as "active" | "preview", service: found[2]!, from: found[3]!, to: found[4]! };
  if ((found = selector.exec(m))) return { kind: "switch", role: roleOf(found[1]!), service: found[1]!, from: found[2]!, to: found[3]! };
  const revision = Number(ofRevision.exec(m)?.[1] ?? 0);
  switch (event.reason) {
    case "RolloutUpdated":
      return { kind: "begin", revision };
    case "RolloutPaused":
      return { kind: "pause" };
    case "RolloutResumed":
      return { kind: "resume" };
    case "RolloutAborted":
      return { kind: "abort", revision };
    case "RolloutCompleted":
      return { kind: "complete", revision };
  }
  return { kind: "note" };
}

export interface Frame {
  at: number;
  event: Event;
  change: Change;
  /** revision is the one that was on its way, or has got there. */
  revision: number;
  sizes: Record<string, { revision: number; size: number }>;
  services: Record<string, { role: "active" | "preview"; hash: string }>;
  paused: boolean;
  aborted: boolean;
}

const byTime = (a: Event, b: Event) => Date.parse(a.time) - Date.parse(b.time);

/** rank orders the events of one second, which the cluster tells in any order, as a rollout goes. */
function rank(c: Change): number {
  switch (c.kind) {
    case "begin":
      return 0;
    case "create":
      return 1;
    case "note":
      return 2;
    case "scale":
      return c.to >= c.from ? 3 : 9;
    case "switch":
      return c.role === "preview" ? 4 : 7;
    case "pause":
      return 5;
    case "resume":
      return 6;
    case "complete":
    case "abort":
      return 8;
  }
}

/** frames returns the state after each event, oldest first. */
export function frames(view: Pick<RolloutView, "name" | "events" | "services" | "revisions">): Frame[] {
  const roles = new Map(view.services.map((s) => [s.name, s.role]));
  // The list may come newest first, as the page shows it; events of one second keep their order then.
  const newestFirst = view.events.length > 1 && byTime(view.events[0]!, view.events[view.events.length - 1]!) > 0;
  const known = (newestFirst ? view.events.slice().reverse() : view.events.slice())
    .filter((event) => !Number.isNaN(Date.parse(event.time)))
    .map((event) => ({ event, change: change(event, (service) => roles.get(service) ?? "active") }))
    .sort((a, b) => byTime(a.event, b.event) || rank(a.change) - rank(b.change));
  const [events, changes] = [known.map((k) => k.event), known.map((k) => k.change)];
  let state = before(changes);
  return events.map((event, i) => {
    const c = changes[i]!;
    state = after(state, c);
    return { ...state, at: Date.parse(event.time), event, change: c };
  });
}

type State = Pick<Frame, "revision" | "sizes" | "services" | "paused" | "aborted">;

/** before returns how it was before the first change: what a change begins from was there. */
function before(changes: Change[]): State {
  const state: State = { revision: 0, sizes: {}, services: {}, paused: false, aborted: false };
  const made = new Set<string>();
  for (const c of changes) {
    if (c.kind === "create") made.add(c.replicaSet);
    if (c.kind === "scale" && !made.has(c.replicaSet) && !(c.replicaSet in state.sizes)) state.sizes[c.replicaSet] = { revision: c.revision, size: c.from };
    if (c.kind === "switch" && !(c.service in state.services)) state.services[c.service] = { role: c.role, hash: c.from };
  }
  return state;
}

/** after returns the state that a change leaves. */
export function after(state: State, c: Change): State {
  switch (c.kind) {
    case "begin":
      return { ...state, revision: c.revision, aborted: false };
    case "create":
      return { ...state, sizes: { ...state.sizes, [c.replicaSet]: { revision: c.revision, size: state.sizes[c.replicaSet]?.size ?? 0 } } };
    case "scale":
      return { ...state, sizes: { ...state.sizes, [c.replicaSet]: { revision: c.revision, size: c.to } } };
    case "switch":
      return { ...state, services: { ...state.services, [c.service]: { role: c.role, hash: c.to } } };
    case "pause":
      return { ...state, paused: true };
    case "resume":
      return { ...state, paused: false };
    case "abort":
      return { ...state, aborted: true, paused: false };
    case "complete":
      return { ...state, paused: false, revision: c.revision || state.revision };
    case "note":
      return state;
  }
}

/** hashOf returns the part of a ReplicaSet's name that its pods are selected by. */
export const hashOf = (rollout: string, replicaSet: string) => (replicaSet.startsWith(`${rollout}-`) ? replicaSet.slice(rollout.length + 1) : replicaSet);

/** pictureOf returns what is drawn of a moment of the past. */
export function pictureOf(view: RolloutView, frame: Frame): Picture {
  const services = Object.entries(frame.services).map(([name, s]): PictureService => ({ name, role: s.role, hash: s.hash }));
  // A Service that no event names has not been switched: it is where it is now.
  for (const s of view.services) if (!(s.name in frame.services)) services.push({ name: s.name, role: s.role, hash: s.hash });
  services.sort((a, b) => (a.role < b.role ? -1 : 1));
  const images = new Map(view.revisions.map((r) => [r.replicaSet, r.images]));
  const revisions = new Map(view.revisions.map((r) => [r.replicaSet, r.revision]));
  const sizes = new Map(Object.entries(frame.sizes));
  for (const s of services) {
    const of = view.revisions.find((r) => hashOf(view.name, r.replicaSet) === s.hash);
    // What a Service selects had pods, though no event of the time that is kept says how many.
    if (of && !sizes.has(of.replicaSet)) sizes.set(of.replicaSet, { revision: of.revision, size: view.desired });
  }
  const lanes = [...sizes].flatMap(([replicaSet, { revision, size }]): PictureLane[] => {
    const hash = hashOf(view.name, replicaSet);
    const of = services.filter((s) => s.hash === hash).map((s) => s.role);
    if (size === 0 && of.length === 0 && revision !== frame.revision) return [];
    const role = of.includes("active") ? (of.includes("preview") ? "both" : "active") : of.includes("preview") ? "preview" : revision === frame.revision ? "preview" : "old";
    // A revision that was returned to has a new number now; then it had the one that the events say.
    const shown = revision || revisions.get(replicaSet) || 0;
    return [{ replicaSet, hash, revision: shown, side: sideOf(shown), role, images: images.get(replicaSet) ?? [], desired: size, ready: size, squares: Array.from({ length: Math.min(size, 500) }, (_, i) => ({ name: `${i}`, state: "ready", restarts: 0 })) }];
  });
  lanes.sort((a, b) => b.revision - a.revision);
  return { canary: view.strategy === "Canary", lanes, services };
}

export interface Chapter {
  revision: number;
  /** first is the frame that it begins with. */
  first: number;
  last: number;
  from: number;
  to: number;
  end: "completed" | "aborted" | "open";
}

/** chapters returns the rollouts that the frames tell of, one for each revision that began. */
export function chapters(all: Frame[]): Chapter[] {
  const found: Chapter[] = [];
  all.forEach((frame, i) => {
    let last = found[found.length - 1];
    if (!last || (frame.change.kind === "begin" && i > last.first)) {
      last = { revision: frame.revision, first: i, last: i, from: frame.at, to: frame.at, end: "open" };
      found.push(last);
    }
    last.last = i;
    last.to = frame.at;
    if (last.revision === 0) last.revision = frame.revision;
    if (frame.change.kind === "complete") last.end = "completed";
    if (frame.change.kind === "abort") last.end = "aborted";
  });
  return found;
}

const shortest = 350;
const longest = 1800;

/** pauseAfter returns how long a frame is shown when it is played: as long as it lasted, but nobody waits for minutes. */
export function pauseAfter(all: Frame[], i: number): number {
  const next = all[i + 1];
  if (!next) return longest;
  return Math.min(longest, Math.max(shortest, next.at - all[i]!.at));
}
