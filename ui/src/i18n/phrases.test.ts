import { describe, expect, it } from "vitest";
import { foreign } from "./ja/foreign";
import first from "./ja/phrases.json";
import { phrased } from "./phrases";

const few = { "not found": "N", "not found in project {}": "P {0}", "create it, or name another": "C", "{} is for {} alone": "{1} の {0}", "a (b) [c]": "X", "{} is lost": "L {0}", "{} of a lost one is lost": "LL {0}", "waits: {}": "W {0}" };

const words = { ...first, ...foreign };

describe("a sentence of which the server sends no template", () => {
  const table: [string, string, string | undefined][] = [
    ["is a cause", "not found", "N"],
    ["has an object before it, as it is", "AppProject shop: not found", "AppProject shop: N"],
    ["has an object and a field before it", "Application shop: spec.project: not found", "Application shop: spec.project: N"],
    ["has what was being done in other words", "Application shop: waits: web: not found", "Application shop: W web: N"],
    ["has what was being done before an object in other words", "web is lost: Service api: not found", "L web: Service api: N"],
    ["has a remedy", "AppProject shop: not found; create it, or name another", "AppProject shop: N。C"],
    ["has something that stands in it", "cluster tokyo: not found in project core", "cluster tokyo: P core"],
    ["has what stands in it in another order", "tokyo is for core alone", "core の tokyo"],
    ["has what is text in a pattern as text", "a (b) [c]", "X"],
    ["has foreign text as text", "<b>{x}$&: not found", "<b>{x}$&: N"],
    ["of a remedy that is not known stays", "AppProject shop: not found; dance", undefined],
    ["of a cause that is not known stays", "AppProject shop: lost; create it, or name another", undefined],
    ["that only begins so stays", "not found anywhere", undefined],
    ["over several lines is looked up line by line", "not found in project a\nb\n  Service api: not found", "P a\nb\n  Service api: N"],
    ["that lists what it has below a colon", "web is lost:\n  x.yaml:3: not found; create it, or name another", "L web:\n  x.yaml:3: N。C"],
    ["whose first line is not known stays", "broken\nnot found", undefined],
    ["of many lines is looked up so far", "not found\n" + "not found\n".repeat(100), "N\n" + "N\n".repeat(99) + "not found\n"],
    ["is the one that knows most of it", "web of a lost one is lost", "LL web"],
    ["has what stands in it in other words too", "Rollout web: waits: Service api: not found", "Rollout web: W Service api: N"],
    ["of many that stand in each other is looked into so far", "waits: waits: waits: waits: not found", "W W W waits: not found"],
    ["needs something to stand in it", " is lost", undefined],
    ["of nothing stays", "", undefined],
  ];
  it.each(table)("%s", (_, message, want) => expect(phrased(message, few)).toBe(want));

  it("is not looked for longer than a sentence", () => {
    expect(phrased(`${"x: ".repeat(20_000)}y; ${"z ".repeat(50_000)}`, words)).toBeUndefined();
    expect(phrased(`not found in project ${"a".repeat(700)}`, few)).toBeUndefined();
  });

  it("is Japanese as the server says it", () => {
    expect(phrased("unknown key; did you mean timeout.reconciliation?", words)).toBe("不明なキーです。timeout.reconciliation ではありませんか?");
    expect(phrased("permission denied: applications, sync, shop/web, sub: aiko: no policy allows it; ask who keeps it", words)).toBeUndefined();
    expect(phrased("permission denied: applications, sync, shop/web, sub: aiko: no policy allows it", words)).toBe("権限がありません (applications, sync, shop/web, sub: aiko)。許可するポリシーがありません");
    expect(phrased("cluster https://10.0.0.1:6443: existing cluster spec is different; use upsert flag to force update; send it with upsert=true", words)).toBe("cluster https://10.0.0.1:6443: 同じアドレスで設定の異なるクラスターがすでにあります。上書きするには upsert=true を付けて送ってください");
  });

  it("fills in what is there", () => {
    for (const [english, japanese] of Object.entries(words)) {
      const filled = [...japanese.matchAll(/\{(\d)\}/g)].map((m) => Number(m[1]));
      expect([english, new Set(filled).size]).toEqual([english, english.split("{}").length - 1]);
      expect(Math.max(-1, ...filled)).toBeLessThan(english.split("{}").length - 1);
    }
  });
});
