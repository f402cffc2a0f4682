import { describe, expect, it } from "vitest";
import type { Delivery, Row } from "../../api/types";
import { onTheirWay } from "./moving";

const delivery = (application: string, state: Delivery["state"], namespace = "argocd") => ({ namespace, application, state, id: "1" }) as Delivery;
const row = (name: string, reason: string) => ({ namespace: "argocd", name, attention: { reason, message: "" } }) as Row;
const shown = (deliveries: Delivery[], attention: Row[]) => onTheirWay(deliveries, attention).map((d) => `${d.namespace}/${d.application}`);

describe("what is on its way", () => {
  it("are the deliveries that have not ended", () => {
    expect(shown([delivery("a", "Running"), delivery("b", "Waiting"), delivery("c", "Done"), delivery("d", "Failed"), delivery("e", "Superseded")], [])).toEqual(["argocd/a", "argocd/b"]);
  });
  it("not one that is tried again of what has failed: that is told of where somebody is needed", () => {
    expect(shown([delivery("a", "Running"), delivery("b", "Running"), delivery("c", "Running")], [row("a", "Failed"), row("b", "InvalidSpec")])).toEqual(["argocd/c"]);
  });
  it("but one that waits for somebody, or is slow, is on its way", () => {
    expect(shown([delivery("a", "Waiting"), delivery("b", "Running")], [row("a", "AwaitingPromotion"), row("b", "Stuck")])).toEqual(["argocd/a", "argocd/b"]);
  });
  it("and one of the same name elsewhere", () => {
    expect(shown([delivery("a", "Running", "team")], [row("a", "Failed")])).toEqual(["team/a"]);
  });
});
