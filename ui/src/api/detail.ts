// What an event of the stream does to an application that a page has: events have what has changed since a version.

import type { Detail, Result, TreeNode } from "./types";

/** Update is all of an application, or what has changed since the version from: then a part that is null is gone. */
export type Update = { namespace: string; name: string; version?: string; from?: string; nodes?: PlacedNode[]; gone?: string[]; results?: { count: number; changed: Record<number, Result> } } & { [K in keyof Omit<Detail, "nodes" | "version">]?: Detail[K] | null };

/** PlacedNode is a node with the id of the one that it comes behind, where it is new there: "" for the first. */
export type PlacedNode = TreeNode & { after?: string };

/** numbered splits a version into the run that it is of and its number. */
function numbered(version: string | undefined): [string, number] {
  const [run = "", number] = (version ?? "").split(".");
  return [run, Number(number ?? NaN)];
}

/** reaches reports whether a version has all that another has. */
export function reaches(version: string | undefined, other: string | undefined): boolean {
  const [run, number] = numbered(version);
  const [of, least] = numbered(other);
  return run === of && number >= least;
}

/** merged returns an application with an update; undefined where what it goes on from is not there, and all has to be read. */
export function merged(old: Detail | undefined, update: Update): Detail | undefined {
  const { namespace: _namespace, name: _name, from, gone = [], nodes, results, ...parts } = update;
  if (from === undefined) return { ...(parts as Detail), nodes: keep(old?.nodes, nodes ?? []) };
  if (!old || !reaches(old.version, from)) return undefined;
  // What is older than what the page has, the page has.
  if (reaches(old.version, update.version) && old.version !== update.version) return old;
  const next: Record<string, unknown> = { ...old, ...parts };
  for (const [name, part] of Object.entries(parts)) if (part === null) delete next[name];
  const whole = next as unknown as Detail;
  if (whole.operation) whole.operation = { ...whole.operation, results: withResults(old.operation?.results ?? [], results) };
  return nodes || gone.length > 0 ? { ...whole, nodes: place(old.nodes, nodes ?? [], gone) } : whole;
}

/** withResults returns what an operation has done to each object, with what has changed of that, by their places. */
function withResults(old: Result[], update: Update["results"]): Result[] {
  if (!update) return old;
  return Array.from({ length: update.count }, (_, i) => update.changed[i] ?? old[i]!);
}

/** place returns nodes with those that have changed, are new or have moved, and without those that are gone. */
function place(old: TreeNode[], nodes: PlacedNode[], gone: string[]): TreeNode[] {
  const left = new Set(gone);
  const changed = new Map<string, TreeNode>();
  const behind = new Map<string, TreeNode>();
  for (const { after, ...node } of nodes) {
    if (after === undefined) changed.set(node.id, node);
    else {
      behind.set(after, node);
      left.add(node.id);
    }
  }
  const all: TreeNode[] = [];
  const follow = (id: string) => {
    for (let node = behind.get(id); node; node = behind.get(node.id)) all.push(node);
  };
  follow("");
  for (const node of old) {
    if (left.has(node.id)) continue;
    all.push(changed.get(node.id) ?? node);
    follow(node.id);
  }
  return all;
}

/** keep returns the old nodes where none has changed: what is made from them is large. */
function keep(old: TreeNode[] | undefined, nodes: TreeNode[]): TreeNode[] {
  return old && old.length === nodes.length && nodes.every((n, i) => same(n, old[i]!)) ? old : nodes;
}

/** same compares what changes while an object stays the object that it is. */
function same(a: TreeNode, b: TreeNode): boolean {
  return (
    a.id === b.id &&
    a.name === b.name &&
    a.parent === b.parent &&
    a.health === b.health &&
    a.sync === b.sync &&
    a.message === b.message &&
    a.role === b.role &&
    a.created === b.created &&
    a.managed === b.managed &&
    a.hook === b.hook &&
    a.prunes === b.prunes &&
    a.wave === b.wave &&
    a.info.length === b.info.length &&
    a.info.every((x, i) => x.name === b.info[i]!.name && x.value === b.info[i]!.value) &&
    alike(a.images, b.images) &&
    alike(a.targets, b.targets) &&
    alike(a.urls, b.urls)
  );
}

const alike = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((x, i) => x === b[i]);
