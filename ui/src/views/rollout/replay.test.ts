import { describe, expect, it } from "vitest";
import { after, change, chapters, type Frame, frames, hashOf, pauseAfter, pictureOf } from "./replay";
import { view } from "./example.test-data";

const event = (second: number, reason: string, message: string, type = "Normal") => ({ time: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString(), type, reason, message });

describe("what an event says was done", () => {
  it.each([
    ["Created ReplicaSet web-b (revision 2)", { kind: "create", replicaSet: "web-b", revision: 2 }],
    ["Created new ReplicaSet web-b (revision 2)", { kind: "create", replicaSet: "web-b", revision: 2 }],
    ["Scaled up ReplicaSet web-b (revision 2) from 0 to 3", { kind: "scale", replicaSet: "web-b", revision: 2, from: 0, to: 3 }],
    ["Scaled down ReplicaSet web-a (revision 1) from 3 to 0", { kind: "scale", replicaSet: "web-a", revision: 1, from: 3, to: 0 }],
    ['Switched active Service web from "a" to "b": new version is ready', { kind: "switch", role: "active", service: "web", from: "a", to: "b" }],
    ['Switched preview Service web-preview from "" to "b": preview of the new version', { kind: "switch", role: "preview", service: "web-preview", from: "", to: "b" }],
    ["Switched selector for service 'web-preview' from 'a' to 'b'", { kind: "switch", role: "preview", service: "web-preview", from: "a", to: "b" }],
    ["Switched off", { kind: "note" }],
  ] as const)("%s", (message, want) => {
    const got = change(event(0, "X", message), (s) => (s === "web-preview" ? "preview" : "active"));
    expect(got).toEqual(want);
  });
  it.each([
    ["RolloutUpdated", "Rollout updated to revision 2", { kind: "begin", revision: 2 }],
    ["RolloutPaused", "Rollout is paused (BlueGreenPause)", { kind: "pause" }],
    ["RolloutResumed", "Rollout is resumed", { kind: "resume" }],
    ["RolloutAborted", "Rollout aborted update to revision 2: by hand", { kind: "abort", revision: 2 }],
    ["RolloutCompleted", "Rollout completed update to revision 2 (b): Completed blue-green update", { kind: "complete", revision: 2 }],
    ["InvalidSpec", "spec.replicas: invalid value", { kind: "note" }],
    ["RolloutUpdated", "in other words", { kind: "begin", revision: 0 }],
  ] as const)("%s: %s", (reason, message, want) => expect(change(event(0, reason, message))).toEqual(want));
});

const story = [
  event(0, "RolloutUpdated", "Rollout updated to revision 2"),
  event(1, "NewReplicaSetCreated", "Created ReplicaSet web-b (revision 2)"),
  event(2, "ScalingReplicaSet", "Scaled up ReplicaSet web-b (revision 2) from 0 to 3"),
  event(3, "SwitchService", 'Switched preview Service web-preview from "a" to "b": preview'),
  event(9, "RolloutPaused", "Rollout is paused (BlueGreenPause)"),
  event(20, "RolloutResumed", "Rollout is resumed"),
  event(21, "SwitchService", 'Switched active Service web from "a" to "b": ready'),
  event(22, "RolloutCompleted", "Rollout completed update to revision 2 (b): Completed"),
  event(52, "ScalingReplicaSet", "Scaled down ReplicaSet web-a (revision 1) from 3 to 0"),
];
const world = view([], {
  desired: 3,
  events: story,
  services: [{ name: "web", role: "active", hash: "b", addresses: 3 }, { name: "web-preview", role: "preview", hash: "b", addresses: 3 }],
  revisions: [{ revision: 2, replicaSet: "web-b", images: ["web:2"], created: "" }, { revision: 1, replicaSet: "web-a", images: ["web:1"], created: "" }],
});

