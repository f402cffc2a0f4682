import { useDeferredValue, useEffect, useRef, useState } from "react";

/** rest is how long nothing is typed until the address has it: browsers take only so many changes of it. */
export const rest = 200;

/** useTyped keeps what is typed into a field and the address the same: the address follows without a step back for each letter, and the field follows the address. */
export function useTyped(inAddress: string | undefined, to: (text: string | undefined) => void): { text: string; set: (text: string) => void; typed: string } {
  const [text, set] = useState(inAddress ?? "");
  const typed = useDeferredValue(text);
  const last = useRef(inAddress ?? "");
  const tell = useRef(to);
  useEffect(() => {
    tell.current = to;
  });
  useEffect(() => {
    if (typed === last.current) return;
    // Who leaves the view meanwhile takes the address elsewhere.
    const timer = setTimeout(() => {
      last.current = typed;
      tell.current(typed || undefined);
    }, rest);
    return () => clearTimeout(timer);
  }, [typed]);
  useEffect(() => {
    if ((inAddress ?? "") === last.current) return;
    last.current = inAddress ?? "";
    set(inAddress ?? "");
  }, [inAddress]);
  return { text, set, typed };
}
