// Sentences of the server that have no template are "object: field: cause; remedy": causes and remedies are looked up by
// their English words, with {} for what stands in them.

export type Phrases = Record<string, string>;

interface Pattern {
  exact: Map<string, string>;
  open: { pattern: RegExp; words: string }[];
}

const made = new WeakMap<Phrases, Pattern>();

/** longest is how long a part of a sentence may be that is looked for. */
const longest = 600;

function patterns(phrases: Phrases): Pattern {
  const have = made.get(phrases);
  if (have) return have;
  const one: Pattern = { exact: new Map(), open: [] };
  for (const [english, words] of Object.entries(phrases)) {
    if (english.includes("{}")) one.open.push({ pattern: new RegExp(`^${english.split("{}").map((s) => s.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("([^\\n]+?)")}$`), words });
    else one.exact.set(english, words);
  }
  made.set(phrases, one);
  return one;
}

/** phrase returns a cause or a remedy in other words; undefined where there are none. */
function phrase(text: string, { exact, open }: Pattern): string | undefined {
  const words = exact.get(text);
  if (words !== undefined || text.length > longest) return words;
  for (const { pattern, words: template } of open) {
    const found = pattern.exec(text);
    if (found) return template.replace(/\{(\d)\}/g, (_, n: string) => found[Number(n) + 1] ?? "");
  }
  return undefined;
}

/** most is how many objects and fields may stand before a cause. */
const most = 8;

/** subject returns what stands before a cause, as it is, and the cause in other words. */
function subject(text: string, of: Pattern): string | undefined {
  const parts = text.split(": ");
  for (let i = 0; i < Math.min(parts.length, most); i++) {
    const cause = phrase(parts.slice(i).join(": "), of);
    if (cause !== undefined) return [...parts.slice(0, i), cause].join(": ");
  }
  return undefined;
}

/** phrased returns a sentence in other words, if there are some for its cause and for its remedy. */
export function phrased(message: string, phrases: Phrases): string | undefined {
  const of = patterns(phrases);
  const whole = subject(message, of);
  if (whole !== undefined) return whole;
  const at = message.lastIndexOf("; ");
  if (at < 0) return undefined;
  const cause = subject(message.slice(0, at), of);
  const remedy = cause === undefined ? undefined : phrase(message.slice(at + 2), of);
  return remedy === undefined ? undefined : `${cause}。${remedy}`;
}
