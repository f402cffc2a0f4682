import { useEffect, useRef } from "react";
import { t } from "../../i18n";
import { rest } from "../../shell/typed";

/**
 * SearchBox is where one types what to search for. A letter and what it finds are drawn together, in one frame; the address
 * follows when nothing is typed any more.
 */
export function SearchBox({ inAddress, typed, find, to }: { inAddress: string; typed: string; find: (text: string) => void; to: (text: string) => void }) {
  const last = useRef(inAddress);
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
    find(inAddress);
  }, [inAddress, find]);
  return <input className="input" type="search" aria-label={t("apps.search")} placeholder={t("apps.searchHint")} value={typed} onChange={(e) => find(e.target.value)} />;
}
