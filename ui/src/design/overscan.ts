import { startTransition, useEffect, useState } from "react";
import { mostPrinted, usePrinting } from "./print";

/** rest is how long nothing is scrolled until the lines go that nobody sees. */
const rest = 1000;

/**
 * useOverscan returns how many lines beyond those in sight a list draws: enough for the first step of a scroll as long as
 * it stands still, so that what is typed draws little more than what is seen; all on paper.
 */
export function useOverscan(still: number, moving: number): number {
  const printing = usePrinting();
  const [moves, set] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const scrolled = () => {
      clearTimeout(timer);
      timer = setTimeout(() => startTransition(() => set(false)), rest);
      set(true);
    };
    addEventListener("scroll", scrolled, { passive: true });
    return () => {
      clearTimeout(timer);
      removeEventListener("scroll", scrolled);
    };
  }, []);
  if (printing) return mostPrinted;
  return moves ? moving : still;
}
