// The server's sentences in the language of the reader: by their templates where they have one, else as they are.

import { IntlMessageFormat } from "intl-messageformat";
import type { Said } from "../api/types";
import { Refusal } from "../api/refusal";
import { formatters, language, phrases, said as wordsOf, t } from ".";
import { phrased } from "./phrases";

export type Told = { text: string; lang?: "en" };

const known = new Map<string, IntlMessageFormat>();

/**
 * inLanguage returns a sentence of the server for who reads: in English as the server said it, else by words that a test
 * holds to the templates of internal/view. What has no words in another language is English.
 */
export function inLanguage(message: string, said?: Said): Told {
  if (language() === "en") return { text: message };
  const template = said && wordsOf(said.code);
  if (!said || template === undefined) return untold(message);
  let format = known.get(said.code);
  if (!format) known.set(said.code, (format = new IntlMessageFormat(template, "ja", undefined, { ignoreTag: true, formatters })));
  try {
    const { cause, ...args } = said.args ?? {};
    // Why something is so is itself a sentence of the server.
    return { text: String(format.format(cause === undefined ? args : { ...args, cause: untold(cause).text })) };
  } catch {
    // A server of another version has sent less than the template wants.
    return untold(message);
  }
}

/** untold returns a sentence without a template by its words. */
function untold(message: string): Told {
  const text = phrased(message, phrases());
  return text === undefined ? { text: message, lang: "en" } : { text };
}

/** failure returns what went wrong, for where it stands within other words. */
export const failure = (error: unknown): string => (error instanceof Refusal && error.status === 0) || !(error instanceof Error) || error.message === "" ? t("error.unreachable") : inLanguage(error.message).text;

/** byWhom returns who has begun something; a name is as it is. */
export const byWhom = (by: string) => (by === "automated sync" ? inLanguage(by, { code: "by.automated" }).text : by);
