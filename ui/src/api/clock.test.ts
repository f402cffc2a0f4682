import { afterEach, expect, it, vi } from "vitest";
import { heardTime, now } from "./clock";

afterEach(() => {
  vi.useRealTimers();
  heardTime(Date.now());
});

it.each([
  ["what an answer says counts, whatever the browser's clock says", -3_600_000, 0, -3_600_000],
  ["whole seconds of a header do not change what was heard exactly", -1000, 30_000, 0],
  ["a header mends a clock that was set meanwhile", 3_600_000, 30_000, 3_600_000],
  ["no time at all changes nothing", NaN, 0, 0],
])("%s", (_, off, within, want) => {
  vi.useFakeTimers({ now: 1e12 });
  heardTime(1e12);
  heardTime(1e12 + off, within);
  expect(now() - Date.now()).toBe(want);
});
