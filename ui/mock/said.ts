import type { RolloutView, Said, Verb } from "../src/api/types";

/** say returns a sentence as the server sends it: with its template. */
export const say = (message: string, code: string, args?: Record<string, string>): { message: string; said: Said } => ({ message, said: args ? { code, args } : { code } });

/** actionsOf returns what may be asked of a Rollout, in the server's words. */
export function actionsOf(r: { name: string; active: string; newest: string; stable: string; waits?: boolean; underway?: boolean }): RolloutView["actions"] {
  const [active, newest, stable] = [`Service ${r.active}`, `revision ${r.newest}`, `revision ${r.stable}`];
  const action = (name: Verb, effect: string, args: Record<string, string>, not?: [why: string, code: string, args?: Record<string, string>]): RolloutView["actions"][number] => {
    const why = not && say(`Rollout ${r.name}: ${not[0]}`, not[1], { object: `Rollout ${r.name}`, ...not[2] });
    return { name, effect, effectSaid: { code: `effect.${name}`, args }, enabled: !why, reason: why?.message, reasonSaid: why?.said };
  };
  const both = { active: r.active, newest: r.newest };
  return [
    action("promote", `${active} is switched to ${newest} as soon as all its pods are available.`, both, r.waits ? undefined : ["not waiting for a promotion", "not.waiting"]),
    action("promote-full", `${active} is switched to ${newest} without waiting for pauses and analyses; its pods have to be available all the same.`, both, r.underway ? undefined : [`${stable} has all the traffic already`, "not.switched", { stable: r.stable }]),
    action("abort", `${active} stays with ${stable}; ${newest} is scaled down.`, { ...both, stable: r.stable }, r.underway ? undefined : ["nothing is on its way", "not.underway"]),
    action("retry", `Revision ${r.newest} is tried again from the beginning, through all its gates.`, { newest: r.newest }, ["not aborted: there is nothing to try again", "not.retry"]),
    action("undo", "The pods of the version before come back as a new version, which is rolled out as any other; its Application brings back what git has with the next sync.", { before: "NONE", tracked: "tracked" }),
    action("pause", "It stops where it is, until it is resumed or promoted; what takes the traffic keeps it.", {}),
    action("resume", "It goes on from where it was paused; a wait for a promotion goes on too.", {}, ["not paused by spec.paused", "not.resume"]),
    action("restart", "All pods of all versions are replaced, a few at a time, so that the rest take the requests.", {}),
    action("set-image", "A new version with the image is rolled out; its Application brings back what git has with the next sync.", { tracked: "tracked" }),
  ];
}
