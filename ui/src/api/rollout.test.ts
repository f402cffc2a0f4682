import { describe, expect, it } from "vitest";
import { changed, Rollouts, type RolloutChange } from "./rollout";
import rows from "./rollout.test-data.json";
import type { RolloutView } from "./types";

type Told = { rule: string; before: RolloutView; change: RolloutChange; after: RolloutView };
const told = rows as unknown as Told[];
const of = (rule: string) => told.find((t) => t.rule === rule)!;

describe("what has changed of a rollout, as the server tells it", () => {
  it.each(told.map((t) => [t.rule, t] as const))("makes of it the next one: %s", (_, { before, change, after }) => {
    const was = structuredClone(before);
    expect(changed(before, change)).toEqual(after);
    expect(before, "the one before is not touched").toEqual(was);
  });

  it("leaves what has not changed as the same object", () => {
    const { before, change } = of("a pod among others");
    const now = changed(before, change);
    expect(now.events).toBe(before.events);
    expect(now.lanes[1]).toBe(before.lanes[1]);
    expect(now.lanes[0]!.pods[0]).toBe(before.lanes[0]!.pods[0]);
    expect(changed(before, of("a value").change).lanes).toBe(before.lanes);
  });
});

describe("rollouts of a stream", () => {
  const { before, change, after } = of("a pod that goes");

  it("are told of as a whole, and then by what has changed", () => {
    const all = new Rollouts();
    expect(all.take(before)).toBe(before);
    expect(all.take(change)).toEqual(after);
    expect(all.take(of("a value").change)!.lanes).toEqual(after.lanes);
    expect(all.take(before), "a stream that begins anew").toBe(before);
  });

  it("are not made up where the whole is not known", () => {
    const all = new Rollouts();
    expect(all.take(change)).toBeUndefined();
    all.take(before);
    expect(all.take({ ...change, name: "other" })).toBeUndefined();
    expect(all.take({ ...change, namespace: "other" })).toBeUndefined();
    all.drop(before);
    expect(all.take(change)).toBeUndefined();
  });
});
