// Rollouts in every situation that people meet, for looking at the page.

import type { Lane, Pod, RolloutView } from "../src/api/types";
import { actionsOf, say } from "./said.ts";

const iso = (t: number) => new Date(t).toISOString();

function pods(replicaSet: string, count: number, ready: number, change: (i: number) => Partial<Pod> = () => ({})): Pod[] {
  return Array.from({ length: count }, (_, i) => ({ name: `${replicaSet}-${(i * 7919 + 12345).toString(36).slice(-5)}`, phase: "Running", ready: i < ready, restarts: 0, created: iso(Date.now() - 3_600_000 - i * 1000), ...change(i) }));
}

const lane = (name: string, revision: number, role: Lane["role"], desired: number, ready: number, extra: Partial<Lane> = {}): Lane => {
  const hash = `${(revision * 7919 + 99991).toString(16)}c9d`;
  const replicaSet = `${name}-${hash}`;
  return { role, replicaSet, revision, hash, images: [`registry.example/team/${name}:v${revision}`], desired, ready, available: ready, pods: pods(replicaSet, desired, ready), ...extra };
};

/** situation returns a rollout made from lanes. */
function situation(base: RolloutView, name: string, lanes: Lane[], extra: Partial<RolloutView> = {}): RolloutView {
  const active = lanes.find((l) => l.role === "active" || l.role === "both");
  const preview = lanes.find((l) => l.role === "preview" || l.role === "both");
  const services: RolloutView["services"] = [
    { name, role: "active", hash: active?.hash ?? "", replicaSet: active?.replicaSet, addresses: active?.ready ?? 0, since: iso(Date.now() - 7_200_000) },
    { name: `${name}-preview`, role: "preview", hash: preview?.hash ?? "", replicaSet: preview?.replicaSet, addresses: preview?.ready ?? 0, since: iso(Date.now() - 60_000) },
  ];
  const newest = Math.max(0, ...lanes.map((l) => l.revision));
  return {
    ...base, name, namespace: "situations", application: { namespace: "argocd", name: "request-counter" }, phase: "Healthy", message: undefined, paused: false, aborted: false, conditions: [], lanes, services, gates: [], events: [],
    desired: active?.desired ?? 0, ready: active?.ready ?? 0, available: active?.ready ?? 0, updated: preview?.desired ?? 0,
    revisions: Array.from({ length: Math.min(6, newest) }, (_, i) => ({ revision: newest - i, replicaSet: lane(name, newest - i, "old", 0, 0).replicaSet, images: [`registry.example/team/${name}:v${newest - i}`], created: iso(Date.now() - i * 3_600_000), role: lanes.find((l) => l.revision === newest - i)?.role })),
actions: actionsOf({ name, active: name, newest: `${newest}`, stable: `${active?.revision ?? "NONE"}` }),
    ...extra,
  };
}

const able = (view: RolloutView, ...names: string[]): RolloutView => ({ ...view, actions: view.actions.map((a) => (names.includes(a.name) ? { ...a, enabled: true, reason: undefined, reasonSaid: undefined } : a)) });

