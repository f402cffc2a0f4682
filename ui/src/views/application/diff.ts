// What is different between two texts, by lines.

export type Side = { kind: "same" | "del" | "add"; left?: number; right?: number; text: string };
export type Pair = { left?: Side; right?: Side };
export type Part<T> = { gap: number; from: number } | { rows: T[] };

/** most is how many differences are looked for one by one; texts that differ more are shown as replaced. */
const most = 1500;

/** compare returns the lines of two texts with what was taken away and what was put in. */
export function compare(before: string, after: string): Side[] {
  const a = split(before);
  const b = split(after);
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const middle = edits(a.slice(start, a.length - end), b.slice(start, b.length - end));
  const out: Side[] = [];
  let left = 0;
  let right = 0;
  const put = (kind: Side["kind"], text: string) => out.push({ kind, text, left: kind === "add" ? undefined : ++left, right: kind === "del" ? undefined : ++right });
  for (let i = 0; i < start; i++) put("same", a[i]!);
  for (const [kind, text] of middle) put(kind, text);
  for (let i = a.length - end; i < a.length; i++) put("same", a[i]!);
  return out;
}

const split = (text: string) => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));

type Edit = [Side["kind"], string];

// Myers' greedy algorithm: the furthest that each diagonal comes with d edits, kept for the way back.
function edits(a: string[], b: string[]): Edit[] {
  const size = Math.min(a.length + b.length, most);
  const reach = new Int32Array(2 * size + 3);
  const mid = size + 1;
  const kept: Int32Array[] = [];
  for (let d = 0; d <= size; d++) {
    kept.push(reach.slice(mid - d - 1, mid + d + 2));
    for (let k = -d; k <= d; k += 2) {
      let x = k === -d || (k !== d && reach[mid + k - 1]! < reach[mid + k + 1]!) ? reach[mid + k + 1]! : reach[mid + k - 1]! + 1;
      let y = x - k;
      while (x < a.length && y < b.length && a[x] === b[y]) {
        x++;
        y++;
      }
      reach[mid + k] = x;
      if (x >= a.length && y >= b.length) return back(a, b, kept);
    }
  }
  return [...a.map((t): Edit => ["del", t]), ...b.map((t): Edit => ["add", t])];
}

function back(a: string[], b: string[], kept: Int32Array[]): Edit[] {
  const out: Edit[] = [];
  let x = a.length;
  let y = b.length;
  for (let d = kept.length - 1; d >= 0; d--) {
    const at = (k: number) => kept[d]![k + d + 1] ?? 0;
    const k = x - y;
    const down = k === -d || (k !== d && at(k - 1) < at(k + 1));
    const from = down ? k + 1 : k - 1;
    const fromX = d === 0 ? 0 : at(from);
    const fromY = d === 0 ? 0 : fromX - from;
    while (x > fromX && y > fromY) {
      out.push(["same", a[--x]!]);
      y--;
    }
    if (d === 0) break;
    if (down) out.push(["add", b[--y]!]);
    else out.push(["del", a[--x]!]);
  }
  return out.reverse();
}

/** pairs puts what was taken away beside what was put in for it. */
export function pairs(sides: readonly Side[]): Pair[] {
  const out: Pair[] = [];
  let open = 0;
  for (const side of sides) {
    if (side.kind === "same") {
      out.push({ left: side, right: side });
      open = out.length;
    } else if (side.kind === "del") {
      const free = out.slice(open).findIndex((p) => !p.left);
      if (free >= 0) out[open + free]!.left = side;
      else out.push({ left: side });
    } else {
      const free = out.slice(open).findIndex((p) => !p.right);
      if (free >= 0) out[open + free]!.right = side;
      else out.push({ right: side });
    }
  }
  return out;
}

/** folded leaves out what is the same further than a few lines from any difference. */
export function folded<T>(rows: readonly T[], same: (row: T) => boolean, around = 3): Part<T>[] {
  const keep = new Uint8Array(rows.length);
  rows.forEach((row, i) => {
    if (!same(row)) keep.fill(1, Math.max(0, i - around), i + around + 1);
  });
  const out: Part<T>[] = [];
  for (let i = 0; i < rows.length; ) {
    let to = i;
    while (to < rows.length && keep[to] === keep[i]) to++;
    // A gap of a line or two is no shorter than the lines.
    if (keep[i] || to - i <= 2) {
      const last = out[out.length - 1];
      if (last && "rows" in last) last.rows.push(...rows.slice(i, to));
      else out.push({ rows: rows.slice(i, to) });
    } else out.push({ gap: to - i, from: i });
    i = to;
  }
  return out;
}
