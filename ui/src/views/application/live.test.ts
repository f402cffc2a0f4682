import { expect, it, vi } from "vitest";
import type { Detail, TreeNode } from "../../api/types";

vi.mock("../../api/queries", () => ({}));
vi.mock("../../api/stream", () => ({}));
const { kept } = await import("./live");

const node = (more: Partial<TreeNode> = {}): TreeNode => ({ id: "a", group: "", version: "v1", kind: "Pod", name: "a", managed: true, info: [{ name: "Containers", value: "0/1" }], images: ["i"], targets: [], urls: [], ...more });
const detail = (nodes: TreeNode[]) => ({ nodes, urls: [] }) as unknown as Detail;

it("keeps the nodes where none has changed", () => {
  const old = detail([node()]);
  expect(kept(old, detail([node()])).nodes).toBe(old.nodes);
});

it("takes new nodes for any change", () => {
  const old = detail([node()]);
  const changes: Partial<TreeNode>[] = [{ id: "b" }, { name: "b" }, { parent: "b" }, { health: "Degraded" }, { sync: "OutOfSync" }, { message: "m" }, { role: "active" }, { created: "2026-01-01T00:00:00Z" }, { managed: false }, { hook: true }, { prunes: true }, { wave: 1 }, { info: [] }, { info: [{ name: "Containers", value: "1/1" }] }, { images: ["j"] }, { targets: ["x"] }, { urls: ["https://x"] }];
  for (const change of changes) expect(kept(old, detail([node(change)])).nodes, JSON.stringify(change)).not.toBe(old.nodes);
  expect(kept(old, detail([])).nodes).toEqual([]);
});

it("takes a part of the state alone", () => {
  const old = detail([node()]);
  const now = kept(old, { urls: ["https://x"] } as unknown as Detail);
  expect([now.nodes, now.urls]).toEqual([old.nodes, ["https://x"]]);
});
