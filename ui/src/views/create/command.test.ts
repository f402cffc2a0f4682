import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { check } from "./check";
import { command, quote } from "./command";
import { differences, fieldOf } from "./difference";
import { type Fields, read } from "./document";
import { rebased, withOption } from "./edit";
import { forget, keep, kept } from "./draft";
import { blank } from "./start";

const spec = (more: Fields, metadata: Fields = {}): Fields => ({ apiVersion: "argoproj.io/v1alpha1", kind: "Application", metadata: { name: "shop", namespace: "argocd", ...metadata }, spec: { project: "default", source: { repoURL: "https://git.example/shop", path: "k8s" }, destination: { server: "https://kubernetes.default.svc", namespace: "web" }, ...more } });
const line = (app: Fields) => command("cyan", app, "argocd");
const first = "cyan app create shop --project default --repo https://git.example/shop --path k8s --dest-server https://kubernetes.default.svc --dest-namespace web";
const joined = (text: string) => text.replaceAll(" \\\n  ", " ");

describe("the line that creates an Application", () => {
  const table: [string, Fields, string][] = [
    ["of the simplest", spec({}), ""],
    ["with automation", spec({ syncPolicy: { automated: { prune: true, selfHeal: true } } }), " --sync-policy automated --auto-prune --self-heal"],
    ["with automation that is switched off leaves its flags out", spec({ syncPolicy: { automated: { enabled: false, prune: true } } }), ""],
    ["with options and retries", spec({ syncPolicy: { syncOptions: ["CreateNamespace=true", "PruneLast=true"], retry: { limit: 5, backoff: { duration: "5s", factor: 2, maxDuration: "3m" } } } }), " --sync-option CreateNamespace=true --sync-option PruneLast=true --sync-retry-limit 5 --sync-retry-backoff-duration 5s --sync-retry-backoff-factor 2 --sync-retry-backoff-max-duration 3m"],
    ["with kustomize", spec({ source: { repoURL: "https://git.example/shop", path: "k8s", kustomize: { images: ["web=r.example/web:v2"], commonLabels: { team: "a b" }, replicas: [{ name: "web", count: 3 }] } } }), " --kustomize-image web=r.example/web:v2 --kustomize-replica web=3 --kustomize-common-label 'team=a b'"],
    ["with the finalizer", spec({}, { finalizers: ["resources-finalizer.argocd.argoproj.io"] }), " --set-finalizer"],
    ["with labels", spec({}, { labels: { team: "platform" } }), " --label team=platform"],
  ];
  for (const [rule, app, rest] of table) it(rule, () => expect(joined(line(app).text)).toBe(first + rest));
  it("names the namespace where it is another", () => expect(line(spec({}, { namespace: "team-a" })).text).toContain("--app-namespace team-a"));
  it("is the same for argocd", () => expect(command("argocd", spec({}), "argocd").text).toBe(line(spec({})).text.replace("cyan", "argocd")));
  it("has a name to fill in, where there is none", () => expect(line(blank("argocd")).text).toContain("create NAME"));
  it("names what its flags do not carry", () => expect(line(spec({ info: [{ name: "a", value: "b" }], ignoreDifferences: [{ kind: "X" }], source: { repoURL: "x", path: "y", kustomize: { patches: [{ patch: "z" }] } }, syncPolicy: { automated: { enabled: false }, managedNamespaceMetadata: { labels: { a: "b" } } } }, { finalizers: ["other"] })).left).toEqual(["metadata.finalizers", "spec.source.kustomize.patches", "spec.info", "spec.ignoreDifferences", "spec.syncPolicy.automated.enabled", "spec.syncPolicy.managedNamespaceMetadata.labels.a"]));
  it("names nothing, where it carries everything", () => expect(table.map(([, app]) => line(app).left).flat()).toEqual(["spec.syncPolicy.automated.enabled", "spec.syncPolicy.automated.prune"]));
});

describe("a word in a line", () => {
  const words = ["", "plain", "a b", "it's", "''", '"', "$HOME", "`id`", "$(id)", "a;b", "a&b", "a|b", "a>b", "*", "?", "[a]", "{a,b}", "~", "~root", "!x", "#x", "\\", "a\\b", "a\nb", "=x", "a=b c", "-x", "日本語", "'; rm -rf / #", "\t", "%s", "a\u00a0b"];
  for (const word of words) it(`is taken literally by a shell: ${JSON.stringify(word)}`, () => expect(execFileSync("sh", ["-c", `printf '%s' ${quote(word)}`]).toString()).toBe(word));
  it("is plain, where that is safe", () => expect(["https://git.example/a_b.git", "CreateNamespace=true", "user@host:path"].map(quote)).toEqual(["https://git.example/a_b.git", "CreateNamespace=true", "user@host:path"]));
});

