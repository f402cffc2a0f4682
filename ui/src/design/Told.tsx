import type { Said } from "../api/types";
import { useLanguage } from "../i18n";
import { inLanguage } from "../i18n/said";

/** Told shows a sentence of the server; where it is in another language than the page, it says so to who listens. */
export function Told({ message, said }: { message: string; said?: Said }) {
  useLanguage();
  const { text, lang } = inLanguage(message, said);
  return <span lang={lang}>{text}</span>;
}
