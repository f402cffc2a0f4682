// Words of the page in the language of its reader. Kubernetes' own terms (Pod, Rollout, Sync, Prune) stay as they are.

import { IntlMessageFormat } from "intl-messageformat";
import { useSyncExternalStore } from "react";
import { en } from "./en";
import { ja } from "./ja";

export type Key = keyof typeof en;
export type Language = "en" | "ja";
type Values = Record<string, string | number | Date | undefined>;

const words: Record<Language, Record<Key, string>> = { en, ja };
const listeners = new Set<() => void>();
const known = new Map<string, IntlMessageFormat>();

/** fits returns the language of a list of preferred ones that the page has. */
export function fits(preferred: readonly string[]): Language {
  for (const p of preferred) {
    const l = p.toLowerCase().split("-")[0];
    if (l === "ja" || l === "en") return l;
  }
  return "en";
}

let current: Language = document.documentElement.lang === "ja" ? "ja" : "en";

export const language = () => current;

export function setLanguage(to: Language) {
  current = to;
  document.documentElement.lang = to;
  try {
    localStorage.setItem("cyan.language", to);
  } catch {
    // A browser that keeps nothing has the language for this page alone.
  }
  listeners.forEach((l) => l());
}

/** t returns the words of a key. */
export function t(key: Key, values: Values = {}): string {
  const id = current + key;
  let message = known.get(id);
  if (!message) {
    message = new IntlMessageFormat(words[current][key], current, undefined, { ignoreTag: true });
    known.set(id, message);
  }
  return String(message.format(values));
}

/** has reports whether there are words of a key that was put together. */
export const has = (key: string): key is Key => key in en;

/** word returns the words of one value of a kind, such as a health; a value that is new is shown as it is. */
export function word(kind: string, value: string): string {
  const key = `${kind}.${value}`;
  return has(key) ? t(key) : value;
}

/** useLanguage makes a component follow the language. */
export function useLanguage(): Language {
  return useSyncExternalStore(
    (l) => {
      listeners.add(l);
      return () => listeners.delete(l);
    },
    () => current,
  );
}

export const collator = () => new Intl.Collator(current, { numeric: true });