describe("what is wrong with an Application", () => {
  const table: [string, Fields, string[]][] = [
    ["nothing", spec({}), []],
    ["all that a blank one lacks", blank("argocd"), ["metadata.name required", "spec.source.repoURL required", "spec.source.path required"]],
    ["a name with capitals", spec({}, { name: "Shop" }), ["metadata.name name"]],
    ["a cluster by URL and by name", spec({ destination: { server: "https://x", name: "y" } }), ["spec.destination.name both"]],
    ["no cluster", spec({ destination: { namespace: "web" } }), ["spec.destination.server required"]],
    ["a chart", spec({ source: { repoURL: "https://charts.example", chart: "redis" } }), ["spec.source.chart chart"]],
    ["a path out of the repository", spec({ source: { repoURL: "https://x", path: "../y" } }), ["spec.source.path path"]],
    ["an option that is not known", spec({ syncPolicy: { syncOptions: ["Creatnamespace=true"] } }), ["spec.syncPolicy.syncOptions.0 option"]],
    ["an option of a wrong value", spec({ syncPolicy: { syncOptions: ["CreateNamespace=yes"] } }), ["spec.syncPolicy.syncOptions.0 optionValue"]],
    ["a wait that is no duration", spec({ syncPolicy: { retry: { backoff: { duration: "5" } } } }), ["spec.syncPolicy.retry.backoff.duration duration"]],
    ["a field that there is not", spec({ syncPolcy: {} }), ["spec.syncPolcy unknown"]],
    ["a text where a number belongs", spec({ syncPolicy: { retry: { limit: "5" } } }), ["spec.syncPolicy.retry.limit type"]],
    ["a text where a mapping belongs", spec({ source: "https://x" }), ["spec.source.repoURL required", "spec.source.path required", "spec.source type"]],
    ["each of several sources", spec({ source: null, sources: [{ repoURL: "https://x", ref: "values" }, { repoURL: "https://y" }] }), ["spec.sources.1.path required"]],
  ];
  for (const [rule, app, want] of table) it(rule, () => expect(check(app).map((p) => `${p.path.join(".")} ${p.word}`)).toEqual(want));
  it("is an error where the server would refuse the field", () => expect(check(spec({ syncPolcy: {} })).map((p) => p.severity)).toEqual(["error"]));
  it("is said of whatever is given", () => {
    for (const text of ["a: 1", "metadata: []", "spec: 3", "spec: {source: [], sources: {}, destination: x, syncPolicy: {syncOptions: [[1], null, {a: b}]}}", "metadata: {name: {}}", "kind: [x]"]) expect(check(read(text).value!).length).toBeGreaterThan(0);
  });
  it("is said of git in each of its spellings", () => expect(["https://h/r", "ssh://git@h/r", "git@h:r", "file:///r", "/srv/r"].flatMap((repoURL) => check(spec({ source: { repoURL, path: "." } })))).toEqual([]));
});

describe("what an edit changes", () => {
  const table: [string, Fields, Fields, string[]][] = [
    ["nothing, whatever the order", { a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }, []],
    ["a value", { a: { b: "x" } }, { a: { b: "y" } }, ["a.b: x → y"]],
    ["a field more, a field less", { a: { b: 1 } }, { a: { c: { d: true } } }, ["a.b: 1 →", "a.c.d: → true"]],
    ["a list of texts as a whole", { a: ["x"] }, { a: ["x", "y"] }, ['a: ["x"] → ["x","y"]']],
    ["a list of mappings by place", { a: [{ b: 1 }] }, { a: [{ b: 2 }, { b: 3 }] }, ["a[0].b: 1 → 2", "a[1].b: → 3"]],
    ["an empty mapping", { a: {} }, {}, ["a: {} →"]],
    ["a key with dots", { a: {} }, { a: { "x.y/z": "1" } }, ['a["x.y/z"]: → 1']],
  ];
  for (const [rule, from, to, want] of table) it(rule, () => expect(differences(from, to).map((d) => `${d.path}: ${d.from ?? ""} → ${d.to ?? ""}`.replace(":  →", ": →").trimEnd())).toEqual(want));
});

