import { describe, expect, it } from "vitest";
import { mostSaved, read, searchOf, withView } from "./saved";

describe("views with a name", () => {
  it("are addresses", () => {
    const [view] = withView([], "broken", { health: "Degraded,Missing", view: "table", search: undefined });
    expect(view).toEqual({ name: "broken", search: "?health=Degraded,Missing&view=table" });
    expect(searchOf(view!)).toEqual({ health: "Degraded,Missing", view: "table" });
  });

  it("have a new address where the name is there", () => {
    expect(withView([{ name: "a", search: "?x=1" }, { name: "b", search: "" }], "a", { x: "2" })).toEqual([{ name: "a", search: "?x=2" }, { name: "b", search: "" }]);
  });

  it.each([["nothing", null], ["no JSON", "{"], ["no list", "{}"], ["a list of others", `[1, null, {"name": 1}, {"name": "x"}]`]])("are none where the browser has %s", (_, text) => expect(read(text)).toEqual([]));

  it("are not more than can be looked at", () => {
    const many = Array.from({ length: mostSaved + 5 }, (_, i) => ({ name: `${i}`, search: "" }));
    expect(read(JSON.stringify(many))).toHaveLength(mostSaved);
    const next = withView(many.slice(0, mostSaved), "new", {});
    expect([next.length, next.at(-1)!.name]).toEqual([mostSaved, "new"]);
  });
});
