import { describe, expect, it } from "vitest";
import type { TreeNode } from "../../api/types";
import { cause, counted, type Filter, flat, folded, forest, left, type Line, lines, parentOf, quiet, severity, small, typed } from "./tree";

const node = (id: string, kind: string, more: Partial<TreeNode> = {}): TreeNode => ({ id, group: "", version: "v1", kind, namespace: "web", name: id, managed: more.parent === undefined, info: [], images: [], targets: [], urls: [], ...more });
const none: Filter = { words: [], kind: [], health: [], sync: [], quiet: false };
const shown = (all: Line[]) => all.map((l) => "  ".repeat(l.depth) + (l.type === "node" ? l.item.node.name : `${l.count} ${l.kind}`));
const many = (count: number, kind: string, more: Partial<TreeNode> = {}) => Array.from({ length: count }, (_, i) => node(`${kind.toLowerCase()}${i}`, kind, more));

const app = [
  node("settings", "ConfigMap", { sync: "Synced" }),
  node("web", "Deployment", { group: "apps", sync: "Synced", health: "Degraded" }),
  node("web-2", "ReplicaSet", { group: "apps", parent: "web", health: "Degraded", info: [{ name: "Revision", value: "Rev:2" }] }),
  node("web-1", "ReplicaSet", { group: "apps", parent: "web", health: "Healthy", info: [{ name: "Revision", value: "Rev:1" }] }),
  node("web-2-a", "Pod", { parent: "web-2", health: "Degraded", message: "CrashLoopBackOff", images: ["registry/web:v2"] }),
  node("web-2-b", "Pod", { parent: "web-2", health: "Healthy" }),
  node("svc", "Service", { sync: "OutOfSync", health: "Healthy" }),
  node("svc-x", "EndpointSlice", { parent: "svc" }),
];

describe("lines of a tree", () => {
  const table: [string, TreeNode[], Partial<Filter>, Record<string, boolean>, string[]][] = [
    ["trouble first, quiet ones left out", app, {}, {}, ["web", "  web-2", "    web-2-a", "    web-2-b", "svc", "settings"]],
    ["quiet ones when asked for", app, { quiet: true }, {}, ["web", "  web-2", "    web-2-a", "    web-2-b", "  web-1", "svc", "  svc-x", "settings"]],
    ["what a reader closes stays closed", app, {}, { web: false }, ["web", "svc", "settings"]],
    ["a match with its owners", app, { kind: ["Pod"], health: ["Healthy"] }, {}, ["web", "  web-2", "    web-2-b"]],
    ["words match names, kinds, images, messages", app, { words: ["registry/web:v2", "crash"] }, {}, ["web", "  web-2", "    web-2-a"]],
    ["what is quiet is found when searched for", app, { kind: ["EndpointSlice"] }, {}, ["svc", "  svc-x"]],
    ["nothing", app, { words: ["nowhere"] }, {}, []],
    ["alike ones are one line", many(folded, "Secret", { sync: "Synced" }), {}, {}, [`${folded} Secret`]],
    ["one fewer are lines of their own", many(folded - 1, "Secret").slice(0, 2), {}, {}, ["secret0", "secret1"]],
    ["another state is another line, the worse one first", [...many(folded, "Secret", { sync: "Synced" }), node("s", "Secret", { sync: "OutOfSync" })], {}, {}, ["s", `${folded} Secret`]],
    ["an opened group", many(folded, "Secret"), {}, { "group://Secret//": true }, [`${folded} Secret`, ...many(folded, "Secret").map((n) => `  ${n.name}`)]],
    ["a circle of owners is at the top", [node("a", "X", { parent: "b" }), node("b", "X", { parent: "a" }), node("c", "X", { parent: "c" })], {}, {}, ["a", "b", "c"]],
    ["an owner that is not there", [node("a", "X", { parent: "gone" })], {}, {}, ["a"]],
  ];
  it.each(table)("%s", (_, nodes, filter, opened, want) => expect(shown(lines(forest(nodes), { ...none, ...filter }, new Map(Object.entries(opened))))).toEqual(want));

  it("opens by itself only what is in trouble where there is much", () => {
    const big = Array.from({ length: small }, (_, i) => [node(`d${i}`, `Kind${i % 90}`, { health: i === 3 ? "Degraded" : "Healthy" }), node(`p${i}`, "Pod", { parent: `d${i}`, health: i === 3 ? "Degraded" : "Healthy" })]).flat();
    const all = lines(forest(big), none, new Map());
    expect(all.filter((l) => l.type === "node" && l.expanded).map((l) => l.key)).toEqual(["d3"]);
  });

  it("tells each line's place among its siblings", () => {
    expect(lines(forest(app), none, new Map()).map((l) => `${l.position}/${l.of}`)).toEqual(["1/3", "1/1", "1/2", "2/2", "2/3", "3/3"]);
  });

  it("has a group with nodes that have trouble below as lines of their own", () => {
    const apps = many(folded, "Deployment", { health: "Healthy" });
    expect(lines(forest([...apps, node("p", "Pod", { parent: "deployment4", health: "Degraded" })]), none, new Map())[0]?.key).toBe("deployment4");
  });

  it("5000 nodes in a moment", () => {
    const big = Array.from({ length: 5000 }, (_, i) => node(`n${i}`, `K${i % 7}`, { parent: i > 100 ? `n${i % 100}` : undefined }));
    expect(lines(forest(big), { ...none, words: ["n4999"] }, new Map()).length).toBe(2);
  });
});

