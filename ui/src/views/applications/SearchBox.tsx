import { startTransition, useEffect, useRef, useState } from "react";
import { t } from "../../i18n";
import { rest } from "../../shell/typed";

/**
 * SearchBox is where one types what to search for. A letter is drawn at once and by itself; what it finds follows, and then
 * the address.
 */
export function SearchBox({ inAddress, typed, cleared, find, to }: { inAddress: string; typed: string; cleared: number; find: (text: string) => void; to: (text: string) => void }) {
  const [text, set] = useState(typed);
  const last = useRef(inAddress);
  const change = (next: string) => {
    set(next);
    startTransition(() => find(next));
  };
  // What is found is behind what is typed, and never changes it; who clears all filters clears it as well.
  useEffect(() => {
    if (cleared > 0) set("");
  }, [cleared]);
  useEffect(() => {
    if (typed === last.current) return;
    const timer = setTimeout(() => {
      last.current = typed;
      to(typed);
    }, rest);
    return () => clearTimeout(timer);
  }, [typed, to]);
  useEffect(() => {
    if (inAddress === last.current) return;
    last.current = inAddress;
    set(inAddress);
    find(inAddress);
  }, [inAddress, find]);
  return <input className="input" type="search" aria-label={t("apps.search")} placeholder={t("apps.searchHint")} value={text} onChange={(e) => change(e.target.value)} />;
}
