// What programs write to a terminal, as parts of text: colours are kept, all else that would steer a terminal is dropped.

export interface Styled {
  text: string;
  colour?: "black" | "red" | "green" | "yellow" | "blue" | "magenta" | "cyan" | "white";
  bold?: boolean;
  dim?: boolean;
}

const names = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;

// CSI sequences, OSC and other strings up to their end, and single escapes; then what is left of control characters.
// eslint-disable-next-line no-control-regex
const escapes = /(?:\u001b\[|\u009b)([0-?]*)([ -/]*[@-~])|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-~]?/g;
// eslint-disable-next-line no-control-regex
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

function nearest(r: number, g: number, b: number): Styled["colour"] {
  const high = Math.max(r, g, b);
  if (high < 60) return "black";
  return names[(r > high / 2 ? 1 : 0) + (g > high / 2 ? 2 : 0) + (b > high / 2 ? 4 : 0)];
}

function of256(n: number): Styled["colour"] {
  if (n < 16) return names[n % 8];
  if (n >= 232) return n < 244 ? "black" : "white";
  const level = (x: number) => (x === 0 ? 0 : 55 + x * 40);
  return nearest(level(Math.floor((n - 16) / 36)), level(Math.floor((n - 16) / 6) % 6), level((n - 16) % 6));
}

function apply(style: Omit<Styled, "text">, codes: number[]) {
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!;
    if (code === 0) for (const k of Object.keys(style) as (keyof typeof style)[]) delete style[k];
    else if (code === 1) style.bold = true;
    else if (code === 2) style.dim = true;
    else if (code === 22) style.bold = style.dim = undefined;
    else if (code >= 30 && code <= 37) style.colour = names[code - 30];
    else if (code >= 90 && code <= 97) style.colour = names[code - 90];
    else if (code === 39) style.colour = undefined;
    else if (code === 38 || code === 48) {
      const colour = codes[i + 1] === 5 ? of256(codes[i + 2] ?? 0) : nearest(codes[i + 2] ?? 0, codes[i + 3] ?? 0, codes[i + 4] ?? 0);
      if (code === 38) style.colour = colour;
      i += codes[i + 1] === 5 ? 2 : 4;
    }
  }
}

/** styled returns a line in parts of one colour each. */
export function styled(line: string): Styled[] {
  const out: Styled[] = [];
  const style: Omit<Styled, "text"> = {};
  let from = 0;
  const put = (text: string) => {
    const clean = text.replace(controls, "");
    if (clean !== "") out.push({ text: clean, ...style });
  };
  for (const m of line.matchAll(escapes)) {
    put(line.slice(from, m.index));
    from = m.index + m[0].length;
    if (m[2] === "m") apply(style, (m[1] || "0").split(/[;:]/).map(Number));
  }
  put(line.slice(from));
  return out;
}

/** bare returns a line without anything but its text. */
export const bare = (line: string) => styled(line).map((p) => p.text).join("");

/** level returns how bad a line says it is. */
export function level(line: string): "bad" | "warn" | undefined {
  const start = line.slice(0, 300);
  if (/\b(?:error|err|fatal|panic|critical|exception|severe)\b/i.test(start)) return "bad";
  return /\bwarn(?:ing)?\b/i.test(start) ? "warn" : undefined;
}