describe("the field that a message is about", () => {
  const fields = ["metadata.name", "spec.source", "spec.source.path", "spec.source.repoURL", "spec.project"];
  const table: [string, string | undefined][] = [
    ["spec.source.path: not found in shop at HEAD", "spec.source.path"],
    ["Application shop: spec.source.path: k8s: not found; correct it", "spec.source.path"],
    ["spec.source.pathology: what", undefined],
    ["spec.source.repoURL.", "spec.source.repoURL"],
    ["xspec.project: no", undefined],
    ["spec.source.helm: not served", undefined],
    ["something else", undefined],
  ];
  for (const [message, want] of table) it(message, () => expect(fieldOf(message, fields)).toBe(want));
});

describe("a draft", () => {
  const all = new Map<string, string>();
  const store = () => ({ getItem: (k: string) => all.get(k) ?? null, setItem: (k: string, v: string) => void all.set(k, v), removeItem: (k: string) => void all.delete(k) });
  it("is there until it is forgotten", () => {
    keep("new", { text: "a" }, store);
    expect(kept("new", store)).toEqual({ text: "a" });
    expect(kept("other", store)).toBeUndefined();
    forget("new", store);
    expect(kept("new", store)).toBeUndefined();
  });
  it("that cannot be kept is no error", () => {
    const full = () => { throw new Error("full"); };
    expect(() => keep("new", { text: "a" }, full)).not.toThrow();
    expect(kept("new", full)).toBeUndefined();
  });
  it("of another shape is none", () => {
    all.set("cyan.draft.new", '{"text":3}');
    expect(kept("new", store)).toBeUndefined();
  });
});

describe("an edit of what changed meanwhile", () => {
  const begun = { spec: { a: "1", b: "1", list: ["x"], gone: "1" } };
  const table: [string, Fields, Fields, Fields, string[]][] = [
    ["has both changes", { spec: { ...begun.spec, a: "2" } }, { spec: { ...begun.spec, b: "3" } }, { spec: { ...begun.spec, a: "2", b: "3" } }, []],
    ["has mine where both changed the same, and names it", { spec: { ...begun.spec, a: "2" } }, { spec: { ...begun.spec, a: "3" } }, { spec: { ...begun.spec, a: "2" } }, ["spec.a"]],
    ["names nothing where both changed it alike", { spec: { ...begun.spec, a: "2" } }, { spec: { ...begun.spec, a: "2" } }, { spec: { ...begun.spec, a: "2" } }, []],
    ["takes a list as a whole", { spec: { ...begun.spec, list: ["x", "mine"] } }, { spec: { ...begun.spec, list: ["x", "theirs"] } }, { spec: { ...begun.spec, list: ["x", "mine"] } }, ["spec.list"]],
    ["takes away what I took away", { spec: { a: "1", b: "1", list: ["x"] } }, { spec: { ...begun.spec, b: "3" } }, { spec: { a: "1", b: "3", list: ["x"] } }, []],
    ["has a mapping of mine", { spec: { ...begun.spec, new: { c: { d: "1" } } } }, begun, { spec: { ...begun.spec, new: { c: { d: "1" } } } }, []],
  ];
  for (const [rule, mine, theirs, want, conflicts] of table) {
    it(rule, () => {
      const got = rebased(begun, mine, theirs);
      expect({ value: read(got.text).value, conflicts: got.conflicts }).toEqual({ value: want, conflicts });
    });
  }
});

describe("a sync option", () => {
  const table: [string, string[], string, string | undefined, string[]][] = [
    ["is put at the end", ["A=true"], "B", "true", ["A=true", "B=true"]],
    ["is changed where it is", ["A=true", "B=x", "C=true"], "B", "true", ["A=true", "B=true", "C=true"]],
    ["is taken away, each time it is there", ["A=true", "B=true", "A=false"], "A", undefined, ["B=true"]],
    ["is not another that begins alike", ["PruneLast=true"], "Prune", "confirm", ["PruneLast=true", "Prune=confirm"]],
  ];
  for (const [rule, all, name, value, want] of table) it(rule, () => expect(withOption(all, name, value)).toEqual(want));
});
