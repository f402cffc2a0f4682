// An Application while it is written: the YAML is the one thing that there is. The form reads fields out of it and
// writes them into it, so that comments, the order of keys and fields that the form does not know stay as they are.

import { type Document, isMap, isNode, isPair, isScalar, isSeq, LineCounter, type Node, parseAllDocuments, parseDocument, stringify } from "yaml";

export type Path = readonly (string | number)[];
export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };
export type Fields = { [key: string]: Value };

/** Fault is what is wrong with a text, at a line of it. */
export interface Fault {
  line: number;
  column: number;
  message: string;
}

/** Text is what a YAML text holds. */
export interface Text {
  value?: Fields;
  fault?: Fault;
  /** at returns where a field is, or the nearest field above it: lines and columns are counted from 1. */
  at: (path: Path) => { line: number; from: number; to: number };
}

/** most is the longest text that is read; an Application is never near it. */
export const most = 512 * 1024;

const options = { prettyErrors: false, maxAliasCount: 100, uniqueKeys: true } as const;
const nowhere = () => ({ line: 1, from: 0, to: 0 });

/** read takes a text apart: one mapping, or the first thing that is wrong with it. */
export function read(text: string): Text {
  if (text.length > most) return { fault: { line: 1, column: 1, message: `longer than ${most} characters` }, at: nowhere };
  const lines = new LineCounter();
  const all = parseAllDocuments(text, { ...options, lineCounter: lines });
  const documents = Array.isArray(all) ? all.filter((d, i) => i === 0 || d.contents !== null) : [];
  const at = (offset: number, message: string): Fault => ({ line: Math.max(1, lines.linePos(offset).line), column: Math.max(1, lines.linePos(offset).col), message });
  const first = documents[0];
  if (!first) return { value: {}, at: nowhere };
  const error = first.errors[0];
  if (error) return { fault: at(error.pos[0], error.message), at: nowhere };
  if (documents[1]) return { fault: at(documents[1].range[0], "one document is expected"), at: nowhere };
  const find = (path: Path) => {
    const [from, to] = rangeOf(first as Document, path);
    return { line: Math.max(1, lines.linePos(from).line), from, to };
  };
  if (first.contents === null) return { value: {}, at: find };
  if (!isMap(first.contents)) return { fault: at(first.range[0], "a mapping is expected"), at: nowhere };
  try {
    return { value: first.toJS({ maxAliasCount: 100 }) as Fields, at: find };
  } catch (e) {
    return { fault: at(0, (e as Error).message), at: nowhere };
  }
}

/** rangeOf returns the place of the key that a path leads to; of the last one on the way, where it leads nowhere. */
function rangeOf(document: Document, path: Path): [number, number] {
  let node: unknown = document.contents;
  let range: [number, number] = [0, 0];
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((p) => isScalar(p.key) && String(p.key.value) === String(step));
      if (!pair || !isPair(pair)) return range;
      range = placeOf(pair.key) ?? range;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      range = placeOf(node) ?? range;
    } else return range;
  }
  return range;
}

const placeOf = (node: unknown): [number, number] | undefined => (isNode(node) && (node as Node).range ? [(node as Node).range![0], (node as Node).range![1]] : undefined);

/** write returns the text with a field set; undefined, an empty text, list or mapping takes the field away, and with it what held only it. */
export function write(text: string, path: Path, value: Value | undefined): string {
  const document = parseDocument(text, options);
  if (document.errors.length > 0) return text;
  if (document.contents === null) document.contents = document.createNode({}) as never;
  if (!isMap(document.contents)) return text;
  if (isEmpty(value) && !(value !== null && typeof value === "object" && kept.has(path.join(".")))) {
    remove(document, path);
  } else {
    clear(document, path);
    const old = document.getIn(path, true);
    // A scalar that is replaced keeps its comment.
    if (isScalar(old) && (typeof value !== "object" || value === null)) {
      // What was written "" is not quoted for that.
      if (old.value === "" || old.type === "BLOCK_LITERAL" || old.type === "BLOCK_FOLDED") delete old.type;
      old.value = value;
      delete old.source;
    } else document.setIn(path, document.createNode(value));
  }
  return print(document);
}

const print = (document: Document) => document.toString({ lineWidth: 0, flowCollectionPadding: false });

export const isEmpty = (value: Value | undefined): boolean => value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0) || (typeof value === "object" && !Array.isArray(value) && value !== null && Object.keys(value).length === 0);

/** clear makes room for a field where something on the way to it is not a mapping. */
function clear(document: Document, path: Path) {
  for (let i = 1; i < path.length; i++) {
    const above = document.getIn(path.slice(0, i), true);
    if (above !== undefined && !isMap(above) && !isSeq(above)) document.setIn(path.slice(0, i), document.createNode({}));
    const made = document.getIn(path.slice(0, i), true);
    // What is written {} is written on lines of its own once it holds something.
    if (isMap(made) && made.items.length === 0) made.flow = false;
  }
}

function remove(document: Document, path: Path) {
  if (!document.hasIn(path)) return;
  document.deleteIn(path);
  for (let i = path.length - 1; i > 0; i--) {
    const above = document.getIn(path.slice(0, i), true);
    if (!(isMap(above) || isSeq(above)) || above.items.length > 0 || kept.has(path.slice(0, i).join("."))) return;
    document.deleteIn(path.slice(0, i));
  }
}

/** kept are the mappings that mean something when they are empty, or that an Application must have. */
const kept = new Set(["metadata", "spec", "spec.source", "spec.destination", "spec.syncPolicy.automated"]);

/** valueAt returns what a path leads to. */
export function valueAt(value: Value | undefined, path: Path): Value | undefined {
  let at: Value | undefined = value;
  for (const step of path) {
    if (at === null || typeof at !== "object") return undefined;
    at = Array.isArray(at) ? at[Number(step)] : Object.hasOwn(at, step) ? at[step] : undefined;
  }
  return at;
}

/** textAt returns a field as it is typed; what is not a scalar is empty. */
export function textAt(value: Value | undefined, path: Path): string {
  const at = valueAt(value, path);
  return at === undefined || at === null || typeof at === "object" ? "" : String(at);
}

/** listAt returns the texts of a list. */
export function listAt(value: Value | undefined, path: Path): string[] {
  const at = valueAt(value, path);
  return Array.isArray(at) ? at.filter((v) => v !== null && typeof v !== "object").map(String) : [];
}

/** fieldsAt returns a mapping. */
export function fieldsAt(value: Value | undefined, path: Path): Fields {
  const at = valueAt(value, path);
  return at !== null && typeof at === "object" && !Array.isArray(at) ? at : {};
}

/** yamlOf returns a value as text. */
export const yamlOf = (value: unknown): string => stringify(value, { lineWidth: 0, flowCollectionPadding: false });
