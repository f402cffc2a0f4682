import { describe, expect, it } from "vitest";
import type { Row } from "../../api/types";
import { show } from "./filter";

const row = (name: string, more: Partial<Row> = {}): Row => ({
  namespace: "argocd", name, project: "default", cluster: "in-cluster", destination: "web", repo: "https://git/r", targetRevision: "HEAD",
  sync: "Synced", health: "Healthy", automated: true, created: "2026-01-01T00:00:00Z", images: [], objects: 1, rollouts: [], rights: [], ...more,
});
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const names = (rows: Row[], search: Record<string, string>, favorites: string[] = []) => show(rows, search, new Set(favorites), compare).rows.map((r) => r.name);

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
    const counts = show(rows, { project: "core" }, new Set(), compare).counts;
    expect(Object.fromEntries(counts.project)).toEqual({ default: 1, core: 2 });
    expect(Object.fromEntries(counts.sync)).toEqual({ OutOfSync: 1, Synced: 1 });
    expect(Object.fromEntries(counts.owner)).toEqual({ platform: 1 });
  });

  it("does not change what it was given", () => {
    const before = rows.map((r) => r.name);
    names(rows, { order: "desc" });
    expect(rows.map((r) => r.name)).toEqual(before);
  });
});
