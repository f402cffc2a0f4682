// Words of the page in the language of its reader. Kubernetes' own terms (Pod, Rollout, Sync, Prune) stay as they are.

import { type Formatters, IntlMessageFormat } from "intl-messageformat";
import { useSyncExternalStore } from "react";
import type { en } from "./en";

export type Key = keyof typeof en;
export type Language = "en" | "ja";
type Values = Record<string, string | number | Date | undefined>;

/** Catalogue is what the page says in one language, and its words for the server's sentences, by their codes. */
interface Catalogue {
  words: Record<Key, string>;
  said: Record<string, string>;
  /** phrases are words for what of the server has no code, by the English ones. */
  phrases: Record<string, string>;
}

// Each reader loads the words of one language.
const catalogues: Record<Language, () => Promise<Catalogue>> = {
  en: async () => ({ words: (await import("./en")).en, said: {}, phrases: {} }),
  ja: async () => {
    const { ja, said, phrases } = await import("./ja");
    return { words: ja, said, phrases };
  },
};

/** Rest is what a language has beside what its first view needs. */
const rests: Partial<Record<Language, () => Promise<Record<string, string>>>> = {
  ja: async () => (await import("./ja/foreign")).foreign,
};
let catalogue: Catalogue = { words: {} as Catalogue["words"], said: {}, phrases: {} };
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

let wanted = current;

/** spoken counts how often the words have changed. */
let spoken = 0;

/** setLanguage has the page speak a language as soon as its words are there; until then it speaks the one before. */
export async function setLanguage(to: Language): Promise<void> {
  wanted = to;
  const loaded = await catalogues[to]();
  if (wanted !== to) return;
  catalogue = loaded;
  current = to;
  document.documentElement.lang = to;
  spoken++;
  listeners.forEach((l) => l());
  // What comes later is looked up by its English words until then.
  void rests[to]?.().then((rest) => {
    if (wanted !== to || current !== to) return;
    catalogue = { ...catalogue, phrases: { ...catalogue.phrases, ...rest } };
    spoken++;
    listeners.forEach((l) => l());
  }, () => {});
}

/** chooseLanguage has the page speak a language from now on, in this browser. */
export function chooseLanguage(to: Language): Promise<void> {
  try {
    localStorage.setItem("cyan.language", to);
  } catch {
    // A browser that keeps nothing has the language for this page alone.
  }
  return setLanguage(to);
}

/** said returns the words for a sentence of the server; undefined where this language has none. */
export const said = (code: string): string | undefined => catalogue.said[code];

/** phrases are this language's words for sentences of the server without a code. */
export const phrases = () => catalogue.phrases;

/** once makes what arguments ask for once. */
function once<A extends unknown[], T>(make: (...args: A) => T): (...args: A) => T {
  const made = new Map<string, T>();
  return (...args) => {
    const id = JSON.stringify(args);
    let one = made.get(id);
    if (one === undefined) made.set(id, (one = make(...args)));
    return one;
  };
}

/** formatters are for all messages: to make one costs as much as to format a hundred times. */
export const formatters: Formatters = {
  getNumberFormat: once((...args) => new Intl.NumberFormat(...args)),
  getDateTimeFormat: once((...args) => new Intl.DateTimeFormat(...args)),
  getPluralRules: once((...args) => new Intl.PluralRules(...args)),
};

/** t returns the words of a key. */
export function t(key: Key, values: Values = {}): string {
  const id = current + key;
  let message = known.get(id);
  if (!message) {
    message = new IntlMessageFormat(catalogue.words[key], current, undefined, { ignoreTag: true, formatters });
    known.set(id, message);
  }
  return String(message.format(values));
}

/** has reports whether there are words of a key that was put together. */
export const has = (key: string): key is Key => key in catalogue.words;

/** word returns the words of one value of a kind, such as a health; a value that is new is shown as it is. */
export function word(kind: string, value: string): string {
  const key = `${kind}.${value}`;
  return has(key) ? t(key) : value;
}

/** useLanguage makes a component follow the language. */
export function useLanguage(): Language {
  useSyncExternalStore(
    (l) => {
      listeners.add(l);
      return () => listeners.delete(l);
    },
    () => spoken,
  );
  return current;
}

export const collator = () => new Intl.Collator(current, { numeric: true });
