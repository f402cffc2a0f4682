// What a change of the stream does to what the page has.

import type { Row } from "./types";

export const key = (o: { namespace: string; name: string }) => `${o.namespace}/${o.name}`;

/** withRow returns the rows with one of them put in its place; the others stay the same values. */
export function withRow(rows: Row[], row: Row): Row[] {
  const at = rows.findIndex((r) => r.name === row.name && r.namespace === row.namespace);
  if (at < 0) return [...rows, row];
  const next = rows.slice();
  next[at] = row;
  return next;
}

export function without(rows: Row[], gone: { namespace: string; name: string }): Row[] {
  return rows.filter((r) => r.name !== gone.name || r.namespace !== gone.namespace);
}

/** withAll applies many changes at once, the last of each object winning. */
export function withAll(rows: Row[], changed: Map<string, Row | null>): Row[] {
  if (changed.size === 0) return rows;
  const left = new Map(changed);
  const next: Row[] = [];
  for (const row of rows) {
    const k = key(row);
    const change = left.get(k);
    if (change === undefined) next.push(row);
    else {
      left.delete(k);
      if (change !== null) next.push(change);
    }
  }
  for (const row of left.values()) if (row !== null) next.push(row);
  return next;
}
