import { useSyncExternalStore } from "react";
import { flushSync } from "react-dom";

/** mostPrinted is how many lines of a list are printed at most. */
export const mostPrinted = 2000;

const paper = matchMedia("print");
let begun = false;

/** usePrinting reports whether the page is being printed: lists then have all their lines in the document. */
export function usePrinting(): boolean {
  return useSyncExternalStore(
    (changed) => {
      // What is printed is what stands in the document when this returns.
      const to = (value: boolean) => () => {
        begun = value;
        flushSync(changed);
      };
      const [before, after, changes] = [to(true), to(false), () => flushSync(changed)];
      addEventListener("beforeprint", before);
      addEventListener("afterprint", after);
      paper.addEventListener("change", changes);
      return () => {
        removeEventListener("beforeprint", before);
        removeEventListener("afterprint", after);
        paper.removeEventListener("change", changes);
      };
    },
    () => begun || paper.matches,
  );
}