describe("frames", () => {
  const all = frames(world);
  const drawn = (i: number) => pictureOf(world, all[i]!).lanes.map((l) => `${l.revision} ${l.side} ${l.role} ${l.squares.length}`);
  it("has the world before the first event as later events say that it was", () => {
    expect(drawn(0)).toEqual(["1 blue both 3"]);
  });
  it.each([
    [1, ["2 green preview 0", "1 blue both 3"]],
    [2, ["2 green preview 3", "1 blue both 3"]],
    [3, ["2 green preview 3", "1 blue active 3"]],
    [6, ["2 green both 3", "1 blue old 3"]],
    [8, ["2 green both 3"]],
  ] as const)("after event %d", (i, want) => expect(drawn(i)).toEqual(want));
  it("knows when it was paused", () => {
    expect(all.map((f) => f.paused)).toEqual([false, false, false, false, true, false, false, false, false]);
  });
  it("is the same for a list that is newest first", () => {
    expect(frames({ ...world, events: story.slice().reverse() })).toEqual(all);
  });
  it("has the events of one second as a rollout goes, in whatever order they are told", () => {
    const same = story.map((e) => ({ ...e, time: story[0]!.time }));
    const told = (events: typeof story) => frames({ ...world, events }).map((f) => f.event.message);
    const want = same.map((e) => e.message);
    expect(told(same.slice().reverse())).toEqual(want);
    expect(told([4, 8, 0, 6, 2, 7, 1, 5, 3].map((i) => same[i]!))).toEqual(want);
  });
  it("keeps events of the same kind and second in their order", () => {
    const notes = ["c", "a", "b"].map((m) => event(0, "Note", m));
    expect(frames({ ...world, events: notes }).map((f) => f.event.message)).toEqual(["c", "a", "b"]);
  });
  it("leaves out what has no time", () => {
    expect(frames({ ...world, events: [{ ...story[0]!, time: "never" }] })).toEqual([]);
  });
  it("does not change a state that it was given", () => {
    const state = Object.freeze({ revision: 1, sizes: Object.freeze({}), services: Object.freeze({}), paused: false, aborted: false });
    for (const f of all) expect(() => after(state, f.change)).not.toThrow();
  });
  it("is aborted until the next revision begins", () => {
    const events = [...story.slice(0, 5), event(10, "RolloutAborted", "Rollout aborted update to revision 2: by hand"), event(60, "RolloutUpdated", "Rollout updated to revision 3")];
    expect(frames({ ...world, events }).map((f) => f.aborted)).toEqual([false, false, false, false, false, true, false]);
  });
});

describe("chapters", () => {
  it("is one for each revision that begins, with its end", () => {
    const events = [...story, event(100, "RolloutUpdated", "Rollout updated to revision 3"), event(110, "RolloutAborted", "Rollout aborted update to revision 3: by hand")];
    const got = chapters(frames({ ...world, events }));
    expect(got.map((c) => [c.revision, c.first, c.last, c.end, (c.to - c.from) / 1000])).toEqual([[2, 0, 8, "completed", 52], [3, 9, 10, "aborted", 10]]);
  });
  it("begins in the middle when the cluster has forgotten the beginning", () => {
    expect(chapters(frames({ ...world, events: story.slice(6) })).map((c) => [c.revision, c.first, c.end])).toEqual([[2, 0, "completed"]]);
  });
  it("is none without events", () => expect(chapters([])).toEqual([]));
});

it("nobody waits for minutes, and nothing flashes by", () => {
  const all = [{ at: 0 }, { at: 10 }, { at: 900 }, { at: 600_000 }] as Frame[];
  expect(all.map((_, i) => pauseAfter(all, i))).toEqual([350, 890, 1800, 1800]);
});

it("hashOf takes the rollout's name off, also where a name has dashes", () => {
  expect(hashOf("web-front", "web-front-abc")).toBe("abc");
  expect(hashOf("web", "other-abc")).toBe("other-abc");
});
