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
