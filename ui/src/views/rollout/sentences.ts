// The picture in words, for who does not see it and for the line above it.

import { has, t } from "../../i18n";
import { inLanguage } from "../../i18n/said";
import { activeOf, type Picture, type PictureLane, restartsOf } from "./picture";

/** laneName returns a lane as it is called: its colour and revision. */
export const laneName = (lane: Pick<PictureLane, "side" | "revision">) => t("rollout.lane", { side: t(`rollout.side.${lane.side}`), revision: lane.revision });

/** roleWord returns what a lane is to the rollout, in a word. */
export const roleWord = (role: PictureLane["role"], canary = false) => t(canary ? `rollout.canaryRole.${role}` : `rollout.role.${role}`);

/** sentences returns the picture as sentences. */
export function sentences(p: Picture): string[] {
  const said = p.services.map((s) => {
    const lane = p.lanes.find((l) => l.hash !== "" && l.hash === s.hash);
    if (!lane) return t("rollout.say.nowhere", { service: s.name });
    return t(s.role === "active" ? "rollout.say.active" : "rollout.say.preview", { service: s.name, lane: laneName(lane), count: s.addresses ?? lane.ready });
  });
  for (const lane of p.lanes) {
    said.push(t("rollout.say.lane", { lane: laneName(lane), role: roleWord(lane.role, p.canary), ready: lane.ready, desired: lane.desired, restarts: restartsOf(lane) }));
  }
  return said;
}

/** switchSentence returns what is read out when the traffic has gone over; undefined when it has not. */
export function switchSentence(before: Picture | undefined, after: Picture): string | undefined {
  const [from, to] = [before && activeOf(before), activeOf(after)];
  if (!before || !to || from?.hash === to.hash) return undefined;
  return t("rollout.say.switched", { lane: laneName(to), ready: to.ready });
}

/** underWay returns what goes on where nobody and nothing is waited for: the pods of an old version go, or others come. */
export function underWay(p: Picture): string {
  const old = p.lanes.find((lane) => lane.role === "old" && lane.squares.length > 0);
  return old ? t("rollout.drains", { lane: laneName(old) }) : t("rollout.underWay");
}

const stopped = /^(RolloutAborted|ProgressDeadlineExceeded): .*?(?:revision (\d+)|ReplicaSet (\S+))/;

/** inWords returns a status message as people say it; what the page has no words for stays as the server said it. */
export function inWords(message = ""): string {
  const end = stopped.exec(message);
  if (end?.[1] === "RolloutAborted" && end[2]) return t("rollout.message.aborted", { revision: end[2] });
  if (end?.[1] === "ProgressDeadlineExceeded" && end[3]) return t("rollout.message.deadline", { replicaSet: end[3] });
  const key = `rollout.message.${message.replace(/[^A-Za-z]+/g, "-").toLowerCase()}`;
  return has(key) ? t(key) : inLanguage(message).text;
}
