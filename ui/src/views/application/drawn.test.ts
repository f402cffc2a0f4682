import { describe, expect, it } from "vitest";
import type { TreeNode } from "../../api/types";
import { type Branch, card, most, picture, place } from "./graph";
import { network, size } from "./network";
import { forest, lines } from "./tree";

const node = (id: string, kind: string, more: Partial<TreeNode> = {}): TreeNode => ({ id, group: "", version: "v1", kind, name: id, managed: true, info: [], images: [], targets: [], urls: [], ...more });

describe("network", () => {
  const nodes = [node("ing", "Ingress", { targets: ["svc"] }), node("svc", "Service", { targets: ["p1", "p2", "gone"] }), node("other", "Service", { targets: ["p1", "alone"] }), node("rs", "ReplicaSet"), node("p1", "Pod", { parent: "rs" }), node("p2", "Pod", { parent: "rs" }), node("alone", "Pod"), node("cm", "ConfigMap")];
  const of = network(nodes);
  it("has what carries traffic only, in columns", () => expect(of.boxes.map((b) => `${b.column} ${b.id} ${b.pods?.map((p) => p.id).join("+") ?? ""}`)).toEqual(["0 ing ", "1 other ", "1 svc ", "2 rs p1+p2", "2 alone alone"]));
  it("begins with Services where nothing lets traffic in", () => {
    const inner = network([node("svc", "Service", { targets: ["p"] }), node("p", "Pod")]);
    expect([inner.boxes.map((b) => b.x), inner.width]).toEqual([[0, size.width + size.gap], 2 * size.width + size.gap]);
    expect([of.boxes.map((b) => b.x / (size.width + size.gap)), of.width]).toEqual([[0, 1, 1, 2, 2], 3 * size.width + 2 * size.gap]);
  });
  it("wires each pair once", () => expect(of.wires.map((w) => `${w.from.id}>${w.to.id}`)).toEqual(["ing>svc", "other>rs", "other>alone", "svc>rs"]));
  it("boxes of a column do not overlap", () => {
    for (const a of of.boxes) for (const b of of.boxes) if (a !== b && a.column === b.column) expect(a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(true);
  });
  it("leaves Services out where there are too many, those in trouble last", () => {
    const many = network([...Array.from({ length: size.most + 5 }, (_, i) => node(`s${i}`, "Service")), node("bad", "Service", { health: "Degraded" })]);
    expect([many.left, many.boxes[0]!.id]).toEqual([6, "bad"]);
  });
  it("is nothing without Services", () => expect(network([node("a", "ConfigMap")])).toMatchObject({ boxes: [], wires: [], height: 0 }));
});

describe("picture", () => {
  const none = { words: [], kind: [], health: [], sync: [], quiet: false };
  const text = (b: Branch): string => `${b.line ? (b.line.type === "node" ? b.line.item.node.name : b.line.kind) : ""}(${b.children.map(text).join(",")})`;
  const of = (nodes: TreeNode[]) => picture(lines(forest(nodes), none, new Map()));
  it("is the tree", () => expect(text(of([node("d", "Deployment"), node("r", "ReplicaSet", { parent: "d" }), node("p", "Pod", { parent: "r" }), node("s", "Service")]).root)).toBe("(d(r(p())),s())"));
  it("is the trouble of a large one", () => {
    const found = of([...Array.from({ length: 200 }, (_, i) => node(`c${i}`, `K${i}`)), node("d", "Deployment", { health: "Degraded" }), node("p", "Pod", { parent: "d", health: "Degraded" })]);
    expect([text(found.root), found.left, found.trouble]).toEqual(["(d(p()))", 200, true]);
  });
  it("is never more than can be read", () => {
    const found = of(Array.from({ length: 200 }, (_, i) => node(`c${i}`, `K${i}`)));
    expect([found.root.children.length, found.left, found.trouble]).toEqual([most, 200 - most, false]);
  });
});

describe("where a drawing has what", () => {
  const branch = (...children: Branch[]): Branch => ({ children });
  const at = (root: Branch) => place(root).map(({ x, y }) => [x / (card.width + card.gap), y / card.step]);
  it.each([
    ["what all belongs to in the upper left corner", branch(branch(), branch(), branch()), [[0, 0], [1, 0], [1, 1], [1, 2]]],
    ["what has parts beside the first of them", branch(branch(), branch(branch(), branch())), [[0, 0], [1, 0], [1, 1], [2, 1], [2, 2]]],
    ["what comes after a part below it", branch(branch(branch(branch(), branch())), branch()), [[0, 0], [1, 0], [2, 0], [3, 0], [3, 1], [1, 2]]],
    ["what is alone", branch(), [[0, 0]]],
  ])("%s", (_, root, want) => expect(at(root)).toEqual(want));
  it("nothing over something else, and what it belongs to", () => {
    const root = branch(branch(), branch(branch(branch()), branch()), branch(branch()));
    const all = place(root);
    expect(new Set(all.map(({ x, y }) => `${x} ${y}`)).size).toBe(all.length);
    expect(all.slice(1).every(({ branch: b, of }) => of!.branch.children.includes(b))).toBe(true);
  });
});
