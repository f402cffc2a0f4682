import { describe, expect, it } from "vitest";
import type { RolloutView } from "../../api/types";
import { offered } from "./offered";

type View = Parameters<typeof offered>[0];
const action = (name: string, more: Partial<View["actions"][number]> = {}) => ({ name, enabled: false, effect: "", ...more }) as View["actions"][number];
const names = (phase: RolloutView["phase"], actions: View["actions"], gates: View["gates"] = []) => offered({ phase, actions, gates }).map((a) => a.name);
const denied = { reason: "permission denied: rollouts, promote, default/demo/web" };

describe("what stands beside where a rollout is", () => {
  it("is what can be asked for now, in the order of the way", () => {
    expect(names("Paused", [action("abort", { enabled: true }), action("promote", { enabled: true }), action("retry"), action("restart", { enabled: true })])).toEqual(["promote", "abort"]);
  });
  it("is nothing at rest: a button that cannot be pressed is no remedy", () => {
    expect(names("Healthy", [action("promote", { reason: "nothing waits" }), action("abort", { reason: "nothing is under way" })])).toEqual([]);
    expect(names("Healthy", [action("promote", denied), action("abort", denied)])).toEqual([]);
  });
  it("is what there would be, for who lacks the right to it", () => {
    expect(names("Paused", [action("promote", denied), action("promote-full", denied), action("abort", denied), action("retry", denied)])).toEqual(["promote", "abort"]);
    expect(names("Healthy", [action("promote", denied), action("abort", denied)], [{ name: "scale-down", state: "waiting", message: "" }] as View["gates"])).toEqual(["promote", "abort"]);
  });
  it("is nothing where nothing can be done while it goes on", () => {
    expect(names("Progressing", [action("promote", { reason: "nothing waits" }), action("abort", { reason: "there is no stable version" })])).toEqual([]);
  });
});
