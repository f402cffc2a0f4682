import { describe, expect, it } from "vitest";
import { foreign } from "./ja/foreign";
import first from "./ja/phrases.json";
import { phrased } from "./phrases";

const few = { "not found": "N", "not found in project {}": "P {0}", "create it, or name another": "C", "{} is for {} alone": "{1} の {0}", "a (b) [c]": "X", "{} is lost": "L {0}", "{} of a lost one is lost": "LL {0}", "waits: {}": "W {0}", "reading {}": "{0} のR" };

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
    ["has its remedy behind it, and not within what stands in it", "tokyo: not found in project core; create it, or name another", "tokyo: P core。C"],
    ["has a remedy that is not known, and is no name", "tokyo: not found in project core; dance", undefined],
    ["has a cause behind what was being done, and not within it", "reading x: repository y: not found", "x のR: repository y: N"],
    ["has two remedies", "AppProject shop: not found; create it, or name another; not found", "AppProject shop: N。C。N"],
    ["leads up to a cause that has a remedy", "waits: Service api: not found; create it, or name another", "W Service api: N。C"],
    ["has a name with a colon in it", "\"a: b\" is lost", "L \"a: b\""],
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

  it.each([
    ["AppProject no-such: not found in Namespace argocd; create it, or name another project", "AppProject no-such: Namespace argocd に見つかりません。作成するか、別のプロジェクトを指定してください"],
    ['Application web: reading revision "no": repository /srv/deploy.git: branch or tag "no" not found; check the spelling, or push it', 'Application web: リビジョン "no" の読み取り: repository /srv/deploy.git: ブランチまたはタグ "no" が見つかりません。つづりを確認するか、push してください'],
    ["Namespace web: Namespace is not permitted in project frozen; allow the kind in the project, or remove the object", "Namespace web: Namespace はプロジェクト frozen で許可されていません。プロジェクトでその種類を許可するか、オブジェクトを取り除いてください"],
    ["Application web: nothing was applied, because the manifests are not valid:\napps/all.yaml:4: Service web: spec.ports[0].port: invalid value 99999: must be between 1 and 65535, inclusive; correct the value", "Application web: マニフェストに問題があるため、何も適用されていません:\napps/all.yaml:4: Service web: spec.ports[0].port: 値 99999 が不正です: 1 以上 65535 以下にしてください。値を修正してください"],
    ['Application web: cluster tokyo (https://127.0.0.1:9): cannot be reached: Get "https://127.0.0.1:9/version?timeout=30s": dial tcp 127.0.0.1:9: connect: connection refused; check that its API server runs, and what extends that; tried again by itself', 'Application web: cluster tokyo (https://127.0.0.1:9): 到達できません: Get "https://127.0.0.1:9/version?timeout=30s": dial tcp 127.0.0.1:9: connect: 接続を拒否されました。API サーバーとその拡張が動作しているか確認してください。自動的に再試行します'],
    ["Application referencing project no-such which does not exist", "存在しないプロジェクト no-such を参照しています"],
    ["create AppProject no-such in namespace argocd, or set spec.project to default", "Namespace argocd に AppProject no-such を作成するか、spec.project を default にしてください"],
    ['metadata.name: invalid value "X": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or \'-\', and must start and end with an alphanumeric character (e.g. \'my-name\',  or \'123-abc\', regex used for validation is \'[a-z]*\'); correct the value', 'metadata.name: 値 "X" が不正です: RFC 1123 のラベルは小文字の英数字と \'-\' だけからなり、英数字で始まり英数字で終わる必要があります (例: \'my-name\',  or \'123-abc\', 検証に使う正規表現: \'[a-z]*\')。値を修正してください'],
  ])("is Japanese in full: %s", (message, want) => expect(phrased(message, words)).toBe(want));

  it("fills in what is there", () => {
    for (const [english, japanese] of Object.entries(words)) {
      const filled = [...japanese.matchAll(/\{(\d)\}/g)].map((m) => Number(m[1]));
      expect([english, new Set(filled).size]).toEqual([english, english.split("{}").length - 1]);
      expect(Math.max(-1, ...filled)).toBeLessThan(english.split("{}").length - 1);
    }
  });
});
