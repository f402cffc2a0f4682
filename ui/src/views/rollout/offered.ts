import type { RolloutView } from "../../api/types";

type Action = RolloutView["actions"][number];

const denial = /^permission denied: (.+)$/;

/** deniedOf returns the right that somebody lacks for an action; undefined where that is not why it cannot be asked for. */
export const deniedOf = (action: Action): string | undefined => denial.exec(action.reason ?? "")?.[1];

const next = ["promote", "promote-full", "retry", "abort"] as const;

/**
 * offered returns the actions that stand beside where a rollout is: those that can be asked for now. Who lacks the right to
 * them sees which there were, as long as something is under way; at rest there is nothing to press.
 */
export function offered(view: Pick<RolloutView, "actions" | "phase" | "gates">): Action[] {
  const all = next.flatMap((name) => view.actions.filter((a) => a.name === name));
  const can = all.filter((a) => a.enabled);
  if (can.length > 0) return can;
  const rests = view.phase === "Healthy" && !view.gates.some((g) => g.state === "waiting");
  return rests ? [] : all.filter((a) => (a.name === "promote" || a.name === "abort") && deniedOf(a) !== undefined);
}