it("severity takes the worse of health and sync", () => {
  const table: [Partial<TreeNode>, number][] = [
    [{}, 0],
    [{ health: "Healthy", sync: "Synced" }, 0],
    [{ health: "Progressing", sync: "OutOfSync" }, 4],
    [{ health: "Degraded", sync: "OutOfSync" }, 6],
    [{ sync: "Unknown" }, 3],
    [{ health: "Suspended" }, 2],
    [{ health: "Missing" }, 5],
  ];
  for (const [more, want] of table) expect(severity(node("x", "X", more)), JSON.stringify(more)).toBe(want);
});

it("quiet is what nobody declared, is well and has nothing below", () => {
  const is = (more: Partial<TreeNode>, kind = "ReplicaSet", children: TreeNode[] = []) => quiet(forest([node("p", "Deployment"), node("x", kind, { parent: "p", ...more }), ...children])[0]!.children[0]!);
  expect(is({})).toBe(true);
  expect(is({ role: "old" })).toBe(true);
  expect(is({ role: "active" })).toBe(false);
  expect(is({ managed: true })).toBe(false);
  expect(is({ health: "Degraded" })).toBe(false);
  expect(is({}, "ReplicaSet", [node("pod", "Pod", { parent: "x" })])).toBe(false);
  expect(is({}, "Pod")).toBe(false);
  expect(is({}, "EndpointSlice")).toBe(true);
});

it("left counts what is left out by kind", () => expect(Object.fromEntries(left(forest(app)))).toEqual({ ReplicaSet: 1, EndpointSlice: 1 }));

it("counted counts each value by what the other filters leave", () => {
  const counts = counted(app, { ...none, kind: ["Pod"] });
  expect(Object.fromEntries(counts.health)).toEqual({ Degraded: 1, Healthy: 1 });
  expect(counts.kind.get("ReplicaSet")).toBe(2);
  expect(counted(app, { ...none, words: ["nowhere"] }).kind.size).toBe(0);
});

it("flat is trouble first, without owners", () => expect(shown(flat(forest(app), none)).slice(0, 4)).toEqual(["web", "web-2", "web-2-a", "svc"]));

describe("cause", () => {
  it("is the deepest of the worst that says why", () => expect(cause(forest(app))).toMatchObject({ node: { name: "web-2-a" }, others: 0 }));
  it("counts the others that are as bad", () => expect(cause(forest([...app, node("job", "Job", { health: "Degraded" })]))?.others).toBe(1));
  it("is nothing where all is well", () => expect(cause(forest([node("a", "X", { health: "Healthy" }), node("b", "X", { sync: "OutOfSync" })]))).toBeUndefined());
});

it("parentOf and typed find lines", () => {
  const all = lines(forest(app), none, new Map());
  expect(parentOf(all, 2)).toBe(1);
  expect(parentOf(all, 0)).toBe(-1);
  expect(typed(all, 0, "s")).toBe(4);
  expect(typed(all, 4, "s")).toBe(5);
  expect(typed(all, 4, "sv")).toBe(4);
  expect(typed(all, 0, "zz")).toBe(-1);
});
