// The server's sentences in the language of the reader: by their templates where they have one, else as they are.

import { IntlMessageFormat } from "intl-messageformat";
import type { Said } from "../api/types";
import { language, said as wordsOf } from ".";

export type Told = { text: string; lang?: "en" };

const known = new Map<string, IntlMessageFormat>();

/**
 * inLanguage returns a sentence of the server for who reads: in English as the server said it, else by words that a test
 * holds to the templates of internal/view. What has no words in another language is English.
 */
export function inLanguage(message: string, said?: Said): Told {
  if (language() === "en") return { text: message };
  const template = said && wordsOf(said.code);
  if (!said || template === undefined) return { text: message, lang: "en" };
  let format = known.get(said.code);
  if (!format) known.set(said.code, (format = new IntlMessageFormat(template, "ja", undefined, { ignoreTag: true })));
  try {
    return { text: String(format.format(said.args ?? {})) };
  } catch {
    // A server of another version has sent less than the template wants.
    return { text: message, lang: "en" };
  }
}

/** byWhom returns who has begun something; a name is as it is. */
export const byWhom = (by: string) => (by === "automated sync" ? inLanguage(by, { code: "by.automated" }).text : by);
