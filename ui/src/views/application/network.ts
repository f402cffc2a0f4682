// How traffic comes to Pods, in three columns: what lets it in, Services, and the Pods of each owner.

import type { TreeNode } from "../../api/types";
import { severity } from "./tree";

export interface Box {
  id: string;
  column: number;
  node: TreeNode;
  /** pods are those of a group; its node is their owner, or the Pod itself. */
  pods?: TreeNode[];
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Wire {
  from: Box;
  to: Box;
  path: string;
}

export interface Network {
  boxes: Box[];
  wires: Wire[];
  width: number;
  height: number;
  /** left is how many Services are left out. */
  left: number;
}

export const size = { width: 250, gap: 110, between: 14, card: 62, pod: 26, perRow: 8, most: 60 };

const byTrouble = (a: TreeNode, b: TreeNode) => severity(b) - severity(a) || (a.name < b.name ? -1 : 1);

/** network returns where what carries traffic is drawn, and how it hangs together. */
export function network(nodes: readonly TreeNode[]): Network {
  const byId = new Map(nodes.map((n) => [n.id, n]));
  const all = nodes.filter((n) => n.kind === "Service").sort(byTrouble);
  const services = all.slice(0, size.most);
  const shown = new Set(services.map((s) => s.id));
  const doors = nodes.filter((n) => n.kind !== "Service" && n.targets.some((id) => shown.has(id))).sort(byTrouble).slice(0, size.most);
  const groups = new Map<string, TreeNode[]>();
  for (const service of services) {
    for (const id of service.targets) {
      const pod = byId.get(id);
      if (!pod) continue;
      const owner = pod.parent && byId.has(pod.parent) ? pod.parent : pod.id;
      const of = groups.get(owner);
      if (!of) groups.set(owner, [pod]);
      else if (!of.includes(pod)) of.push(pod);
    }
  }
  const box = (column: number, node: TreeNode, pods?: TreeNode[]): Box => ({ id: node.id, column, node, pods, x: 0, y: 0, width: size.width, height: pods ? size.card + Math.ceil(pods.length / size.perRow) * size.pod + 8 : size.card });
  const columns = [doors.map((d) => box(0, d)), services.map((s) => box(1, s)), [...groups].map(([id, pods]) => box(2, byId.get(id)!, pods.sort(byTrouble)))];
  const heights = columns.map((c) => c.reduce((sum, b) => sum + b.height + size.between, -size.between));
  const height = Math.max(0, ...heights);
  // Where nothing lets traffic in, there is no room for it.
  const used = columns.filter((c) => c.length > 0);
  columns.forEach((column, i) => {
    const x = used.indexOf(column) * (size.width + size.gap);
    let y = (height - heights[i]!) / 2;
    for (const b of column) {
      b.x = x;
      b.y = y;
      y += b.height + size.between;
    }
  });
  const boxes = columns.flat();
  return { boxes, wires: wires(columns, byId), width: Math.max(0, used.length * (size.width + size.gap) - size.gap), height, left: all.length - services.length };
}

function wires(columns: Box[][], byId: ReadonlyMap<string, TreeNode>): Wire[] {
  const at = new Map(columns.flat().map((b) => [b.id, b]));
  const out: Wire[] = [];
  for (const from of [...columns[0]!, ...columns[1]!]) {
    const ends = new Set<Box>();
    for (const id of from.node.targets) {
      const pod = byId.get(id);
      const to = at.get(id) ?? (pod?.parent === undefined ? undefined : at.get(pod.parent));
      if (to && to.column > from.column) ends.add(to);
    }
    for (const to of ends) out.push({ from, to, path: curve(from.x + from.width, from.y + from.height / 2, to.x, to.y + to.height / 2) });
  }
  return out;
}

/** curve returns a path from one point to another, level at both ends. */
export const curve = (x1: number, y1: number, x2: number, y2: number) => `M${x1} ${y1}C${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2} ${x2} ${y2}`;
