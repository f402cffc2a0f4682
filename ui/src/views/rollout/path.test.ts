import { expect, it } from "vitest";
import { type Ends, pathOf, swung } from "./path";

const ends = (change: Partial<Ends> = {}): Ends => ({ hash: "a", above: false, ox: 0, sx: 0, sy: 10, ex: 100, ey: 50, ...change });

it("an arrow ends where its head points", () => {
  expect(pathOf(ends()).line.endsWith("50")).toBe(true);
  expect(pathOf(ends()).head.startsWith("M100 50")).toBe(true);
});
it("an arrow from above comes down its gutter and turns right", () => {
  expect(pathOf(ends({ above: true, ox: 40, sx: 20, sy: 0, ey: 80 })).line).toBe("M40 0V8H20V68Q20 80 32 80H91");
  expect(pathOf(ends({ above: true, ox: 20, sx: 20, sy: 0, ey: 80 })).line).toBe("M20 0V68Q20 80 32 80H91");
});
it("a swing begins where the arrow was, ends where it goes, and is past the middle in the middle", () => {
  const [from, to] = [ends(), ends({ hash: "b", ey: 250 })];
  expect(swung(from, to, 0)).toEqual({ ...to, ey: 50 });
  expect(swung(from, to, 0.5).ey).toBe(150);
  expect(swung(from, to, 1)).toEqual(to);
  expect(swung(from, to, 7)).toEqual(to);
});
