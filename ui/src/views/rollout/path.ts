// Where arrows run.

export interface Ends {
  hash: string;
  /** above is whether the arrow comes down from above, along a gutter, instead of from the left. */
  above: boolean;
  /** ox is where an arrow from above leaves its Service; sx is its gutter, or where an arrow to the right begins. */
  ox: number;
  sx: number;
  sy: number;
  ex: number;
  ey: number;
}

const tip = 9;

/** pathOf returns the line of an arrow and its head, which points to the right. */
export function pathOf({ above, ox, sx, sy, ex, ey }: Ends): { line: string; head: string } {
  const end = ex - tip;
  const head = `M${ex} ${ey}L${end - 2} ${ey - 6}L${end - 2} ${ey + 6}Z`;
  if (above) {
    const r = Math.max(0, Math.min(12, end - sx, ey - sy));
    return { line: `M${ox} ${sy}${ox === sx ? "" : `V${sy + 8}H${sx}`}V${ey - r}Q${sx} ${ey} ${sx + r} ${ey}H${end}`, head };
  }
  const bend = Math.max(24, (end - sx) * 0.55);
  return { line: `M${sx} ${sy}C${sx + bend} ${sy} ${end - bend} ${ey} ${end} ${ey}`, head };
}

const ease = (p: number) => (p < 0.5 ? 4 * p ** 3 : 1 - (-2 * p + 2) ** 3 / 2);

/** swung returns an arrow on its way from one lane to another. */
export function swung(from: Ends, to: Ends, part: number): Ends {
  const e = ease(Math.min(1, Math.max(0, part)));
  const between = (a: number, b: number) => Math.round((a + (b - a) * e) * 10) / 10;
  return { ...to, ox: between(from.ox, to.ox), sx: between(from.sx, to.sx), sy: between(from.sy, to.sy), ex: between(from.ex, to.ex), ey: between(from.ey, to.ey) };
}

/** still reports whether who looks wants nothing to move. */
export const still = () => typeof matchMedia === "function" && matchMedia("(prefers-reduced-motion: reduce)").matches;
