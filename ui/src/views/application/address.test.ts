import { describe, expect, it } from "vitest";
import { deploymentKey, deploymentOf, filterOf, history, named, nodeKey, viewOf, withFacet } from "./address";

describe("named", () => {
  const table: [string | undefined, ReturnType<typeof named>][] = [
    ["apps/Deployment/web/front/0", { group: "apps", kind: "Deployment", namespace: "web", name: "front" }],
    ["/Pod/web/front-1", { group: "", kind: "Pod", namespace: "web", name: "front-1" }],
    ["/Namespace//web/0", { group: "", kind: "Namespace", namespace: undefined, name: "web" }],
    ["Pod", undefined],
    ["///", undefined],
    [undefined, undefined],
  ];
  it.each(table)("%s", (text, want) => expect(named(text)).toEqual(want));
  it("reads what nodeKey writes", () => expect(named(nodeKey({ group: "", kind: "Node", name: "a" }))).toEqual({ group: "", kind: "Node", namespace: undefined, name: "a" }));
});

describe("deploymentOf", () => {
  const all = [{ id: 2 }, { id: 1 }, { id: 0 }];
  it.each(all)("reads what deploymentKey writes of $id", (d) => expect(deploymentOf(all, deploymentKey(d))).toBe(d));
  it.each([history, "", "1", "deployment-3", "deployment-"])("%s is no deployment", (wanted) => expect(deploymentOf(all, wanted)).toBeUndefined());
});

it("filterOf reads the parameters of bookmarks", () => {
  expect(filterOf({ resource: "kind:Pod,kind:Job,health:Degraded,sync:OutOfSync,name:Web", search: "two  words", quiet: "true" })).toEqual({ words: ["web", "two", "words"], kind: ["Pod", "Job"], health: ["Degraded"], sync: ["OutOfSync"], quiet: true });
  expect(filterOf({})).toEqual({ words: [], kind: [], health: [], sync: [], quiet: false });
});

it("withFacet replaces the values of one facet only", () => {
  expect(withFacet({ resource: "kind:Pod,health:Degraded" }, "kind", ["Job"])).toBe("health:Degraded,kind:Job");
  expect(withFacet({ resource: "kind:Pod" }, "kind", [])).toBeUndefined();
});

it("viewOf takes a view that there is", () => {
  expect(viewOf({ view: "network" })).toBe("network");
  expect(viewOf({ view: "nothing" })).toBe("tree");
});
