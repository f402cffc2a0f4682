// What an event of the stream does to a rollout: the first of a stream is all of it, those that follow are what has changed.

import type { RolloutView } from "./types";

/** Piece is a part of a list: as many elements of the list before, from a place on, or else a new element. */
export type Piece<T> = { from?: number; count?: number; item?: T };

type Lane = RolloutView["lanes"][number];

/** RolloutChange makes of a rollout the next one: a part that is null is gone, and lanes among the parts are without pods. */
export type RolloutChange = {
  namespace: string;
  name: string;
  parts: { [K in keyof RolloutView]?: RolloutView[K] | null };
  events?: Piece<RolloutView["events"][number]>[];
  pods?: Record<string, Piece<Lane["pods"][number]>[]>;
};

/** isChange reports whether an event has what has changed, and not all of a rollout. */
export function isChange(of: RolloutView | RolloutChange): of is RolloutChange {
  return "parts" in of;
}

/** changed returns a rollout after a change; what has not changed stays the same object. */
export function changed(old: RolloutView, { parts, events, pods = {} }: RolloutChange): RolloutView {
  const next: Record<string, unknown> = { ...old, ...parts };
  for (const [name, part] of Object.entries(parts)) if (part === null) delete next[name];
  const whole = next as unknown as RolloutView;
  if (events) whole.events = joined(old.events, events);
  if (parts.lanes || Object.keys(pods).length > 0) {
    const had = new Map(old.lanes.map((lane) => [lane.replicaSet, lane.pods]));
    whole.lanes = whole.lanes.map((lane) => {
      const given = pods[lane.replicaSet];
      const before = had.get(lane.replicaSet) ?? [];
      const after = given ? joined(before, given) : before;
      return lane.pods === after ? lane : { ...lane, pods: after };
    });
  }
  return whole;
}

function joined<T>(old: T[], pieces: Piece<T>[]): T[] {
  return pieces.flatMap(({ from = 0, count = 0, item }) => (item === undefined ? old.slice(from, from + count) : [item]));
}

/** Rollouts are those that a stream has told of, as they are by now. */
export class Rollouts {
  private readonly now = new Map<string, RolloutView>();

  /** take returns all of the rollout that an event is about; undefined for a change of one that the stream has not told of. */
  take(event: RolloutView | RolloutChange): RolloutView | undefined {
    const key = `${event.namespace}/${event.name}`;
    const old = this.now.get(key);
    const whole = isChange(event) ? old && changed(old, event) : event;
    if (whole) this.now.set(key, whole);
    return whole;
  }

  /** drop forgets a rollout that is not shown any more. */
  drop({ namespace, name }: { namespace: string; name: string }) {
    this.now.delete(`${namespace}/${name}`);
  }
}
