// What the picture of a rollout shows, made from what the server says of it now or from what its events say of then.

import type { Lane, Pod, RolloutView } from "../../api/types";

export type Side = "blue" | "green";
export type SquareState = "ready" | "starting" | "pending" | "failed" | "terminating" | "gone";

export interface Square {
  name: string;
  state: SquareState;
  restarts: number;
  message?: string;
}

export interface PictureLane {
  replicaSet: string;
  hash: string;
  revision: number;
  side: Side;
  role: Lane["role"];
  images: string[];
  desired: number;
  ready: number;
  squares: Square[];
  scaleDownAt?: string;
}

export interface PictureService {
  name: string;
  role: "active" | "preview";
  hash: string;
  /** addresses is how many pods answer; undefined where that is not known. */
  addresses?: number;
  since?: string;
  /** missing is whether there is no Service of the name. */
  missing?: boolean;
}

export interface Picture {
  canary: boolean;
  lanes: PictureLane[];
  services: PictureService[];
}

/** sideOf returns the colour that a revision keeps for life. */
export const sideOf = (revision: number): Side => (Math.abs(revision) % 2 === 1 ? "blue" : "green");

const broken = /BackOff|Err|Error|Failed|Invalid|OOMKilled|Evicted|Unschedulable/;

/** stateOf returns how a pod is drawn. */
export function stateOf(pod: Pod): SquareState {
  if (pod.terminating) return "terminating";
  if (pod.ready) return "ready";
  if (pod.phase === "Failed" || broken.test(pod.phase) || broken.test(pod.message ?? "")) return "failed";
  return pod.phase === "Running" ? "starting" : "pending";
}

const rank: Record<Lane["role"], number> = { both: 0, active: 0, preview: 1, old: 2 };

/** picture returns what is drawn of a rollout: its lanes in a lasting order, the pods that are still to come as well. */
export function picture(view: RolloutView): Picture {
  const lanes = view.lanes.map((lane): PictureLane => {
    const squares = lane.pods.map((p): Square => ({ name: p.name, state: stateOf(p), restarts: p.restarts, message: p.message }));
    const there = squares.filter((s) => s.state !== "terminating").length;
    for (let i = there; i < Math.min(lane.desired, most); i++) squares.push({ name: "", state: "gone", restarts: 0 });
    return { replicaSet: lane.replicaSet, hash: lane.hash, revision: lane.revision, side: sideOf(lane.revision), role: lane.role, images: lane.images, desired: lane.desired, ready: lane.ready, squares, scaleDownAt: lane.scaleDownAt };
  });
  return { canary: view.strategy === "Canary", lanes: lanes.sort(inOrder), services: view.services.map(({ name, role, hash, addresses, since, missing }) => ({ name, role, hash, addresses, since, missing })) };
}

const most = 500;

function inOrder(a: PictureLane, b: PictureLane): number {
  return rank[a.role] - rank[b.role] || b.revision - a.revision || (a.hash < b.hash ? -1 : 1);
}

/** sides returns the lanes of each colour; a colour without any is there too, since the next version comes to one of them. */
export function sides(p: Picture): { side: Side; lanes: PictureLane[] }[] {
  return (["blue", "green"] as const).map((side) => ({ side, lanes: p.lanes.filter((l) => l.side === side) }));
}

/** activeOf returns the lane that the traffic goes to. */
export function activeOf(p: Picture): PictureLane | undefined {
  const service = p.services.find((s) => s.role === "active");
  return service ? p.lanes.find((l) => l.hash !== "" && l.hash === service.hash) : p.lanes.find((l) => l.role === "active" || l.role === "both");
}

/** newest returns the highest revision that the rollout has. */
export const newest = (view: RolloutView) => Math.max(0, ...view.lanes.map((l) => l.revision), ...view.revisions.map((r) => r.revision));

/** tagOf returns the part of an image that tells it from the next one. */
export function tagOf(image: string): string {
  const at = image.indexOf("@sha256:");
  if (at >= 0) return `${image.slice(image.lastIndexOf("/", at) + 1, at)}@${image.slice(at + 8, at + 19)}`;
  return image.slice(image.lastIndexOf("/") + 1);
}

/** restarts adds up how often the pods of a lane began again. */
export const restartsOf = (lane: PictureLane) => lane.squares.reduce((sum, s) => sum + s.restarts, 0);

/** moves reports whether something is on its way, so that the picture shows that it lives. */
export const moves = (view: RolloutView) =>
  view.phase === "Progressing" || view.lanes.some((l) => l.scaleDownAt !== undefined || l.pods.some((p) => p.terminating || (!p.ready && l.desired > 0)));
