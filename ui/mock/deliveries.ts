// Deliveries of every kind, and how long they took over the weeks.

import type { Delivery, Said, Stage, StageName } from "../src/api/types";
import { say } from "./said.ts";

const iso = (t: number) => new Date(t).toISOString();
const names: StageName[] = ["commit", "build", "set", "seen", "sync", "preview", "switch", "drain", "healthy"];
const sha = (n: number) => (n * 2654435761 % 4294967296).toString(16).padStart(8, "0").repeat(5);

/** stagesOf returns stages that took some seconds each; what has none was skipped, what is after the end is to come. */
function stagesOf(start: number, seconds: (number | undefined)[], last: Stage["state"], message?: { message: string; said?: Said }): Stage[] {
  let at = start;
  return names.map((name, i): Stage => {
    if (i >= seconds.length) return { name, state: "waiting" };
    const took = seconds[i];
    if (took === undefined) return { name, state: i % 2 ? "skipped" : "unknown" };
    const from = at;
    at += took * 1000;
    const end = i === seconds.length - 1;
    return { name, state: end ? last : "done", startedAt: iso(from), finishedAt: end && (last === "running" || last === "waiting") ? undefined : iso(at), ...(end ? message : undefined) };
  });
}

/** others returns deliveries of other applications, newest first. */
export function others(count: number): Delivery[] {
  const now = Date.now();
  const people = ["Aiko Tanaka", "Ben Okafor", "Chiara Rossi", "Doe, Jane"];
  const words = ["Raise the limit of uploads", "受付の文言を直す", "<script>alert(1)</script> & \u001b[31mred\u001b[0m", "Retry what was not answered\n\nThe answer of the other side may come late, or never; see the report of last week.", `A message ${"that goes on and on ".repeat(20)}`];
  return Array.from({ length: count }, (_, n): Delivery => {
    const ago = n === 0 ? 9 * 3_600_000 : n * 1_700_000;
    const start = now - ago;
    const kind = n === 0 ? "Waiting" : n % 11 === 3 ? "Failed" : n % 13 === 4 ? "Superseded" : n > 3 ? "Replaced" : "Done";
    const application = ["web-front-7", "api-worker-1", "mail-cache-2", "billing-front-4"][n % 4]!;
    const stages =
      kind === "Waiting" ? stagesOf(start, [2, 95, 3, 1, 6, 40], "waiting", say(`Rollout ${application}: waits before the switch`, "stage.waits", { object: `Rollout ${application}` }))
      : kind === "Failed" ? stagesOf(start, [1, 80, 2, 1, 4], "failed", { message: "Service web: spec.ports[0].port: invalid value 99999; correct it in apps/web/base/service.yaml" })
      : kind === "Superseded" ? stagesOf(start, [1, undefined, 2, 1], "done")
      : stagesOf(start, [1, 60 + (n % 50), 2, undefined, 5, 12, 1, 30, 1], "done");
    const lead = kind === "Done" || kind === "Replaced" ? 80 + (n % 50) : undefined;
    return {
      id: `${1000 - n}`, namespace: "argocd", application, project: "shop", state: kind, stages, leadSeconds: lead, startedAt: iso(start), finishedAt: lead ? iso(start + lead * 1000) : undefined,
      commit: { sha: sha(n * 2), author: "Cyan", message: `Deploy ${application}`, date: iso(start + 60_000), url: n % 2 ? "https://git.example/shop/deploy/commit/1" : "javascript:alert(1)" },
      source: n % 5 === 4 ? undefined : { sha: sha(n * 2 + 1), author: people[n % 4], message: words[n % 5], date: iso(start) }, image: `registry.example/${application}:${sha(n * 2 + 1).slice(0, 7)}`,
    };
  });
}

/** leads returns how long deliveries took over some weeks; slower in the fifth one. */
export function leads(): { at: string; seconds: number; id: string }[] {
  const points = [];
  for (let i = 0; i < 160; i++) {
    const at = Date.now() - (160 - i) * 10.3 * 3_600_000;
    const week = Math.floor(i / 16);
    const wave = ((i * 7919) % 37) / 37;
    points.push({ at: iso(at), seconds: Math.round(34 + wave * 22 + (i % 19 === 0 ? 75 : 0) + (week === 4 ? 40 : 0) - week), id: `${i}` });
  }
  return points;
}
