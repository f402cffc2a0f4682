// A small tree, or the part of a large one that is in trouble, as a drawing.

import type { Line } from "./tree";
import { severity } from "./tree";

/** most is how many objects a drawing has: more cannot be read. */
export const most = 60;

export interface Branch {
  line?: Line;
  children: Branch[];
}

const troubled = (l: Line) => (l.type === "node" ? l.item.worst > 0 : severity(l.sample) > 0);

/** picture returns the lines of a tree as branches below one root; of a large tree those in trouble alone. */
export function picture(lines: readonly Line[]): { root: Branch; left: number; trouble: boolean } {
  const trouble = lines.length > most && lines.some(troubled);
  const shown = (trouble ? lines.filter(troubled) : lines).slice(0, most);
  const root: Branch = { children: [] };
  const way: Branch[] = [root];
  for (const line of shown) {
    const branch: Branch = { line, children: [] };
    way.length = Math.min(way.length, line.depth + 1);
    way[way.length - 1]!.children.push(branch);
    way.push(branch);
  }
  return { root, left: lines.length - shown.length, trouble };
}

/** card is how large an object is drawn, and how far from the next one. */
export const card = { width: 236, height: 62, step: 76, gap: 70 };

export interface Placed {
  branch: Branch;
  x: number;
  y: number;
  /** of is what it belongs to. */
  of?: Placed;
}

/**
 * place returns where each branch is drawn: one without branches of its own has a line to itself, and one that has some is
 * beside the first of them. So a drawing is read from its upper left corner, however tall it is.
 */
export function place(root: Branch): Placed[] {
  const all: Placed[] = [];
  let lines = 0;
  const down = (branch: Branch, depth: number, of?: Placed) => {
    const here: Placed = { branch, x: depth * (card.width + card.gap), y: lines * card.step, of };
    all.push(here);
    if (branch.children.length === 0) lines++;
    for (const child of branch.children) down(child, depth + 1, here);
  };
  down(root, 0);
  return all;
}
