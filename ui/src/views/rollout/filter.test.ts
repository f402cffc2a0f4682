import { describe, expect, it } from "vitest";
import type { RolloutView } from "../../api/types";
import { view } from "./example.test-data";
import { needsSomebody, show } from "./filter";

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const one = (name: string, namespace: string, phase: string, change: Partial<RolloutView> = {}) => view([], { name, namespace, phase, ...change });
const later = { name: "promotion", state: "waiting" as const, message: "", until: "2026-01-01T00:00:00Z" };

const all = [
  one("web", "shop", "Healthy"),
  one("api", "shop", "Paused", { paused: true, gates: [{ ...later, until: undefined }] }),
  one("mail", "core", "Degraded"),
  one("web", "core", "Paused", { paused: true, gates: [later] }),
];

describe("which rollouts are shown", () => {
  it.each([
    ["all by name, then namespace", {}, ["shop/api", "core/mail", "core/web", "shop/web"]],
    ["by a part of the name", { search: "WE" }, ["core/web", "shop/web"]],
    ["by namespace and name", { search: "shop we" }, ["shop/web"]],
    ["of a phase", { phase: "Paused" }, ["shop/api", "core/web"]],
    ["of two phases", { phase: "Paused,Degraded" }, ["shop/api", "core/mail", "core/web"]],
    ["of a namespace", { namespace: "core" }, ["core/mail", "core/web"]],
    ["that wait for somebody", { waiting: "true" }, ["shop/api", "core/mail"]],
    ["none", { search: "nothing" }, []],
    ["by what needs somebody first", { sort: "phase" }, ["core/mail", "shop/api", "core/web", "shop/web"]],
  ] as const)("%s", (_, search, want) => {
    expect(show(all, search, compare).items.map((r) => `${r.namespace}/${r.name}`)).toEqual(want);
  });
  it("counts each value by what the other filters leave", () => {
    const got = show(all, { phase: "Paused", namespace: "core" }, compare);
    expect(Object.fromEntries(got.phases)).toEqual({ Degraded: 1, Paused: 1 });
    expect(Object.fromEntries(got.namespaces)).toEqual({ shop: 1, core: 1 });
    expect(got.waiting).toBe(0);
  });
});

describe("who is waited for", () => {
  it.each([
    ["nobody at rest", one("a", "b", "Healthy"), false],
    ["nobody while it goes on", one("a", "b", "Progressing"), false],
    ["somebody when it is paused without an end", all[1]!, true],
    ["nobody when the pause ends by itself", all[3]!, false],
    ["somebody when it is degraded", all[2]!, true],
    ["somebody after an abort", one("a", "b", "Healthy", { aborted: true }), true],
  ] as const)("%s", (_, r, want) => expect(needsSomebody(r)).toBe(want));
});
