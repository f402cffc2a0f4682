import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from "react";
import { type Ends, pathOf, still, swung } from "./path";

/** useEnds returns where each arrow begins and ends in a stage, anew whenever something in it changes its size. */
function useEnds(stage: RefObject<HTMLElement | null>, links: Link[]): Map<string, Ends> {
  const [ends, set] = useState<Map<string, Ends>>(new Map());
  const known = useRef("");
  const measure = () => {
    const box = stage.current;
    if (!box) return;
    const origin = box.getBoundingClientRect();
    const next = new Map<string, Ends>();
    links.forEach((link, i) => {
      const from = box.querySelector(`[data-service="${CSS.escape(link.service)}"]`)?.getBoundingClientRect();
      const to = box.querySelector(`[data-lane="${CSS.escape(link.hash)}"] .lane-head`)?.getBoundingClientRect();
      if (!from || !to || link.hash === "") return;
      // On a narrow page the Services stand above the lanes, and the arrows come down a gutter of their own.
      const above = from.bottom <= to.top + 1 && from.left + 60 > to.left - 40;
      const shared = links.filter((l) => l.hash === link.hash).length > 1 ? (i === 0 ? -5 : 5) : 0;
      next.set(link.service, {
        hash: link.hash, above, ox: Math.round(i === 0 ? 16 : from.left - origin.left + 18),
        sx: Math.round(above ? 16 + i * 14 : from.right - origin.left), sy: Math.round(above ? from.bottom - origin.top : from.top + from.height / 2 - origin.top),
        ex: Math.round(to.left - origin.left - 6), ey: Math.round(to.top + to.height / 2 - origin.top + shared),
      });
    });
    const text = JSON.stringify([...next]);
    if (text === known.current) return;
    known.current = text;
    set(next);
  };
  useLayoutEffect(measure);
  useEffect(() => {
    const box = stage.current;
    if (!box) return;
    const observer = new ResizeObserver(measure);
    observer.observe(box);
    for (const el of box.querySelectorAll("[data-service], [data-lane]")) observer.observe(el);
    return () => observer.disconnect();
  });
  return ends;
}

export interface Link {
  service: string;
  role: "active" | "preview";
  hash: string;
  side?: "blue" | "green";
}

/** Arrows draws an arrow from each Service to the lane that it selects. */
export function Arrows({ stage, links, flows }: { stage: RefObject<HTMLElement | null>; links: Link[]; flows: boolean }) {
  const ends = useEnds(stage, links);
  return (
    <svg className="arrows" aria-hidden>
      {links.map((link) => {
        const e = ends.get(link.service);
        return e && <Arrow key={link.service} link={link} ends={e} flows={flows} />;
      })}
    </svg>
  );
}

const lasts = 1100;

/** Arrow swings over when its Service selects another lane; where only the page moved, it follows at once. */
function Arrow({ link, ends, flows }: { link: Link; ends: Ends; flows: boolean }) {
  const shown = useRef(ends);
  const [path, set] = useState(() => pathOf(ends));
  const [swings, setSwings] = useState(false);
  const hash = useRef(ends.hash);
  useEffect(() => {
    const swing = hash.current !== ends.hash && !still();
    hash.current = ends.hash;
    const from = shown.current;
    if (!swing) {
      shown.current = ends;
      set(pathOf(ends));
      return;
    }
    setSwings(true);
    let frame = 0;
    let began: number | undefined;
    const step = (at: number) => {
      began ??= at;
      const part = Math.min(1, (at - began) / lasts);
      shown.current = swung(from, ends, part);
      set(pathOf(shown.current));
      if (part < 1) frame = requestAnimationFrame(step);
      else setSwings(false);
    };
    frame = requestAnimationFrame(step);
    return () => {
      cancelAnimationFrame(frame);
      setSwings(false);
    };
  }, [ends]);
  return (
    <g className="arrow" data-role={link.role} data-side={link.side} data-swings={swings || undefined}>
      <path className="arrow-glow" d={path.line} />
      <path className="arrow-line" d={path.line} />
      {flows && link.role === "active" && <path className="arrow-flow" d={path.line} />}
      <path className="arrow-head" d={path.head} />
    </g>
  );
}
