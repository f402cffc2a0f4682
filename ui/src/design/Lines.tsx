import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useLayoutEffect, useRef, useState } from "react";
import { mostPrinted, usePrinting } from "./print";

/** Lines is a list that may be long: only what is in sight is in the document. */
export function Lines<T>({ items, keyOf, line, height, label, className = "" }: { items: T[]; keyOf: (item: T) => string; line: (item: T) => ReactNode; height: number; label: string; className?: string }) {
  const ref = useRef<HTMLUListElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const measure = () => setTop((ref.current?.getBoundingClientRect().top ?? 0) + window.scrollY);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, []);
  const virtual = useWindowVirtualizer({ count: items.length, estimateSize: () => height, overscan: usePrinting() ? mostPrinted : 6, scrollMargin: top, getItemKey: (i) => keyOf(items[i]!) });
  return (
    <ul ref={ref} className={`card lines ${className}`} aria-label={label} style={{ height: virtual.getTotalSize() }}>
      {virtual.getVirtualItems().map((v) => (
        <li key={v.key} ref={virtual.measureElement} data-index={v.index} aria-posinset={v.index + 1} aria-setsize={items.length} style={{ transform: `translateY(${v.start - virtual.options.scrollMargin}px)` }}>
          {line(items[v.index]!)}
        </li>
      ))}
    </ul>
  );
}
