import { same } from "./difference";
import { type Fields, type Value, write, yamlOf } from "./document";

/** rebased lays what I changed since I began over what others changed since then; conflicts are the fields that both changed, each to something else: there mine counts. */
export function rebased(begun: Fields, mine: Fields, theirs: Fields): { text: string; conflicts: string[] } {
  let text = yamlOf(theirs);
  const conflicts: string[] = [];
  const lay = (b: Value | undefined, m: Value | undefined, t: Value | undefined, path: string[]) => {
    if (same(b, m) || same(m, t)) return;
    if (mapping(b) && mapping(m) && mapping(t)) {
      for (const key of new Set([...Object.keys(b), ...Object.keys(m)])) lay(b[key], m[key], t[key], [...path, key]);
      return;
    }
    if (!same(b, t)) conflicts.push(path.join("."));
    text = write(text, path, m);
  };
  lay(begun, mine, theirs, []);
  return { text, conflicts };
}

const mapping = (value: Value | undefined): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);

/** withOption returns sync options with one set, or taken away. */
export function withOption(all: string[], name: string, value: string | undefined): string[] {
  const is = (option: string) => option.split("=")[0] === name;
  if (value === undefined) return all.filter((o) => !is(o));
  return all.some(is) ? all.map((o) => (is(o) ? `${name}=${value}` : o)) : [...all, `${name}=${value}`];
}

/** optionOf returns the value of a sync option. */
export const optionOf = (all: string[], name: string): string | undefined => all.find((o) => o.split("=")[0] === name)?.split("=")[1];
