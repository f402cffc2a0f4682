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

/** Reading is how what fills in a sentence is taken: in the first, as names; in the second, as whatever is there. */
type Reading = "names" | "anything";

/** quoted is a name or a value as it is, whatever is in it. */
const quoted = /"[^"]*"/g;

/**
 * fits reports whether what was found may stand in a sentence. A colon in it is of a cause that begins there, and a
 * semicolon is before a remedy: what is round it is a sentence of its own then, unless the words lead up to a cause.
 */
function fits(found: string[], literals: string[], reading: Reading, of: Pattern, depth: number): boolean {
  return found.every((whole, i) => {
    const text = whole.replace(quoted, '""');
    const leads = /[:;(] ?$/.test(literals[i]!) || /^[:;]/.test(literals[i + 1]!);
    if (text.includes("; ")) return leads && depth <= deepest && line(whole, of, depth + 1) !== undefined;
    return leads || reading === "anything" || !(text.includes(": ") || text.endsWith(":"));
  });
}

/** phrase returns a cause or a remedy in other words; undefined where there are none. */
function phrase(text: string, of: Pattern, reading: Reading, depth = 0): string | undefined {
  const words = of.exact.get(text);
  if (words !== undefined || text.length > longest || text.includes("\n")) return words;
  for (const { literals, words: template } of of.open) {
    const found = filled(text, literals);
    if (found && fits(found, literals, reading, of, depth)) return template.replace(/\{(\d)\}/g, (_, n: string) => within(found[Number(n)] ?? "", of, depth + 1));
  }
  return undefined;
}

/** within returns what stands in a sentence: in other words where it is itself one, else as it is. */
const within = (text: string, of: Pattern, depth: number): string => (depth > deepest ? text : (line(text, of, depth) ?? text));

/** most is how many objects and fields may stand before a cause. */
const most = 8;

/** partsOf returns what stands between colons that are not within quotes. */
function partsOf(text: string): string[] {
  const parts: string[] = [];
  let open = false;
  for (const part of text.split(": ")) {
    if (open) parts.push(`${parts.pop()}: ${part}`);
    else parts.push(part);
    if (part.split('"').length % 2 === 0) open = !open;
  }
  return parts;
}

/** subject returns a cause in other words, and what stands before it: objects and fields as they are, and what was being done. */
function subject(text: string, of: Pattern, reading: Reading, depth: number): string | undefined {
  const parts = partsOf(text);
  for (let i = 0; i < Math.min(parts.length, most); i++) {
    const cause = phrase(parts.slice(i).join(": "), of, reading, depth);
    if (cause !== undefined) return [...parts.slice(0, i).map((part) => phrase(part, of, reading, depth) ?? part), cause].join(": ");
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
  const of = patterns(phrases);
  const lines = message.split("\n");
  if (lines.length === 1) return line(message, of);
  const first = line(lines[0]!.replace(/:$/, ""), of);
  if (first === undefined) return undefined;
  const rest = lines.slice(1).map((text, i) => {
    const [indent] = text.match(/^ */)!;
    return i + 1 < mostLines ? indent + (line(text.slice(indent.length), of) ?? text.slice(indent.length)) : text;
  });
  return [lines[0]!.endsWith(":") ? `${first}:` : first, ...rest].join("\n");
}

/** mostRemedies is how many remedies may follow each other. */
const mostRemedies = 3;

/** line returns a sentence in other words: as one that is known, or by its cause and its remedies. */
function line(message: string, of: Pattern, depth = 0, remedies = 0): string | undefined {
  const whole = subject(message, of, "names", depth);
  if (whole !== undefined) return whole;
  const at = message.lastIndexOf("; ");
  const remedy = at < 0 || remedies >= mostRemedies ? undefined : phrase(message.slice(at + 2), of, "names", depth);
  const cause = remedy === undefined ? undefined : line(message.slice(0, at), of, depth, remedies + 1);
  return cause === undefined ? subject(message, of, "anything", depth) : `${cause}。${remedy}`;
}
