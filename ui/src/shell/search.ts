// Addresses of this page are read and written as people write them: ?sync=OutOfSync,Unknown&view=table. Lists are
// joined by commas, and what is empty is left out.

export type Search = Record<string, string | undefined>;

export function parseSearch(text: string): Search {
  const found: Search = {};
  for (const [name, value] of new URLSearchParams(text)) {
    found[name] = found[name] === undefined ? value : `${found[name]},${value}`;
  }
  return found;
}

export function stringifySearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    if (typeof value === "string" && value !== "") params.set(name, value);
  }
  const text = params.toString().replaceAll("%2C", ",").replaceAll("%2F", "/").replaceAll("%3A", ":").replaceAll("%3D", "=");
  return text === "" ? "" : `?${text}`;
}

/** list returns the values of a parameter that may have several. */
export const list = (value: string | undefined): string[] => (value ? value.split(",").filter((v) => v !== "") : []);

/** toggled returns a parameter with one value put in or taken out. */
export function toggled(value: string | undefined, one: string): string | undefined {
  const all = list(value);
  const next = all.includes(one) ? all.filter((v) => v !== one) : [...all, one];
  return next.length === 0 ? undefined : next.join(",");
}
