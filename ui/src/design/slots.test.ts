import { describe, expect, it } from "vitest";
import { slots } from "./slots";

describe("elements of a list", () => {
  it("show what comes to their place", () => {
    expect(slots(["a", "b", "c"], 0)).toEqual([0, 1, 2]);
    expect(slots(["x", "y"], 0)).toEqual([0, 1]);
    expect(slots(["k", "l"], 40)).toEqual([40, 41]);
  });
  it("but the one with the focus goes with its item, and the one of its new place takes the old one", () => {
    expect(slots(["new", "a", "b", "c"], 0, { slot: 1, key: "b" })).toEqual([0, 2, 1, 3]);
    expect(slots(["b", "c"], 0, { slot: 1, key: "b" })).toEqual([1, 0]);
  });
  it("an item that stays in its place stays as it is", () => {
    expect(slots(["x", "b", "y"], 0, { slot: 1, key: "b" })).toEqual([0, 1, 2]);
  });
  it("one whose old place is out of sight is where it is now", () => {
    expect(slots(["b", "c"], 0, { slot: 7, key: "b" })).toEqual([7, 1]);
    expect(slots(["x", "b"], 40, { slot: 3, key: "b" })).toEqual([40, 3]);
  });
  it("an item that is gone leaves its element to nobody", () => {
    expect(slots(["x", "y", "z"], 0, { slot: 1, key: "b" })).toEqual([0, -2, 2]);
    expect(slots(["x"], 0, { slot: 0, key: "b" })).toEqual([-1]);
    expect(slots([], 0, { slot: 0, key: "b" })).toEqual([]);
  });
  it("each item has an element of its own, whatever has the focus", () => {
    for (let slot = 0; slot < 6; slot++) {
      for (const key of ["a", "b", "c", "d", "gone"]) {
        const ids = slots(["a", "b", "c", "d"], 1, { slot, key });
        expect(new Set(ids).size).toBe(4);
      }
    }
  });
});
