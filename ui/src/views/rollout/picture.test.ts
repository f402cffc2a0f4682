import { describe, expect, it } from "vitest";
import { lane, pod, view } from "./example.test-data";
import { activeOf, moves, newest, picture, restartsOf, sideOf, sides, stateOf, tagOf } from "./picture";

describe("the colour of a revision", () => {
  it.each([[1, "blue"], [2, "green"], [41, "blue"], [1_000_000, "green"], [0, "green"]] as const)("%d is %s for life", (revision, want) => {
    expect(sideOf(revision)).toBe(want);
  });
});

describe("how a pod is drawn", () => {
  it.each([
    ["ready", pod(), "ready"],
    ["running, not ready", pod({ ready: false }), "starting"],
    ["pending", pod({ ready: false, phase: "Pending" }), "pending"],
    ["creating", pod({ ready: false, phase: "ContainerCreating" }), "pending"],
    ["crashing, by phase", pod({ ready: false, phase: "CrashLoopBackOff" }), "failed"],
    ["crashing, by message", pod({ ready: false, message: "CrashLoopBackOff: exit code 1" }), "failed"],
    ["image that cannot be had", pod({ ready: false, phase: "ErrImagePull" }), "failed"],
    ["on its way out, though ready", pod({ terminating: true }), "terminating"],
    ["failed", pod({ ready: false, phase: "Failed" }), "failed"],
    ["ready again after crashes", pod({ message: "last exit: Error" }), "ready"],
  ] as const)("%s", (_, p, want) => expect(stateOf(p)).toBe(want));
});

describe("the picture", () => {
  it("has a lane of each colour, though one is empty", () => {
    const got = sides(picture(view([lane(41, "both")])));
    expect(got.map((s) => [s.side, s.lanes.length])).toEqual([["blue", 1], ["green", 0]]);
  });
  it("keeps a revision on its side when it becomes active", () => {
    const before = sides(picture(view([lane(42, "preview"), lane(41, "active")])));
    const after = sides(picture(view([lane(42, "active"), lane(41, "old")])));
    const of = (s: typeof before) => s.map((x) => x.lanes.map((l) => l.revision));
    expect(of(before)).toEqual(of(after));
  });
  it("puts what has traffic before what is old, of one colour", () => {
    const got = sides(picture(view([lane(39, "old"), lane(37, "old"), lane(41, "active"), lane(43, "preview")])))[0]!;
    expect(got.lanes.map((l) => l.revision)).toEqual([41, 43, 39, 37]);
  });
  it("draws the pods that are still to come, besides those that go", () => {
    const got = picture(view([lane(42, "preview", { desired: 4, pods: [pod(), pod({ name: "x", terminating: true })] })]));
    expect(got.lanes[0]!.squares.map((s) => s.state)).toEqual(["ready", "terminating", "gone", "gone", "gone"]);
  });
  it("is bounded, however many pods are wanted", () => {
    expect(picture(view([lane(1, "both", { desired: 1_000_000, pods: [] })])).lanes[0]!.squares.length).toBe(500);
  });
  it("finds the lane with the traffic by the Service, not by its role", () => {
    const v = view([lane(42, "preview"), lane(41, "active")]);
    v.services[0]!.hash = "h42";
    expect(activeOf(picture(v))?.revision).toBe(42);
  });
  it("has no lane with traffic when the Service selects none", () => {
    const v = view([lane(41, "active")]);
    v.services[0]!.hash = "";
    expect(activeOf(picture(v))).toBeUndefined();
  });
  it("adds up restarts", () => {
    expect(restartsOf(picture(view([lane(1, "both", { pods: [pod({ restarts: 2 }), pod({ restarts: 3 })] })])).lanes[0]!)).toBe(5);
  });
});

describe("what moves", () => {
  it.each([
    ["at rest", view([lane(1, "both")]), false],
    ["progressing", view([lane(1, "both")], { phase: "Progressing" }), true],
    ["pods that go later", view([lane(1, "old", { scaleDownAt: "2026-01-01T00:00:00Z" })]), true],
    ["a pod that goes", view([lane(1, "both", { pods: [pod({ terminating: true })] })]), true],
    ["a pod that is not ready", view([lane(1, "both", { pods: [pod({ ready: false })] })]), true],
    ["paused with all its pods", view([lane(1, "active"), lane(2, "preview")], { phase: "Paused" }), false],
  ] as const)("%s", (_, v, want) => expect(moves(v)).toBe(want));
});

it("newest counts revisions that have no pods", () => {
  expect(newest(view([lane(3, "both")], { revisions: [{ revision: 7, replicaSet: "x", images: [], created: "" }] }))).toBe(7);
  expect(newest(view([]))).toBe(0);
});

describe("the part of an image that tells it from the next", () => {
  it.each([
    ["registry.example:5000/team/web:v1", "web:v1"],
    ["web", "web"],
    ["registry.example/web@sha256:0123456789abcdef0123", "web@0123456789a"],
    ["registry.example/web:v1@sha256:0123456789abcdef", "web:v1@0123456789a"],
  ])("%s", (image, want) => expect(tagOf(image)).toBe(want));
});
