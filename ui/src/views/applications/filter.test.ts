import { describe, expect, it } from "vitest";
import type { Row } from "../../api/types";
import { counted, Order, show } from "./filter";

const row = (name: string, more: Partial<Row> = {}): Row => ({
  namespace: "argocd", name, project: "default", cluster: "in-cluster", destination: "web", repo: "https://git/r", targetRevision: "HEAD",
  sync: "Synced", health: "Healthy", automated: true, created: "2026-01-01T00:00:00Z", images: [], objects: 1, rollouts: [], rights: [], ...more,
});
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const names = (rows: Row[], search: Record<string, string>, favorites: string[] = []) => show(rows, search, new Set(favorites), compare).map((r) => r.name);

const rows = [
  row("web", { labels: { team: "a" }, health: "Degraded", lastSync: "2026-03-01T00:00:00Z", attention: { reason: "Degraded", message: "x" } }),
  row("api", { sync: "OutOfSync", project: "core", destination: "core", lastSync: "2026-02-01T00:00:00Z" }),
  row("web-admin", { labels: { team: "b" }, project: "core", owner: "platform" }),
];

describe("which applications are shown", () => {
  const table: [string, Record<string, string>, string[]][] = [
    ["all by name", {}, ["api", "web", "web-admin"]],
    ["a part of the name", { search: "WEB" }, ["web", "web-admin"]],
    ["every word has to match", { search: "web adm" }, ["web-admin"]],
    ["a word of the form label=value", { search: "team=b" }, ["web-admin"]],
    ["a label that is not there", { search: "nothing=b" }, []],
    ["a label as a filter", { labels: "team=a" }, ["web"]],
    ["a label of any value", { labels: "team" }, ["web", "web-admin"]],
    ["values of one label are alternatives", { labels: "team=a,team=b" }, ["web", "web-admin"]],
    ["several labels are conditions", { labels: "team=a,tier=front" }, []],
    ["a label that is not there, as a filter", { labels: "nothing=b" }, []],
    ["one filter", { sync: "OutOfSync" }, ["api"]],
    ["several values of a filter are alternatives", { health: "Degraded,Healthy" }, ["api", "web", "web-admin"]],
    ["several filters are conditions", { project: "core", sync: "Synced" }, ["web-admin"]],
    ["the owner", { owner: "platform" }, ["web-admin"]],
    ["what needs somebody", { attention: "true" }, ["web"]],
    ["by last sync, newest first; those never synced last", { sort: "lastSync", order: "desc" }, ["web", "api", "web-admin"]],
    ["the worst health first", { sort: "health" }, ["web", "api", "web-admin"]],
    ["a sort that there is not is by name", { sort: "nothing" }, ["api", "web", "web-admin"]],
    ["by name, descending", { order: "desc" }, ["web-admin", "web", "api"]],
  ];
  it.each(table)("%s", (_, search, want) => expect(names(rows, search)).toEqual(want));

  it("favourites", () => expect(names(rows, { favorites: "true" }, ["argocd/api"])).toEqual(["api"]));

  it("counts each value by what the other filters leave", () => {
    const counts = counted(rows, { project: "core" }, new Set()).facets;
    expect(Object.fromEntries(counts.project)).toEqual({ default: 1, core: 2 });
    expect(Object.fromEntries(counts.sync)).toEqual({ OutOfSync: 1, Synced: 1 });
    expect(Object.fromEntries(counts.owner)).toEqual({ platform: 1 });
  });

  it("counts the values of labels by what the other filters leave", () => {
    const values = (search: Record<string, string>) => Object.fromEntries([...counted(rows, search, new Set()).labels].map(([name, of]) => [name, Object.fromEntries(of)]));
    expect(values({})).toEqual({ team: { a: 1, b: 1 } });
    expect(values({ labels: "team=a" })).toEqual({ team: { a: 1, b: 1 } });
    expect(values({ project: "core" })).toEqual({ team: { b: 1 } });
    expect(values({ labels: "tier=front" })).toEqual({});
    expect(Object.fromEntries(counted(rows, { labels: "team=a" }, new Set()).facets.project)).toEqual({ default: 1 });
  });

  it("counts what is typed, favourites and what needs somebody alone", () => {
    const of = (search: Record<string, string>, favorites: string[] = []) => Object.fromEntries(counted(rows, search, new Set(favorites)).facets.project);
    expect(of({ search: "WEB" })).toEqual({ default: 1, core: 1 });
    expect(of({ favorites: "true" }, ["argocd/api"])).toEqual({ core: 1 });
    expect(of({ attention: "true" })).toEqual({ default: 1 });
  });

  it("does not change what it was given", () => {
    const before = rows.map((r) => r.name);
    names(rows, { order: "desc" });
    expect(rows.map((r) => r.name)).toEqual(before);
  });
});

describe("the order by name", () => {
  const many = Array.from({ length: 500 }, (_, i) => row(`app-${(i * 7919) % 500}`));
  const counting = () => {
    const count = { calls: 0, compare: (a: string, b: string) => (count.calls++, compare(a, b)) };
    return count;
  };
  const sorted = (all: Row[]) => all.map((r) => r.name).sort(compare);

  it("is made once for as many filters as there are", () => {
    const [order, names] = [new Order(), counting()];
    expect(show(many, {}, new Set(), names.compare, order).map((r) => r.name)).toEqual(sorted(many));
    const first = names.calls;
    expect(first).toBeGreaterThan(0);
    for (const search of [{ search: "app-1" }, { health: "Healthy" }, { sort: "health" }, { order: "desc" }]) show(many, search, new Set(), names.compare, order);
    expect(names.calls).toBe(first);
  });

  it("stays where applications change, and has them as they are", () => {
    const [order, names] = [new Order(), counting()];
    show(many, {}, new Set(), names.compare, order);
    const first = names.calls;
    const changed = many.map((r, i) => (i === 3 ? { ...r, health: "Degraded" as const } : r));
    const shown = show(changed, {}, new Set(), names.compare, order);
    expect(names.calls).toBe(first);
    expect(shown.find((r) => r.name === changed[3]!.name)?.health).toBe("Degraded");
  });

  it.each([
    ["one comes", [...many, row("app-0a")]],
    ["one goes", many.slice(1)],
    ["one comes as another goes", [...many.slice(1), row("zz")]],
  ])("is made anew where %s", (_, all) => {
    const order = new Order();
    show(many, {}, new Set(), compare, order);
    expect(show(all, {}, new Set(), compare, order).map((r) => r.name)).toEqual(sorted(all));
  });

  it("is made anew in another language", () => {
    const order = new Order();
    show(many, {}, new Set(), compare, order);
    expect(show(many, {}, new Set(), (a, b) => -compare(a, b), order)[0]!.name).toBe(sorted(many).at(-1));
  });
});
