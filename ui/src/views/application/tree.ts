// The objects of an application as a tree of lines: trouble first, what is many and alike folded into one line, and what
// nobody declared and nobody needs left out.

import type { TreeNode } from "../../api/types";

export interface Item {
  node: TreeNode;
  children: Item[];
  /** worst is the severity of the worst node from here down. */
  worst: number;
  depth: number;
}

export type Line =
  | { type: "node"; key: string; depth: number; position: number; of: number; expanded?: boolean; item: Item; match: boolean }
  | { type: "group"; key: string; depth: number; position: number; of: number; expanded: boolean; count: number; kind: string; sample: TreeNode };

/** folded is from how many alike siblings on they are one line. */
export const folded = 9;
/** small is up to how many nodes a tree is shown opened. */
export const small = 150;

const severities: Record<string, number> = { Degraded: 6, Missing: 5, Unknown: 3, Suspended: 2, Progressing: 1 };

/** severity returns how much a node needs somebody: 0 is nothing at all. */
export function severity(node: TreeNode): number {
  const health = node.health ? (severities[node.health] ?? 0) : 0;
  const sync = node.sync === "OutOfSync" ? 4 : node.sync === "Unknown" ? 3 : 0;
  return Math.max(health, sync);
}

const order = ["Rollout", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet", "Pod", "Service", "Ingress", "HTTPRoute", "PersistentVolumeClaim", "ConfigMap", "Secret"];
const rank = new Map(order.map((kind, i) => [kind, i]));

const byName = new Intl.Collator("en", { numeric: true });

function before(a: Item, b: Item): number {
  return b.worst - a.worst || (rank.get(a.node.kind) ?? order.length) - (rank.get(b.node.kind) ?? order.length) || (a.node.kind < b.node.kind ? -1 : a.node.kind > b.node.kind ? 1 : 0) || revision(b.node) - revision(a.node) || byName.compare(a.node.name, b.node.name);
}

const revision = (node: TreeNode) => Number(/^Rev:(\d+)$/.exec(node.info.find((i) => i.name === "Revision")?.value ?? "")?.[1] ?? 0);

/** forest returns the nodes below those that own them; one whose owner is not there, or that owns itself, is at the top. */
export function forest(nodes: readonly TreeNode[]): Item[] {
  const items = new Map<string, Item>(nodes.map((node) => [node.id, { node, children: [], worst: severity(node), depth: 0 }]));
  const roots: Item[] = [];
  for (const item of items.values()) {
    const parent = item.node.parent === undefined ? undefined : items.get(item.node.parent);
    if (parent && !circular(item, items)) parent.children.push(item);
    else roots.push(item);
  }
  const ordered: Item[] = [];
  const left = roots.slice();
  for (let item = left.pop(); item; item = left.pop()) {
    ordered.push(item);
    for (const child of item.children) {
      child.depth = item.depth + 1;
      left.push(child);
    }
  }
  for (const item of ordered.reverse()) {
    for (const child of item.children) item.worst = Math.max(item.worst, child.worst);
    item.children.sort(before);
  }
  return roots.sort(before);
}

function circular(item: Item, items: ReadonlyMap<string, Item>): boolean {
  const seen = new Set<string>();
  for (let at: Item | undefined = item; at; at = at.node.parent === undefined ? undefined : items.get(at.node.parent)) {
    if (seen.has(at.node.id)) return true;
    seen.add(at.node.id);
  }
  return false;
}

const innards = new Set(["EndpointSlice", "Endpoints", "ControllerRevision", "Lease", "Event"]);

/** quiet reports whether a node is left out as long as nobody asks for it: what nobody declared, is well, and does nothing. */
export function quiet(item: Item): boolean {
  const { node } = item;
  if (node.managed || item.worst > 0) return false;
  if (innards.has(node.kind)) return true;
  return node.kind === "ReplicaSet" && item.children.length === 0 && node.parent !== undefined && (node.role === undefined || node.role === "old");
}

export interface Filter {
  words: string[];
  kind: string[];
  health: string[];
  sync: string[];
  /** quiet shows also what is left out otherwise. */
  quiet: boolean;
}

export const facets = ["kind", "health", "sync"] as const;
export type Facet = (typeof facets)[number];

export const narrows = (filter: Filter) => filter.words.length > 0 || facets.some((f) => filter[f].length > 0);

function missed(node: TreeNode, filter: Filter): Facet[] | undefined {
  const text = filter.words.length > 0 ? `${node.kind} ${node.name} ${node.namespace ?? ""} ${node.images.join(" ")} ${node.message ?? ""}`.toLowerCase() : "";
  if (!filter.words.every((w) => text.includes(w))) return undefined;
  return facets.filter((f) => filter[f].length > 0 && !filter[f].includes(node[f] ?? ""));
}

export const matches = (node: TreeNode, filter: Filter) => missed(node, filter)?.length === 0;

export type Counts = Record<Facet, Map<string, number>>;

/** counted returns how many nodes have each value, counted by what the other filters leave. */
export function counted(nodes: readonly TreeNode[], filter: Filter): Counts {
  const counts: Counts = { kind: new Map(), health: new Map(), sync: new Map() };
  for (const node of nodes) {
    const without = missed(node, filter);
    if (!without) continue;
    for (const f of facets) {
      const value = node[f];
      if (value && (without.length === 0 || (without.length === 1 && without[0] === f))) counts[f].set(value, (counts[f].get(value) ?? 0) + 1);
    }
  }
  return counts;
}

/** left returns how many nodes of each kind are left out as quiet. */
export function left(roots: readonly Item[]): Map<string, number> {
  const kinds = new Map<string, number>();
  const walk = (items: readonly Item[]) => {
    for (const item of items) {
      if (quiet(item)) kinds.set(item.node.kind, (kinds.get(item.node.kind) ?? 0) + 1);
      else walk(item.children);
    }
  };
  walk(roots);
  return kinds;
}

const alike = (node: TreeNode) => `${node.group}/${node.kind}/${node.health ?? ""}/${node.sync ?? ""}`;

/** lines returns the lines of the tree: opened has what a reader opened or closed himself. */
export function lines(roots: readonly Item[], filter: Filter, opened: ReadonlyMap<string, boolean>): Line[] {
  const narrowed = narrows(filter);
  const found = new Map<Item, { self: boolean; below: boolean }>();
  let total = 0;
  const look = (item: Item): boolean => {
    if (!filter.quiet && !narrowed && quiet(item)) return false;
    const self = !narrowed || matches(item.node, filter);
    let below = false;
    for (const child of item.children) below = look(child) || below;
    if (!self && !below) return false;
    found.set(item, { self, below });
    total++;
    return true;
  };
  roots.forEach(look);
  const all = total <= small;
  const out: Line[] = [];
  const put = (item: Item, depth: number, position: number, of: number) => {
    const shown = found.get(item)!;
    const expanded = shown.below ? (opened.get(item.node.id) ?? (all || narrowed || item.worst > 0)) : undefined;
    out.push({ type: "node", key: item.node.id, depth, position, of, expanded, item, match: shown.self });
    if (expanded) within(item.children, depth + 1, item.node.id);
  };
  const within = (siblings: readonly Item[], depth: number, parent: string) => {
    const here = siblings.filter((i) => found.has(i));
    const groups = new Map<string, Item[]>();
    for (const item of here) {
      const group = groups.get(alike(item.node));
      if (group) group.push(item);
      else groups.set(alike(item.node), [item]);
    }
    // What has something of its own to show below is never folded away with those that do not.
    const folds = new Map([...groups].filter(([, of]) => of.length >= folded && of.every((i) => i.worst === severity(i.node))));
    const of = here.filter((i) => !folds.has(alike(i.node))).length + folds.size;
    const done = new Set<string>();
    let position = 0;
    for (const item of here) {
      const kind = alike(item.node);
      const fold = folds.get(kind);
      if (!fold) {
        put(item, depth, ++position, of);
        continue;
      }
      if (done.has(kind)) continue;
      done.add(kind);
      const key = `group:${parent}/${kind}`;
      const expanded = opened.get(key) ?? false;
      out.push({ type: "group", key, depth, position: ++position, of, expanded, count: fold.length, kind: item.node.kind, sample: item.node });
      if (expanded) fold.forEach((i, n) => put(i, depth + 1, n + 1, fold.length));
    }
  };
  within(roots, 0, "");
  return out;
}

/** flat returns the nodes without their owners, trouble first, as a list. */
export function flat(roots: readonly Item[], filter: Filter): Line[] {
  const found: Item[] = [];
  const walk = (items: readonly Item[]) => {
    for (const item of items) {
      if (!filter.quiet && !narrows(filter) && quiet(item)) continue;
      if (matches(item.node, filter)) found.push({ ...item, worst: severity(item.node), depth: 0 });
      walk(item.children);
    }
  };
  walk(roots);
  found.sort(before);
  return found.map((item, i) => ({ type: "node", key: item.node.id, depth: 0, position: i + 1, of: found.length, item, match: true }));
}

/** parentOf returns the index of the line that a line is below, or -1. */
export function parentOf(all: readonly Line[], index: number): number {
  const depth = all[index]?.depth ?? 0;
  for (let i = index - 1; i >= 0; i--) if (all[i]!.depth < depth) return i;
  return -1;
}

/** typed returns the index of the next line after one whose name begins with the letters typed. */
export function typed(all: readonly Line[], from: number, letters: string): number {
  const name = (l: Line) => (l.type === "node" ? l.item.node.name : l.kind).toLowerCase();
  for (let n = 1; n <= all.length; n++) {
    const at = (from + n - (letters.length > 1 ? 1 : 0)) % all.length;
    if (name(all[at]!).startsWith(letters)) return at;
  }
  return -1;
}

export interface Cause {
  node: TreeNode;
  /** others is how many more nodes without children in trouble are as bad. */
  others: number;
}

/** cause returns the node that an application's health comes from: the worst one, the deepest of those, one that says why. */
export function cause(roots: readonly Item[]): Cause | undefined {
  let best: Item | undefined;
  let others = -1;
  const score = (i: Item) => (severities[i.node.health ?? ""] ?? 0) * 1000 + (i.node.message ? 100 : 0) + Math.min(i.depth, 99);
  const walk = (items: readonly Item[]) => {
    for (const item of items) {
      const s = severities[item.node.health ?? ""] ?? 0;
      if (s > 0 && (!best || score(item) > score(best))) best = item;
      walk(item.children);
    }
  };
  walk(roots);
  if (!best) return undefined;
  const bad = best.node.health;
  const count = (items: readonly Item[]) => {
    for (const item of items) {
      if (item.node.health === bad && !item.children.some((c) => c.node.health === bad)) others++;
      count(item.children);
    }
  };
  count(roots);
  return { node: best.node, others: Math.max(0, others) };
}
