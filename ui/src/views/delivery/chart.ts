// The chart of lead times. It is loaded only where it is shown.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { duration } from "../../design/time";
import { language } from "../../i18n";
import type { Bucket, Point } from "./figures";

/** draw puts the chart into a box, in the colours of the page, and returns how it is taken away. */
export function draw(box: HTMLElement, points: Point[], all: Bucket[], id: string | undefined, height: number): () => void {
  const style = getComputedStyle(document.documentElement);
  box.toggleAttribute("data-dark", style.colorScheme === "dark");
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const sorted = points.map((p) => ({ ...p, time: Date.parse(p.at) / 1000 })).filter((p) => Number.isFinite(p.time)).sort((a, b) => a.time - b.time);
  const each: [number[], (number | null)[]] = [sorted.map((p) => p.time), sorted.map((p) => p.seconds)];
  const lines: [number[], number[], number[]] = [all.map((b) => b.from / 1000), all.map((b) => b.median), all.map((b) => b.p90)];
  const own: [number[], (number | null)[]] = [each[0], sorted.map((p) => (p.id === id ? p.seconds : null))];
  const data = uPlot.join([each, lines as uPlot.AlignedData, own]);
  const line = (stroke: string, dash?: number[]): uPlot.Series => ({ stroke, width: 2.5, dash, spanGaps: true, points: { show: all.length < 2, size: 8, fill: stroke } });
  const chart = new uPlot(
    {
      width: Math.max(200, box.clientWidth), height, legend: { show: false },
      // Nothing happens where the pointer is: what is shown is in the table too.
      cursor: { show: false },
      scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.08)] } },
      axes: [
        { stroke: colour("--muted"), font, grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, space: 90, values: (_, ticks) => dates(ticks) },
        { stroke: colour("--muted"), font, grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, size: 76, values: (_, ticks) => ticks.map((s) => duration(s)) },
      ],
      series: [
        {},
        { paths: () => null, points: { show: true, size: 6, stroke: colour("--line-strong"), fill: colour("--surface"), width: 1.5 } },
        line(colour("--cyan")),
        line(colour("--still"), [7, 5]),
        { paths: () => null, points: { show: true, size: 12, stroke: colour("--text"), fill: colour("--cyan"), width: 2 } },
      ],
    },
    data,
    box,
  );
  const observer = new ResizeObserver(() => chart.setSize({ width: Math.max(200, box.clientWidth), height }));
  observer.observe(box);
  return () => {
    observer.disconnect();
    chart.destroy();
  };
}

/** dates writes ticks as days, or as times of day where they are closer than that. */
function dates(ticks: number[]): string[] {
  const close = ticks.length > 1 && ticks[1]! - ticks[0]! < 86_400;
  const format = new Intl.DateTimeFormat(language(), close ? { month: "numeric", day: "numeric", hour: "numeric", minute: "2-digit" } : { month: "short", day: "numeric" });
  return ticks.map((s) => format.format(s * 1000));
}
