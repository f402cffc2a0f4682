import { describe, expect, it } from "vitest";
import { ja, phrases, said } from "./ja";
import { foreign } from "./ja/foreign";

const all: [string, string][] = Object.entries({ ...ja, ...said, ...phrases, ...foreign });

describe("Japanese words", () => {
  it("have no space within: that is for Latin letters and figures beside them", () => {
    const torn = all.filter(([, text]) => /[\p{scx=Katakana}\p{scx=Hiragana}\p{scx=Han}] [\p{scx=Katakana}\p{scx=Hiragana}\p{scx=Han}]/u.test(text));
    expect(torn).toEqual([]);
  });

  it("are the same for a sync wherever it is named", () => {
    expect(all.filter(([, text]) => /(?<![\w.=])Sync(?![\w=])/u.test(text))).toEqual([]);
  });

  it("stand apart from the figure that is filled in before them", () => {
    expect(all.filter(([, text]) => /リビジョン \{\w+\}\}*[\p{sc=Katakana}\p{sc=Hiragana}\p{sc=Han}]/u.test(text))).toEqual([]);
  });
});
