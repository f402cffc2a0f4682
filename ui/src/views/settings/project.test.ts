import { describe, expect, it } from "vitest";
import type { Project } from "../../api/settings";
import { from, isSection, policyOf, secondsOf, sectionOf, to, what, who } from "./project";

const said = (all: { allows: boolean; word: string; values?: { what: string; where?: string } }[]) => all.map((s) => `${s.allows ? "+" : "-"}${s.word}${s.values ? ` ${s.values.what}${s.values.where ? ` in ${s.values.where}` : ""}` : ""}`);

describe("what a project permits", () => {
  const table: [string, (spec: Project["spec"]) => ReturnType<typeof from>, Project["spec"], string[]][] = [
    ["no repository, where none is named", from, {}, ["-reposNone"]],
    ["any repository", from, { sourceRepos: ["*"] }, ["+reposAny"]],
    ["some, and not one of them", from, { sourceRepos: ["!https://h/secret", "https://h/*"] }, ["+repo https://h/*", "-notRepo https://h/secret"]],
    ["none, where only one is denied", from, { sourceRepos: ["!https://h/secret"] }, ["-reposNone", "-notRepo https://h/secret"]],
    ["no place", to, {}, ["-placesNone"]],
    ["any place", to, { destinations: [{ server: "*", namespace: "*" }] }, ["+placeAny"]],
    ["places by name and by URL, denied ones last", to, { destinations: [{ server: "*", namespace: "!kube-system" }, { name: "tokyo", namespace: "shop" }, { server: "https://k", namespace: "" }] }, ["+place shop in tokyo", "+place * in https://k", "-notPlace kube-system in *"]],
    ["no place, where only one is denied", to, { destinations: [{ server: "!https://k", namespace: "*" }] }, ["-placesNone", "-notPlace * in https://k"]],
    ["kinds, as an empty project has them", what, {}, ["-clusterKindsNone", "+kindsAny"]],
    ["all kinds", what, { clusterResourceWhitelist: [{ group: "*", kind: "*" }] }, ["+clusterKindsAny", "+kindsAny"]],
    ["kinds by name, and not others", what, { clusterResourceWhitelist: [{ group: "", kind: "Namespace", name: "shop-*" }], clusterResourceBlacklist: [{ group: "rbac.authorization.k8s.io", kind: "ClusterRole" }], namespaceResourceWhitelist: [{ group: "apps", kind: "Deployment" }], namespaceResourceBlacklist: [{ group: "", kind: "Secret" }] }, ["+clusterKind Namespace shop-*", "-notClusterKind rbac.authorization.k8s.io/ClusterRole", "+kind apps/Deployment", "-notKind Secret"]],
    ["Applications of other namespaces", who, { sourceNamespaces: ["team-*"] }, ["+namespace team-*"]],
  ];
  for (const [rule, of, spec, want] of table) it(rule, () => expect(said(of(spec))).toEqual(want));
});

describe("a line of a policy", () => {
  it("has its parts", () => expect(policyOf("p, proj:shop:ci, applications, sync, shop/*, allow")).toEqual({ resource: "applications", action: "sync", object: "shop/*", allows: true }));
  it("denies by anything but allow", () => expect(policyOf("p, a, b, c, d, deny")?.allows).toBe(false));
  for (const bad of ["", "g, a, b", "p, a, b", "nothing"]) it(`is none: ${JSON.stringify(bad)}`, () => expect(policyOf(bad)).toBeUndefined());
});

describe("a span that is typed", () => {
  const table: [string, number | undefined][] = [["90d", 7_776_000], ["12h", 43_200], [" 30 m ", 1800], ["5s", 5], ["", 0], ["5", undefined], ["x", undefined], ["-1d", undefined], ["99999999d", undefined]];
  for (const [text, want] of table) it(JSON.stringify(text), () => expect(secondsOf(text)).toBe(want));
});

describe("a section", () => {
  const table: [string | undefined, string][] = [["repos", "repositories"], ["clusters", "clusters"], ["user-info", "account"], ["certs", "repositories"], [undefined, "repositories"], ["nothing", "repositories"], ["constructor", "repositories"]];
  for (const path of ["nothing", "constructor"]) it(`${path} is none`, () => expect(isSection(path)).toBe(false));
  for (const path of [undefined, "windows", "about"]) it(`${path} is one`, () => expect(isSection(path)).toBe(true));
  for (const [path, want] of table) it(`of ${path}`, () => expect(sectionOf(path)).toBe(want));
});