/** situations returns a rollout for each situation, and as many ordinary ones as are asked for. */
export function situations(base: RolloutView, more: number): RolloutView[] {
  const crashes = (i: number): Partial<Pod> => ({ phase: "CrashLoopBackOff", restarts: 14 + i, message: "CrashLoopBackOff: exit code 1; <script>alert(1)</script>" });
  const name = "a-name-that-goes-on-and-on-".repeat(9).slice(0, 253);
  const found: RolloutView[] = [
    situation(base, "degraded", [lane("degraded", 41, "active", 3, 3), lane("degraded", 42, "preview", 3, 0, { pods: pods("degraded-6f8", 3, 0, crashes) })], {
      phase: "Degraded", message: "ProgressDeadlineExceeded: ReplicaSet degraded-6f8 has made no progress within progressDeadlineSeconds",
      conditions: [
        { type: "Progressing", status: "False", message: "ReplicaSet degraded-6f8 has made no progress within progressDeadlineSeconds", remedy: "read the log of a pod that crashes, then correct it in git", since: iso(Date.now() - 300_000) },
        { type: "Available", status: "True", message: "Rollout has minimum availability", since: iso(Date.now() - 7_200_000) },
      ],
      gates: [{ name: "ready", state: "failed", ...say("0 of 3 pods of revision 42 are available", "gate.ready", { available: "0", size: "3", revision: "42" }) }, { name: "promotion", state: "waiting", ...say("waits for somebody once its pods are available", "gate.promotion.later") }],
    }),
    situation(base, "aborted", [lane("aborted", 8, "active", 3, 3), lane("aborted", 9, "preview", 0, 0)], {
      phase: "Degraded", aborted: true, message: "RolloutAborted: Rollout aborted update to revision 9", gates: [{ name: "abort", state: "failed", ...say("aborted; the traffic stays on the stable version until a new one comes or this one is retried", "gate.abort") }],
      conditions: [{ type: "Progressing", status: "False", message: "Rollout aborted update to revision 9", since: iso(Date.now() - 300_000) }],
    }),
    situation(base, "scaled-to-zero", [lane("scaled-to-zero", 3, "both", 0, 0)], { desired: 0, ready: 0 }),
    situation(base, "new-and-empty", [], { revisions: [], services: [], phase: "Progressing", message: "more replicas need to be updated" }),
    situation(base, "fifty", [lane("fifty", 12, "active", 50, 50), lane("fifty", 13, "preview", 50, 31, { pods: pods("fifty-77d", 47, 31, (i) => (i > 40 ? { phase: "Pending" } : i === 5 ? { restarts: 2 } : {})) })], { phase: "Progressing", message: "active service cutover pending", desired: 50, gates: [{ name: "ready", state: "waiting", ...say("31 of 50 pods of revision 13 are available", "gate.ready", { available: "31", size: "50", revision: "13" }) }, { name: "promotion", state: "waiting", ...say("promotes itself 30 s after its pods are available", "gate.promotion.after", { seconds: "30" }) }] }),
    situation(base, "three-old", [lane("three-old", 20, "both", 4, 4), lane("three-old", 19, "old", 4, 4, { scaleDownAt: iso(Date.now() + 25_000) }), lane("three-old", 18, "old", 4, 2, { pods: pods("three-old-18", 4, 2, (i) => ({ terminating: i > 1 })) }), lane("three-old", 17, "old", 1, 1, { scaleDownAt: iso(Date.now() + 3_900_000) })], { phase: "Progressing", message: "old replicas are pending termination", gates: [{ name: "scale-down", state: "waiting", ...say("the pods of revision 19 stay for an instant way back", "gate.scaleDown", { revision: "19" }), until: iso(Date.now() + 25_000) }] }),
    situation(base, "canary", [lane("canary", 30, "active", 8, 8), lane("canary", 31, "preview", 2, 2)], { strategy: "Canary", phase: "Paused", paused: true, message: "CanaryPauseStep", weight: { desired: 40, actual: 20 }, steps: [{ name: "setWeight 20", state: "done" }, { name: "pause 10m", state: "done" }, { name: "setWeight 40", state: "current", detail: "2 of 4 pods are Ready" }, { name: "analysis success-rate", state: "ahead" }, { name: "setWeight 100", state: "ahead" }] }),
    situation(base, "lost-service", [lane("lost-service", 5, "preview", 3, 3)], { phase: "Degraded", message: "InvalidSpec: spec.strategy.blueGreen.activeService: Service lost-service not found; create it", conditions: [{ type: "InvalidSpec", status: "True", message: "spec.strategy.blueGreen.activeService: Service lost-service not found", remedy: "create it", since: iso(Date.now() - 60_000) }] }),
    situation(base, name, [lane("long", 7, "both", 2, 2, { images: [`registry.example/${"deep/".repeat(20)}image-with-a-long-name@sha256:${"ab12".repeat(16)}`] })]),
    situation(base, "may-only-look", [lane("may-only-look", 6, "both", 3, 3)], {
      rights: ["get"], actions: base.actions.map((a) => ({ ...a, enabled: false, reasonSaid: undefined, reason: `permission denied: rollouts, ${a.name}, default/situations/may-only-look` })),
    }),
  ];
  found[0] = able(found[0]!, "abort");
  found[1] = able(found[1]!, "retry");
  found[4] = able(found[4]!, "promote-full", "abort");
  found[6] = able(found[6]!, "promote", "promote-full", "abort", "resume");
  for (let i = 0; i < more; i++) {
    const n = `${["web", "api", "mail", "search", "billing", "images"][i % 6]}-${["front", "worker", "gate"][i % 3]}-${i}`;
    const waits = i % 23 === 5;
    const one = situation(base, n, waits ? [lane(n, i % 40 + 2, "preview", 3, 3), lane(n, i % 40 + 1, "active", 3, 3)] : [lane(n, i % 40 + 1, "both", 3, 3)], waits ? { phase: "Paused", paused: true, message: "BlueGreenPause", gates: [{ name: "promotion", state: "waiting", ...say("waits for somebody; look at the preview, then promote or abort", "gate.promotion.waits") }] } : {});
    found.push({ ...(waits ? able(one, "promote", "promote-full", "abort") : one), namespace: `team-${i % 12}` });
  }
  return found;
}
