import { describe, expect, it } from "vitest";
import { merged, reaches, type Update } from "./detail";
import type { Detail, TreeNode } from "./types";

const node = (more: Partial<TreeNode> = {}): TreeNode => ({ id: "a", group: "", version: "v1", kind: "Pod", name: "a", managed: true, info: [{ name: "Containers", value: "0/1" }], images: ["i"], targets: [], urls: [], ...more });
const detail = (nodes: TreeNode[], more: Partial<Detail> = {}) => ({ version: "run.5", nodes, urls: [], ...more }) as unknown as Detail;
const update = (more: Record<string, unknown>) => ({ namespace: "argocd", name: "shop", version: "run.6", ...more }) as unknown as Update;
const all = (ids: string) => ids.split("").map((id) => node({ id, name: id }));
const ids = (d: Detail | undefined) => d?.nodes.map((n) => n.id).join("");

describe("all of an application", () => {
  it("takes the place of what was there, and what it lacks is gone", () => {
    const now = merged(detail([node()], { trouble: "away", hidden: 1 }), update({ nodes: [], urls: ["https://x"] }));
    expect(now).toEqual({ version: "run.6", nodes: [], urls: ["https://x"] });
    expect(merged(undefined, update({ nodes: [], urls: [] }))).toEqual({ version: "run.6", nodes: [], urls: [] });
  });

  it("keeps the nodes where none has changed", () => {
    const old = detail([node()]);
    expect(merged(old, update({ nodes: [node()], urls: [] }))!.nodes).toBe(old.nodes);
  });

  it("takes new nodes for any change", () => {
    const old = detail([node()]);
    const changes: Partial<TreeNode>[] = [{ id: "b" }, { name: "b" }, { parent: "b" }, { health: "Degraded" }, { sync: "OutOfSync" }, { message: "m" }, { role: "active" }, { created: "2026-01-01T00:00:00Z" }, { managed: false }, { hook: true }, { prunes: true }, { wave: 1 }, { info: [] }, { info: [{ name: "Containers", value: "1/1" }] }, { images: ["j"] }, { targets: ["x"] }, { urls: ["https://x"] }];
    for (const change of changes) expect(merged(old, update({ nodes: [node(change)] }))!.nodes, JSON.stringify(change)).not.toBe(old.nodes);
  });
});

describe("what has changed of an application", () => {
  const from = { from: "run.5" };

  it("leaves the rest as it is", () => {
    const old = detail(all("ab"), { trouble: "away" });
    const now = merged(old, update({ ...from, urls: ["https://x"] }))!;
    expect(now).toEqual({ ...old, version: "run.6", urls: ["https://x"] });
    expect(now.nodes).toBe(old.nodes);
  });

  it("takes the results of an operation by their places", () => {
    const result = (name: string, phase: string) => ({ group: "", kind: "Pod", name, phase });
    const old = detail([], { operation: { phase: "Running", message: "one", results: [result("a", "Running"), result("b", "Running")] } as unknown as Detail["operation"] });
    const then = (more: Record<string, unknown>) => merged(old, update({ ...from, ...more }))!.operation;
    expect(then({ results: { count: 3, changed: { 1: result("b", "Succeeded"), 2: result("c", "Running") } } })).toEqual({ ...old.operation, results: [result("a", "Running"), result("b", "Succeeded"), result("c", "Running")] });
    expect(then({ operation: { phase: "Running", message: "two", results: [] } })).toEqual({ ...old.operation, message: "two" });
    expect(then({ operation: { phase: "Running", results: [] }, results: { count: 0, changed: {} } })!.results).toEqual([]);
    expect(then({ operation: null })).toBeUndefined();
  });

  it("takes away a part that is null", () => {
    expect(merged(detail([], { trouble: "away" }), update({ ...from, trouble: null }))).toEqual({ version: "run.6", nodes: [], urls: [] });
  });

  it("puts nodes where they are", () => {
    const cases: [string, string, Record<string, unknown>, string][] = [
      ["one has changed", "abc", { nodes: [node({ id: "b", message: "x" })] }, "abc"],
      ["one is new", "ac", { nodes: [node({ id: "b", after: "a" } as never)] }, "abc"],
      ["the first is new", "b", { nodes: [node({ id: "a", after: "" } as never)] }, "ab"],
      ["some are new together", "ad", { nodes: [node({ id: "b", after: "a" } as never), node({ id: "c", after: "b" } as never)] }, "abcd"],
      ["one is gone", "abc", { gone: ["b"] }, "ac"],
      ["one has moved", "abcd", { nodes: [node({ id: "d", after: "" } as never)] }, "dabc"],
      ["one in place of another", "abc", { gone: ["b"], nodes: [node({ id: "x", after: "a" } as never)] }, "axc"],
      ["what is gone already is gone", "a", { gone: ["b"] }, "a"],
    ];
    for (const [name, old, what, want] of cases) expect(ids(merged(detail(all(old)), update({ ...from, ...what }))), name).toBe(want);
    const now = merged(detail(all("abc")), update({ ...from, nodes: [node({ id: "b", message: "x" })] }))!;
    expect(now.nodes.map((n) => n.message)).toEqual([undefined, "x", undefined]);
    expect(merged(detail(all("a")), update({ ...from, nodes: [node({ id: "b", after: "a" } as never)] }))!.nodes[1]).not.toHaveProperty("after");
  });

  it("is merged into a later version as well, and into no earlier one", () => {
    expect(ids(merged(detail(all("ab")), update({ from: "run.3", gone: ["b"] })))).toBe("a");
    const newer = detail(all("ab"), { version: "run.7" });
    expect(merged(newer, update({ from: "run.5", gone: ["b"] }))).toBe(newer);
    for (const version of ["run.4", "other.5", undefined]) expect(merged(detail(all("ab"), { version }), update({ ...from, gone: ["b"] })), version).toBeUndefined();
    expect(merged(undefined, update({ ...from, gone: ["b"] }))).toBeUndefined();
  });
});

it("compares versions of the same run", () => {
  expect([reaches("a.10", "a.9"), reaches("a.9", "a.9"), reaches("a.9", "a.10"), reaches("b.10", "a.9"), reaches(undefined, "a.1"), reaches("a.1", undefined), reaches(undefined, undefined)]).toEqual([true, true, false, false, false, false, false]);
});
