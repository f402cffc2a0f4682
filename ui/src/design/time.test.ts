import { expect, it, vi } from "vitest";

vi.hoisted(() => vi.stubGlobal("document", { documentElement: { lang: "en" } }));
const { clock, duration, exact, relative, since } = await import("./time");
await (await import("../i18n")).setLanguage("en");

it.each([
  ["now", 1000, "now"],
  ["seconds ago", -8000, "8 sec. ago"],
  ["minutes ago", -5 * 60_000, "5 min. ago"],
  ["ahead", 3 * 3_600_000, "in 3 hr."],
])("a time is told by how far it is: %s", (_, far, want) => expect(relative(1e12 + far, 1e12)).toBe(want));

it.each([
  [0.25, "0.3 s"],
  [59.4, "59 s"],
  [95, "1 min 35 s"],
  [3_700, "1 h 1 min"],
  [90_000, "1 d 1 h"],
])("%d seconds are %s", (seconds, want) => expect(duration(seconds)).toBe(want));

it("since when is the time of day, and the date where that was another day", () => {
  const noon = new Date(2026, 0, 2, 12).getTime();
  expect(since(noon - 90_000, noon)).toBe("11:58:30 AM");
  expect(since(noon - 86_400_000, noon)).toBe("01/01/2026, 12:00:00");
});

it("formatters are made once for all lines of a list", () => {
  relative(0, 9e9);
  exact(0);
  clock(0);
  duration(1.5);
  const made = ["DateTimeFormat", "RelativeTimeFormat", "NumberFormat"].map((name) => vi.spyOn(Intl, name as "DateTimeFormat"));
  for (let i = 0; i < 100; i++) [relative(i, 9e9), exact(i), clock(i), duration(1.5)];
  expect(made.map((m) => m.mock.calls.length)).toEqual([0, 0, 0]);
});
