// Sentences of the server that have no template are "object: field: cause; remedy": causes and remedies are looked up by
// their English words, with {} for what stands in them.

export type Phrases = Record<string, string>;

interface Open {
  /** literals are what stands round what is filled in. */
  literals: string[];
  words: string;
}

interface Pattern {
  exact: Map<string, string>;
  open: Open[];
}

const made = new WeakMap<Phrases, Pattern>();

/** longest is how long a part of a sentence may be that is looked for, and deepest how far into what stands in it. */
const longest = 600;
const deepest = 2;

function patterns(phrases: Phrases): Pattern {
  const have = made.get(phrases);
  if (have) return have;
  const one: Pattern = { exact: new Map(), open: [] };
  for (const [english, words] of Object.entries(phrases)) {
    if (english.includes("{}")) one.open.push({ literals: english.split("{}"), words });
    else one.exact.set(english, words);
  }
  // Of several that fit, the one that knows most of the sentence counts.
  const known = (o: Open) => o.literals.join("").length;
  one.open.sort((a, b) => known(b) - known(a));
  made.set(phrases, one);
  return one;
}

/** filled returns what stands between literals, or undefined where they are not in the text. It never goes back. */
function filled(text: string, literals: string[]): string[] | undefined {
  if (!text.startsWith(literals[0]!)) return undefined;
  let at = literals[0]!.length;
  const found: string[] = [];
  for (let i = 1; i < literals.length; i++) {
    const literal = literals[i]!;
    const last = i === literals.length - 1;
    if (last && !text.endsWith(literal)) return undefined;
    const next = last ? text.length - literal.length : text.indexOf(literal, at + 1);
    if (next <= at) return undefined;
    found.push(text.slice(at, next));
    at = next + literal.length;
  }
  return found;
}

/** phrase returns a cause or a remedy in other words; undefined where there are none. */
function phrase(text: string, of: Pattern, depth = 0): string | undefined {
  const words = of.exact.get(text);
  if (words !== undefined || text.length > longest || text.includes("\n")) return words;
  for (const { literals, words: template } of of.open) {
    const found = filled(text, literals);
    if (found) return template.replace(/\{(\d)\}/g, (_, n: string) => within(found[Number(n)] ?? "", of, depth + 1));
  }
  return undefined;
}

/** within returns what stands in a sentence: in other words where it is itself one, else as it is. */
const within = (text: string, of: Pattern, depth: number): string => (depth > deepest ? text : (subject(text, of, depth) ?? text));

/** most is how many objects and fields may stand before a cause. */
const most = 8;

/** subject returns a cause in other words, and what stands before it: objects and fields as they are, and what was being done. */
function subject(text: string, of: Pattern, depth = 0): string | undefined {
  const parts = text.split(": ");
  for (let i = 0; i < Math.min(parts.length, most); i++) {
    const cause = phrase(parts.slice(i).join(": "), of, depth);
    if (cause !== undefined) return [...parts.slice(0, i).map((part) => phrase(part, of, depth) ?? part), cause].join(": ");
  }
  return undefined;
}

/** mostLines is how many lines of a message are looked up; the others stay as they are. */
const mostLines = 100;

/**
 * phrased returns a sentence in other words, if there are some for its cause and for its remedy. Of a message of several
 * lines the first has to have some; it may end with a colon.
 */
export function phrased(message: string, phrases: Phrases): string | undefined {
  const lines = message.split("\n");
  if (lines.length === 1) return line(message, phrases);
  const first = line(lines[0]!.replace(/:$/, ""), phrases);
  if (first === undefined) return undefined;
  const rest = lines.slice(1).map((text, i) => {
    const [indent] = text.match(/^ */)!;
    return i + 1 < mostLines ? indent + (line(text.slice(indent.length), phrases) ?? text.slice(indent.length)) : text;
  });
  return [lines[0]!.endsWith(":") ? `${first}:` : first, ...rest].join("\n");
}

function line(message: string, phrases: Phrases): string | undefined {
  const of = patterns(phrases);
  const whole = subject(message, of);
  if (whole !== undefined) return whole;
  const at = message.lastIndexOf("; ");
  if (at < 0) return undefined;
  const cause = subject(message.slice(0, at), of);
  const remedy = cause === undefined ? undefined : phrase(message.slice(at + 2), of);
  return remedy === undefined ? undefined : `${cause}。${remedy}`;
}
