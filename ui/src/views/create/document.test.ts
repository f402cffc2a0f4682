import { describe, expect, it } from "vitest";
import { blank, fromLink, written } from "./start";
import { listAt, type Path, read, textAt, type Value, valueAt, write, yamlOf } from "./document";

const text = `# of the shop
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: shop # as in the chart of teams
  finalizers: [a, b]
spec:
  project: default
  source:
    repoURL: https://git.example/shop
    path: k8s
    unheardOf: {x: 1}
  syncPolicy:
    syncOptions:
      - CreateNamespace=true
`;

describe("a field that is written", () => {
  const table: [string, Path, Value | undefined, string, string][] = [
    ["keeps the comment beside it", ["metadata", "name"], "store", "name: shop #", "name: store #"],
    ["that is new stands at the end", ["spec", "source", "targetRevision"], "main", "unheardOf: {x: 1}\n", "unheardOf: {x: 1}\n    targetRevision: main\n"],
    ["makes what is above it", ["spec", "syncPolicy", "automated", "prune"], true, "      - CreateNamespace=true\n", "      - CreateNamespace=true\n    automated:\n      prune: true\n"],
    ["that looks like another type is quoted", ["spec", "source", "path"], "1.0", "path: k8s", 'path: "1.0"'],
    ["with YAML in it stays a text", ["spec", "source", "path"], "a: {b\nc", "path: k8s", "path: |-\n      a: {b\n      c"],
    ["that becomes empty goes", ["spec", "source", "path"], "", "    path: k8s\n", ""],
    ["that becomes empty takes what held only it", ["spec", "syncPolicy", "syncOptions"], [], "  syncPolicy:\n    syncOptions:\n      - CreateNamespace=true\n", ""],
  ];
  for (const [rule, path, value, from, to] of table) {
    it(rule, () => expect(write(text, path, value)).toBe(text.replace(from, to)));
  }
  it("is what is read, whatever is in it", () => {
    for (const value of ["", "x", "yes", "null", "0x10", "- a", "# not a comment", " lead", "tail ", "\t", "'", '"', "\u0000", "日本語", "a\n\n b\n", "<script>", "&a", "*a", "!t", "%", "---", "...", "2026-01-01"]) {
      expect(textAt(read(write(text, ["spec", "source", "path"], value)).value, ["spec", "source", "path"]), JSON.stringify(value)).toBe(value);
    }
  });
  it("of a text that is not YAML is not written", () => expect(write("a: [", ["b"], "c")).toBe("a: ["));
  it("goes where a text stood in its way", () => expect(read(write("spec: nothing\n", ["spec", "source", "path"], "k8s")).value).toEqual({ spec: { source: { path: "k8s" } } }));
  it("switches automation on with nothing in it", () => expect(write("spec:\n  project: x\n", ["spec", "syncPolicy", "automated"], {})).toBe("spec:\n  project: x\n  syncPolicy:\n    automated: {}\n"));
  it("is not quoted for having been empty, and stays quoted if it was", () => expect([write('a: ""\n', ["a"], "shop"), write('a: "x"\n', ["a"], "shop")]).toEqual(["a: shop\n", 'a: "shop"\n']));
  it("leaves automation that is written {}", () => expect(write("spec:\n  syncPolicy:\n    automated:\n      prune: true\n", ["spec", "syncPolicy", "automated", "prune"], undefined)).toBe("spec:\n  syncPolicy:\n    automated: {}\n"));
});

describe("a text that is read", () => {
  const table: [string, string, number][] = [
    ["an indent that does not fit", "a:\n  b: 1\n c: 2\n", 3],
    ["a key twice", "a: 1\nb: 2\na: 3\n", 3],
    ["a list", "\n- a\n", 2],
    ["two documents", "a: 1\n---\nb: 2\n", 2],
    ["a bracket that stays open", "a: 1\nb: [1, 2\n", 3],
    ["a tab as indent", "a:\n\tb: 1\n", 2],
  ];
  for (const [rule, given, line] of table) {
    it(`has its fault at the line: ${rule}`, () => expect({ line: read(given).fault?.line, value: read(given).value }).toEqual({ line, value: undefined }));
  }
  it("that is empty has no fields", () => expect(read("").value).toEqual({}));
  it("that grows by aliases is refused", () => {
    let bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (let i = 1; i < 9; i++) bomb += `a${i}: &a${i} [${Array(10).fill(`*a${i - 1}`).join(", ")}]\n`;
    expect(read(bomb).fault).toBeDefined();
  });
  it("that is too long is refused", () => expect(read("a".repeat(600 * 1024)).fault?.message).toContain("longer"));
  it("knows the line of each field, and of what is above one that is missing", () => {
    const found = read(text);
    expect([found.at(["spec", "source", "path"]).line, found.at(["spec", "source", "chart"]).line, found.at(["spec", "syncPolicy", "syncOptions", 0]).line, found.at(["nothing"]).line]).toEqual([11, 9, 15, 1]);
  });
  it("does not reach what every object has", () => expect(valueAt(read("a: 1").value, ["constructor", "name"])).toBeUndefined());
  it("has lists of texts", () => expect(listAt(read(text).value, ["metadata", "finalizers"])).toEqual(["a", "b"]));
});

describe("what a new Application begins as", () => {
  const from = (given: unknown) => read(fromLink(JSON.stringify(given), "argocd")).value as never as { metadata: Record<string, string>; spec: { source: Record<string, string>; destination: Record<string, string>; sources?: unknown } };
  it("is blank without a link", () => expect(read(fromLink(undefined, "argocd")).value).toEqual(blank("argocd")));
  for (const bad of ["{", "null", "[1]", "3", '"x"']) it(`is blank with a link of ${bad}`, () => expect(read(fromLink(bad, "argocd")).value).toEqual(blank("argocd")));
  it("takes what a link says and keeps the rest", () => expect(from({ metadata: { name: "shop" }, spec: { source: { path: "k8s" } } }).spec.source).toEqual({ repoURL: "", path: "k8s", targetRevision: "HEAD" }));
  it("has the cluster by name alone, where the link names it", () => expect(from({ spec: { destination: { name: "tokyo" } } }).spec.destination).toEqual({ name: "tokyo", namespace: "" }));
  it("has several sources in place of one", () => expect(Object.keys(from({ spec: { sources: [{ repoURL: "x" }] } }).spec)).toEqual(["project", "destination", "sources"]));
  it("takes no operation and nothing that the cluster writes", () => expect(read(fromLink(JSON.stringify({ operation: { sync: {} }, status: {}, metadata: { uid: "1", name: "a" } }), "argocd")).value).toEqual({ ...blank("argocd"), metadata: { name: "a", namespace: "argocd" } }));
  it("has no way to the prototype of objects", () => {
    fromLink('{"__proto__":{"polluted":1},"spec":{"__proto__":{"polluted":1}}}', "argocd");
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
  it("of a stored one keeps what people wrote", () => expect(written({ status: {}, metadata: { name: "a", labels: { x: "y" }, resourceVersion: "3" }, spec: {} })).toEqual({ apiVersion: "argoproj.io/v1alpha1", kind: "Application", metadata: { name: "a", labels: { x: "y" } }, spec: {} }));
  it("is printed without folding", () => expect(yamlOf({ a: "x ".repeat(80) + "x" }).split("\n").length).toBe(2));
});
