import { describe, expect, it } from "vitest";
import type { Delivery, Stage } from "../../api/types";
import { begin, buckets, current, key, lasted, longest, neighbours, quantile, show, timeline, unitOf, withDeliveries } from "./figures";

const at = (second: number) => new Date(Date.UTC(2026, 0, 5, 12, 0, second)).toISOString();
const ms = (second: number) => Date.parse(at(second));
const stage = (name: Stage["name"], state: Stage["state"], from?: number, to?: number): Stage => ({ name, state, startedAt: from === undefined ? undefined : at(from), finishedAt: to === undefined ? undefined : at(to) });
const delivery = (id: string, change: Partial<Delivery> = {}): Delivery => ({ id, namespace: "argocd", application: "web", project: "default", state: "Done", commit: { sha: `c${id}` }, stages: [], startedAt: at(Number(id)), ...change });

describe("how long a stage took", () => {
  it.each([
    ["done", stage("build", "done", 1, 9), 8],
    ["running, up to now", stage("build", "running", 5), 15],
    ["waiting for somebody, up to now", stage("preview", "waiting", 10), 10],
    ["to come", stage("switch", "waiting"), undefined],
    ["done, begin not known", stage("seen", "done", undefined, 4), undefined],
    ["done, end not known", stage("seen", "done", 4), undefined],
    ["by clocks that disagree", stage("seen", "done", 9, 4), 0],
  ] as const)("%s", (_, s, want) => expect(lasted(s, ms(20))).toBe(want));
});

describe("the timeline", () => {
  it("places each stage in the whole way", () => {
    const got = timeline([stage("commit", "done", 0, 0), stage("build", "done", 0, 5), stage("sync", "running", 15), stage("switch", "waiting")], ms(20));
    expect(got.seconds).toBe(20);
    expect(got.spans.map((s) => [s.from, s.to, s.seconds])).toEqual([[0, 0, 0], [0, 0.25, 5], [0.75, 1, 5], [undefined, undefined, undefined]]);
  });
  it("is empty where no time is known", () => expect(timeline([stage("commit", "unknown")], 0)).toEqual({ spans: [{ stage: stage("commit", "unknown") }], seconds: 0 }));
  it("has no place outside of the whole, also where nothing took time", () => {
    expect(timeline([stage("commit", "done", 3, 3)], 0).spans[0]).toMatchObject({ from: 0, to: 0, seconds: 0 });
  });
});

it("the longest stage has its share of all", () => {
  expect(longest([stage("build", "done", 0, 6), stage("sync", "done", 6, 8)], 0)).toMatchObject({ stage: { name: "build" }, seconds: 6, share: 0.75 });
  expect(longest([stage("build", "unknown")], 0)).toBeUndefined();
});

describe("where a delivery is", () => {
  const stages = [stage("commit", "done", 0, 1), stage("preview", "waiting", 1), stage("switch", "running", 2), stage("drain", "failed", 3, 4)];
  it.each([["Running", "switch"], ["Waiting", "switch"], ["Failed", "drain"], ["Done", undefined], ["Replaced", undefined], ["Superseded", undefined]] as const)("%s", (state, want) => {
    expect(current(delivery("1", { state, stages }))?.name).toBe(want);
  });
  it("waits where nothing runs", () => expect(current(delivery("1", { state: "Waiting", stages: stages.slice(0, 2) }))?.name).toBe("preview"));
});

describe("before and after", () => {
  const all = [delivery("3"), delivery("1"), delivery("2"), delivery("9", { application: "api" }), delivery("8", { namespace: "other" })];
  it.each([["1", undefined, "2"], ["2", "1", "3"], ["3", "2", undefined], ["7", undefined, undefined]] as const)("%s", (id, earlier, later) => {
    const got = neighbours(all, delivery(id));
    expect([got.earlier?.id, got.later?.id]).toEqual([earlier, later]);
  });
});

describe("quantiles", () => {
  it.each([
    [[1], 0.5, 1],
    [[1, 3], 0.5, 2],
    [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 0.9, 10],
    [[0, 10], 0.9, 9],
    [[5, 5, 5], 0.9, 5],
  ] as const)("%j at %d", (values, share, want) => expect(quantile([...values], share)).toBeCloseTo(want));
  it("there is none of nothing", () => expect(quantile([], 0.5)).toBeNaN());
});

const point = (day: number, seconds: number) => ({ at: new Date(2026, 0, 5 + day, 12).toISOString(), seconds, id: `${day}` });

describe("the lead time over the weeks", () => {
  it.each([["hours", [0, 1], "hour"], ["days", [0, 3], "day"], ["weeks", [0, 40], "week"], ["one alone", [0], "hour"], ["none", [], "hour"]] as const)("in %s", (_, days, want) => {
    expect(unitOf(days.map((d) => point(d, 1)))).toBe(want);
  });
  it("has weeks that begin on Monday, at midnight", () => {
    for (const d of [0, 1, 6]) expect(begin(new Date(2026, 0, 5 + d, 12).getTime(), "week")).toBe(new Date(2026, 0, 5).getTime());
    expect(begin(new Date(2026, 0, 4, 12).getTime(), "week")).toBe(new Date(2025, 11, 29).getTime());
  });
  it("has the median and nine tenths of each week, oldest first", () => {
    const got = buckets([point(8, 30), point(0, 10), point(1, 20), point(7, 40)], "week");
    expect(got.map((b) => [new Date(b.from).getDate(), b.count, b.median, b.p90])).toEqual([[5, 2, 15, 19], [12, 2, 35, 39]]);
  });
  it("leaves out what is no number or has no time", () => {
    expect(buckets([{ at: "x", seconds: 1, id: "" }, { ...point(0, 1), seconds: NaN }])).toEqual([]);
  });
});

describe("which deliveries are shown", () => {
  const all = [
    delivery("1", { source: { sha: "aaa", author: "Doe, Jane", message: "Greet" } }),
    delivery("2", { state: "Failed", application: "api", commit: { sha: "bbb", author: "Ben" }, image: "registry/api:v2" }),
    delivery("3", { source: { sha: "ccc", author: "Ben", message: "Count" } }),
  ];
  it.each([
    ["all, newest first", {}, ["3", "2", "1"]],
    ["by message", { search: "greet" }, ["1"]],
    ["by commit", { search: "bbb" }, ["2"]],
    ["by image and application", { search: "v2 api" }, ["2"]],
    ["by state", { state: "Done" }, ["3", "1"]],
    ["by application", { application: "api" }, ["2"]],
    ["by an author whose name has a comma", { author: "Doe, Jane" }, ["1"]],
    ["by the author of the source before that of the commit", { author: "Ben" }, ["3", "2"]],
    ["none", { state: "Done", application: "api" }, []],
  ] as const)("%s", (_, search, want) => expect(show(all, search).items.map((d) => d.id)).toEqual(want));
  it("counts each value by what the other filters leave", () => {
    const got = show(all, { state: "Done", author: "Ben" });
    expect([[...got.states], [...got.authors], [...got.applications]]).toEqual([[["Failed", 1], ["Done", 1]], [["Doe, Jane", 1], ["Ben", 1]], [["web", 1]]]);
  });
});

it("what the stream says takes the place of what was there, and what is new comes first", () => {
  const got = withDeliveries([delivery("1"), delivery("2")], [delivery("2", { state: "Failed" }), delivery("3")]);
  expect(got.map((d) => [key(d), d.state])).toEqual([["argocd/web/3", "Done"], ["argocd/web/1", "Done"], ["argocd/web/2", "Failed"]]);
});
