import { startTransition, useEffect, useState } from "react";
import { mostPrinted, usePrinting } from "./print";

/**
 * useOverscan returns how many lines beyond those in sight a list draws: none as long as what is asked for has not been
 * drawn, so that it is seen sooner; all on paper.
 */
export function useOverscan(of: string, lines: number): number {
  const printing = usePrinting();
  const [drawn, set] = useState<string>();
  useEffect(() => startTransition(() => set(of)), [of]);
  if (printing) return mostPrinted;
  return drawn === of ? lines : 0;
}
