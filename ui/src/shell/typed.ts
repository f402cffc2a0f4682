import { useDeferredValue, useEffect, useRef, useState } from "react";

/** useTyped keeps what is typed into a field and the address the same: the address follows without a step back for each letter, and the field follows the address. */
export function useTyped(inAddress: string | undefined, to: (text: string | undefined) => void): { text: string; set: (text: string) => void; typed: string } {
  const [text, set] = useState(inAddress ?? "");
  const typed = useDeferredValue(text);
  const last = useRef(inAddress ?? "");
  useEffect(() => {
    if (typed === last.current) return;
    last.current = typed;
    to(typed || undefined);
  });
  useEffect(() => {
    if ((inAddress ?? "") === last.current) return;
    last.current = inAddress ?? "";
    set(inAddress ?? "");
  }, [inAddress]);
  return { text, set, typed };
}
