import { describe, expect, it } from "vitest";
import type { Row, Task } from "../../api/types";
import { compared, kinds, madeOf, request, steps, sums, usual } from "./sync";

const row = { namespace: "argocd", name: "web", project: "core" } as Row;
const task = (phase: string, wave: number, action: Task["action"], restarts?: boolean): Task => ({ phase, wave, action, restarts, group: "", kind: "ConfigMap", name: `${phase}${wave}`, changes: [] });

describe("request", () => {
  const base = { appNamespace: "argocd", project: "core", prune: false, dryRun: false };
  const table: [string, Partial<typeof usual>, object][] = [
    ["as usual", {}, base],
    ["a revision", { revision: " v2 " }, { ...base, revision: "v2" }],
    ["force", { force: true }, { ...base, strategy: { hook: { force: true } } }],
    ["without hooks", { skipHooks: true }, { ...base, strategy: { apply: { force: false } } }],
    ["some objects", { only: [{ group: "apps", kind: "Deployment", namespace: "a", name: "b" }] }, { ...base, resources: [{ group: "apps", kind: "Deployment", namespace: "a", name: "b" }] }],
    ["options", { options: ["Replace=true"], prune: true }, { ...base, prune: true, syncOptions: { items: ["Replace=true"] } }],
  ];
  it.each(table)("%s", (_, choices, want) => expect(JSON.parse(JSON.stringify(request(row, { ...usual, ...choices })))).toEqual(want));
});

it("steps are phases and waves in their order, without what stays", () => {
  const of = steps([task("PreSync", 0, "hook"), task("Sync", 0, "change"), task("Sync", 0, "none"), task("Sync", 0, "create"), task("Sync", 1, "delete")]);
  expect(of.map((s) => `${s.phase} ${s.wave} ${s.tasks.length}`)).toEqual(["PreSync 0 1", "Sync 0 2", "Sync 1 1"]);
});

it("sums counts what is done", () => expect(sums([task("Sync", 0, "change", true), task("Sync", 0, "none"), task("Sync", 0, "delete")])).toEqual({ create: 0, change: 1, delete: 1, replace: 0, hook: 0, none: 1, restarts: 1 }));

it("kinds has the most first", () => expect(kinds([task("a", 0, "none"), { group: "", kind: "Pod", name: "a" }, task("b", 0, "none")])).toEqual([["ConfigMap", 2], ["Pod", 1]]));

describe("compared", () => {
  const [a, b] = ["aaaaaaa", "bbbbbbb"];
  const table: [string, string | undefined][] = [
    ["https://github.com/o/r.git", "https://github.com/o/r/compare/aaaaaaa...bbbbbbb"],
    ["git@github.com:o/r.git", "https://github.com/o/r/compare/aaaaaaa...bbbbbbb"],
    ["ssh://git@gitlab.example.com:22/g/s/r.git", "https://gitlab.example.com/g/s/r/-/compare/aaaaaaa...bbbbbbb"],
    ["https://user:pass@codeberg.org/o/r", "https://codeberg.org/o/r/compare/aaaaaaa...bbbbbbb"],
    ["https://git.example/o/r", undefined],
    ["javascript:alert(1)//github.com/o/r", undefined],
    ["oci://registry/x", undefined],
  ];
  it.each(table)("%s", (repo, want) => expect(compared(repo, a, b)).toBe(want));
  it("takes commits only", () => expect(compared("https://github.com/o/r", "v1", b)).toBeUndefined());
});

it("what people made is the commit that was built, and else what is deployed", () => {
  expect(madeOf({ message: "Deliver web", source: { sha: "b", message: "Count requests" } })).toMatchObject({ message: "Count requests" });
  expect(madeOf({ message: "Count requests" })).toEqual({ message: "Count requests" });
});
