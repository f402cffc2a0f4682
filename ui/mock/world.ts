// A world without a cluster, for working on the page and for trying it with more than a laptop can run. It moves: one
// application is delivered over and over, some change, some are in trouble.

import type { Delivery, Detail, Lane, Me, ObjectChanges, Overview, Plan, RolloutView, Row, Stage, StageName, TreeNode } from "../src/api/types";
import { situations } from "./rollouts.ts";
import { actionsOf, say } from "./said.ts";

const iso = (t: number) => new Date(t).toISOString();
const hex = (n: number, length = 40) => {
  let text = "";
  for (let x = (n + 1) * 2654435761; text.length < length; x = (x * 1103515245 + 12345) % 4294967296) text += Math.floor(x).toString(16);
  return text.slice(0, length);
};
const all = ["get", "sync", "override", "rollback", "update", "delete", "logs", "action"] as Row["rights"];
const people = ["Aiko Tanaka", "Ben Okafor", "Chiara Rossi", "Dmitri Volkov"];
const messages = ["Count requests by path", "Raise the limit of uploads", "受付の文言を直す", "Retry what was not answered", "Make the greeting cyan"];

const awaited = (name: string) => say(`Rollout ${name}: the new version waits before the switch; look at the preview, then promote or abort`, "attention.awaited", { object: `Rollout ${name}` });

/** cycle is how long a delivery of the pretended application takes, in seconds, and what happens when. */
export const cycle = 60;
const moments: [StageName, number, number][] = [["commit", 0, 0], ["build", 0, 8], ["set", 8, 9], ["seen", 9, 10], ["sync", 10, 13], ["preview", 13, 24], ["switch", 34, 35], ["drain", 35, 47], ["healthy", 47, 48]];

export class World {
  began = Date.now() - 90 * 60_000;
  readonly rows: Row[];
  promoted = 0;
  loggedIn = true;

  constructor(
    readonly size: number,
    readonly objects: number,
    readonly others = 20,
  ) {
    this.rows = Array.from({ length: size }, (_, i) => this.row(i));
  }

  private row(i: number): Row {
    const trouble = i % 41 === 7 ? "Degraded" : i % 53 === 9 ? "Missing" : i % 37 === 5 ? "Progressing" : i % 97 === 3 ? "Suspended" : "Healthy";
    const name = i === 0 ? "request-counter" : `${["web", "api", "mail", "search", "billing", "images", "請求"][i % 7]}-${["front", "worker", "cache", "gate"][i % 4]}-${i}`;
    const row: Row = {
      namespace: "argocd", name, project: ["default", "core", "shop"][i % 3]!, labels: { team: ["platform", "shop", "data"][i % 3]!, tier: i % 2 ? "back" : "front" },
      owner: i % 11 === 0 ? "platform" : undefined, cluster: i % 5 === 4 ? "tokyo" : "in-cluster", destination: i === 0 ? "demo" : `team-${i % 12}`, repo: `https://git.example/${["shop", "core"][i % 2]}/deploy.git`, path: `apps/${name}/overlays/production`,
      targetRevision: "HEAD", sync: i % 29 === 4 ? "OutOfSync" : "Synced", revision: hex(i), health: trouble, automated: i % 6 !== 1, pinned: i % 113 === 20 ? hex(i + 5) : undefined,
      created: iso(this.began - i * 3_600_000), lastSync: iso(this.began - (i % 900) * 60_000), images: [`registry.example/${name}:v${i % 30}`], objects: 3 + (i % 9), rollouts: i % 4 === 0 || trouble === "Suspended" ? [{ namespace: "demo", name, phase: trouble === "Suspended" ? "Paused" : trouble === "Missing" ? "Progressing" : trouble }] : [], rights: all,
    };
    if (i % 59 === 11) row.handedOver = { by: "aiko@laptop", since: iso(Date.now() - 17 * 60_000) };
    if (trouble === "Degraded") row.attention = { reason: "Degraded", ...say(`Deployment ${name}: 1 of 3 pods crashes (CrashLoopBackOff, exit code 1); look at its events and logs`, "cause.degraded", { object: `Deployment ${name}`, cause: "1 of 3 pods crashes (CrashLoopBackOff, exit code 1)" }), since: iso(Date.now() - 23 * 60_000) };
    if (trouble === "Suspended") row.attention = { reason: "AwaitingPromotion", ...awaited(name), since: iso(Date.now() - 11 * 60_000) };
    if (i % 29 === 4) row.attention = { reason: "Failed", message: `Service ${name}: spec.ports[0].port: invalid value 99999; correct it in apps/${name}/base/service.yaml`, since: iso(Date.now() - 4 * 60_000) };
    return row;
  }

  /** reclaim takes the objects of an application back from who works on them. */
  reclaim(name: string): boolean {
    const row = this.rows.find((r) => r.name === name && r.handedOver);
    if (row) row.handedOver = undefined;
    return row !== undefined;
  }

  /** add takes an application that somebody has made: it is there from now on, and in need of a first sync. */
  add(name: string, project: string, destination: string) {
    this.rows.push({ ...this.row(2), name, project, destination, labels: {}, owner: undefined, attention: undefined, sync: "OutOfSync", health: "Missing", created: iso(Date.now()), lastSync: undefined, revision: undefined, rollouts: [] });
  }

  /** at is where the pretended delivery is: how many were there, and how many seconds the last one has run. */
  at(now = Date.now()) {
    const seconds = (now - this.began) / 1000;
    return { number: Math.floor(seconds / cycle), second: seconds % cycle, start: this.began + Math.floor(seconds / cycle) * cycle * 1000 };
  }

  first(now = Date.now()): Row {
    const { number, second } = this.at(now);
    const row = this.rows[0]!;
    const moving = second > 10 && second < 48;
    const waits = second > 24 && second < 34;
    return {
      ...row, health: second > 13 && second < 48 ? (second > 24 && second < 34 ? "Suspended" : "Progressing") : "Healthy", sync: second > 9 && second < 13 ? "OutOfSync" : "Synced", revision: hex(number * 2 + 1),
      operation: { phase: second > 10 && second < 13 ? "Running" : "Succeeded", startedAt: iso(this.at(now).start + 10_000), finishedAt: second > 13 ? iso(this.at(now).start + 13_000) : undefined, by: "automated sync" },
      rollouts: [{ namespace: "demo", name: row.name, phase: waits ? "Paused" : moving ? "Progressing" : "Healthy" }],
      attention: waits ? { reason: "AwaitingPromotion", ...awaited(row.name), since: iso(this.at(now).start + 24_000) } : undefined,
      lastSync: iso(this.at(now).start + (second > 13 ? 13_000 : -47_000)),
    };
  }

  delivery(n: number, now = Date.now()): Delivery {
    const start = this.began + n * cycle * 1000;
    const second = (now - start) / 1000;
    const failed = n % 9 === 4;
    const stages: Stage[] = moments.map(([name, from, to]) => {
      if (failed && from >= 34) return { name, state: "skipped" };
      const begun = second >= from;
      const over = second >= to;
      return { name, state: failed && name === "preview" && over ? "failed" : over ? "done" : begun ? "running" : "waiting", startedAt: begun ? iso(start + from * 1000) : undefined, finishedAt: over ? iso(start + to * 1000) : undefined,
        message: name === "preview" && begun && !over ? "3 of 3 pods of the new version are Ready" : name === "build" ? `registry.example/request-counter@sha256:${hex(n, 12)}` : undefined };
    });
    const waits = second > 24 && second < 34 && !failed;
    // The next one that does not fail takes its place.
    const replaced = (n % 9 === 3 ? 2 : 1) * cycle + 34;
    return {
      id: `${n}`, namespace: "argocd", application: "request-counter", project: "default", state: failed && second > 24 ? "Failed" : waits ? "Waiting" : second < 48 ? "Running" : second < replaced ? "Done" : "Replaced",
      commit: { sha: hex(n * 2 + 1), author: "Cyan", message: `Deploy request-counter ${hex(n * 2).slice(0, 7)}`, date: iso(start + 9000), url: "https://git.example/shop/deploy/commit/1" },
      source: { sha: hex(n * 2), author: people[n % 4], message: messages[n % 5], date: iso(start) }, image: `registry.example/request-counter:${hex(n * 2, 7)}`, stages, startedAt: iso(start), finishedAt: second >= 48 ? iso(start + 48_000) : undefined, leadSeconds: second >= 35 && !failed ? 35 + (n % 7) : undefined,
    };
  }

  deliveries(count = 30): Delivery[] {
    const { number } = this.at();
    return Array.from({ length: Math.min(count, number + 1) }, (_, i) => this.delivery(number - i));
  }

  overview(): Overview {
    const rows = this.current();
    const count = (f: (r: Row) => string) => rows.reduce<Record<string, number>>((c, r) => ({ ...c, [f(r)]: (c[f(r)] ?? 0) + 1 }), {});
    const counts = { sync: {} as Record<string, number>, health: {} as Record<string, number> };
    if (rows.length < 2000) Object.assign(counts, { sync: count((r) => r.sync), health: count((r) => r.health) });
    else for (const r of rows) (counts.sync[r.sync] = (counts.sync[r.sync] ?? 0) + 1), (counts.health[r.health] = (counts.health[r.health] ?? 0) + 1);
    return { deliveries: this.deliveries(6), attention: rows.filter((r) => r.attention).slice(0, 100), counts, total: rows.length, cluster: { reachable: true } };
  }

  current(): Row[] {
    return [this.first(), ...this.rows.slice(1)];
  }

  rollout(now = Date.now()): RolloutView {
    const { number, second, start } = this.at(now);
    const switched = second >= 34;
    const lane = (n: number, role: Lane["role"], pods: number, ready: number, gone: number): Lane => ({
      role, replicaSet: `request-counter-${hex(n, 9)}`, revision: n + 1, hash: hex(n, 9), images: [`registry.example/request-counter:${hex(n * 2, 7)}`], desired: gone > 0 ? 0 : pods, ready, available: ready,
      pods: Array.from({ length: Math.max(0, pods) }, (_, i) => ({ name: `request-counter-${hex(n, 9)}-${hex(n * 7 + i, 5)}`, phase: i < ready ? "Running" : "Pending", ready: i < ready, restarts: 0, created: iso(start + 13_000), terminating: gone > 0 })),
      scaleDownAt: role === "old" && gone === 0 ? iso(start + 45_000) : undefined,
    });
    const fresh = second < 13 ? 0 : 3;
    const ready = second < 16 ? 0 : second < 19 ? 1 : second < 22 ? 2 : 3;
    const lanes: Lane[] = fresh === 0 ? [lane(number - 1, "both", 3, 3, 0)] : switched ? [lane(number, "active", 3, 3, 0), ...(second < 47 ? [lane(number - 1, "old", 3, 3, second > 45 ? 1 : 0)] : [])] : [lane(number, "preview", 3, ready, 0), lane(number - 1, "active", 3, 3, 0)];
    const active = switched ? lanes[0]! : lanes[lanes.length - 1]!;
    const waits = second > 24 && second < 34;
    return {
      namespace: "demo", name: "request-counter", application: { namespace: "argocd", name: "request-counter" }, strategy: "BlueGreen", phase: waits ? "Paused" : second > 13 && second < 48 ? "Progressing" : "Healthy", message: waits ? "BlueGreenPause" : undefined, paused: waits, aborted: false, conditions: [],
      desired: 3, ready: 3, available: 3, updated: fresh, lanes,
      services: [
        { name: "request-counter", role: "active", hash: active.hash, replicaSet: active.replicaSet, addresses: active.ready, since: iso(switched ? start + 34_500 : start - 25_500) },
        { name: "request-counter-preview", role: "preview", hash: lanes[0]!.hash, replicaSet: lanes[0]!.replicaSet, addresses: lanes[0]!.ready, since: iso(start + (second < 13 ? -47_000 : 13_000)) },
      ],
      gates: fresh === 0 ? [] : [
        { name: "ready", state: ready === 3 ? "open" : "waiting", ...say(`${ready} of 3 pods of revision ${number + 1} are available`, "gate.ready", { available: `${ready}`, size: "3", revision: `${number + 1}` }) },
        { name: "promotion", state: switched ? "open" : "waiting", ...(switched ? say("promoted", "gate.promotion.done") : say("promotes itself 10 s after its pods are available", "gate.promotion.after", { seconds: "10" })), until: waits ? iso(start + 34_000) : undefined },
        ...(switched && second < 45 ? [{ name: "scale-down", state: "waiting" as const, ...say(`the pods of revision ${number} stay for an instant way back`, "gate.scaleDown", { revision: `${number}` }), until: iso(start + 45_000) }] : []),
      ],
      actions: actionsOf({ name: "request-counter", active: "request-counter", newest: `${number + 1}`, stable: `${switched ? number + 1 : number}`, waits, underway: fresh > 0 && !switched }),
      revisions: Array.from({ length: 5 }, (_, j) => (fresh === 0 ? j + 1 : j)).map((i) => ({ revision: number + 1 - i, replicaSet: `request-counter-${hex(number - i, 9)}`, images: [`registry.example/request-counter:${hex((number - i) * 2, 7)}`], created: iso(start - i * 60_000 + 13_000), role: lanes.find((l) => l.revision === number + 1 - i)?.role })),
      events: this.events(now),
      rights: all,
    };
  }

  /** events are what the cluster remembers of the last three deliveries, newest first. */
  private events(now: number): RolloutView["events"] {
    const { number } = this.at(now);
    return [number - 2, number - 1, number].flatMap((n) => {
      const [start, set, before] = [this.began + n * cycle * 1000, hex(n, 9), hex(n - 1, 9)];
      const at = (second: number, reason: string, message: string, type = "Normal") => ({ time: iso(start + second * 1000), type, reason, message });
      const begins = [
        at(13, "RolloutUpdated", `Rollout updated to revision ${n + 1}`), at(13.1, "NewReplicaSetCreated", `Created ReplicaSet request-counter-${set} (revision ${n + 1})`), at(13.2, "RolloutNotCompleted", `Rollout went to not completed state, started update to revision ${n + 1} (${set})`),
        at(13.3, "ScalingReplicaSet", `Scaled up ReplicaSet request-counter-${set} (revision ${n + 1}) from 0 to 3`), at(13.4, "SwitchService", `Switched preview Service request-counter-preview from "${before}" to "${set}": preview of the new version`),
        at(24, "RolloutPaused", "Rollout is paused (BlueGreenPause)"),
      ];
      return [
        ...begins, at(34, "RolloutResumed", "Rollout is resumed"), at(34.5, "SwitchService", `Switched active Service request-counter from "${before}" to "${set}": new version is ready`), at(34.6, "RolloutCompleted", `Rollout completed update to revision ${n + 1} (${set}): Completed blue-green update`),
        at(45, "ScalingReplicaSet", `Scaled down ReplicaSet request-counter-${before} (revision ${n}) from 3 to 0`),
      ];
    }).filter((e) => Date.parse(e.time) <= now).reverse();
  }

  rollouts(): RolloutView[] {
    const first = this.rollout();
    return [first, ...situations(first, this.others)];
  }

  /** act does what was asked for, as far as this world can: a promotion is the moment of the switch. */
  act(rollout: RolloutView, verb: string): RolloutView {
    if (rollout.namespace === "demo" && (verb === "promote" || verb === "resume")) {
      this.began -= Math.max(0, 34 - this.at().second) * 1000;
      return this.rollout();
    }
    return verb === "pause" ? { ...rollout, paused: true, phase: "Paused", message: "manually paused" } : rollout;
  }

  nodes(row: Row): TreeNode[] {
    const base = { version: "v1", info: [], images: [], targets: [], urls: [], created: row.created };
    if (row.name === "request-counter") {
      const r = this.rollout();
      const id = "rollout";
      const nodes: TreeNode[] = [
        { ...base, id: "svc", group: "", kind: "Service", namespace: "demo", name: "request-counter", managed: true, sync: "Synced", health: "Healthy", targets: r.lanes.filter((l) => l.role !== "preview" && l.role !== "old").flatMap((l) => l.pods.map((p) => p.name)) },
        { ...base, id: "svc-preview", group: "", kind: "Service", namespace: "demo", name: "request-counter-preview", managed: true, sync: "Synced", health: "Healthy", targets: r.lanes.slice(0, 1).flatMap((l) => l.pods.map((p) => p.name)) },
        { ...base, id: "ing", group: "networking.k8s.io", kind: "Ingress", namespace: "demo", name: "request-counter", managed: true, sync: "Synced", health: "Healthy", targets: ["svc"], urls: ["https://counter.example/"] },
        { ...base, id: "cm", group: "", kind: "ConfigMap", namespace: "demo", name: "request-counter-settings-7g2kd", managed: true, sync: "Synced" },
        { ...base, id, group: "argoproj.io", version: "v1alpha1", kind: "Rollout", namespace: "demo", name: "request-counter", managed: true, sync: this.first().sync, health: this.first().health, info: [{ name: "Revision", value: `Rev:${r.lanes[0]!.revision}` }], images: r.lanes[0]!.images, message: r.message },
      ];
      for (const l of r.lanes) {
        nodes.push({ ...base, id: l.replicaSet, parent: id, group: "apps", kind: "ReplicaSet", namespace: "demo", name: l.replicaSet, managed: false, health: l.ready === l.desired ? "Healthy" : "Progressing", role: l.role === "both" ? "active" : l.role, info: [{ name: "Revision", value: `Rev:${l.revision}` }], images: l.images });
        for (const p of l.pods) nodes.push({ ...base, id: p.name, parent: l.replicaSet, group: "", kind: "Pod", namespace: "demo", name: p.name, managed: false, health: p.ready ? "Healthy" : "Progressing", info: [{ name: "Containers", value: p.ready ? "1/1" : "0/1" }, { name: "Status Reason", value: p.phase }], images: l.images });
      }
      for (let i = 0; i < this.objects; i++) nodes.push({ ...base, id: `cm${i}`, group: "", kind: i % 3 ? "ConfigMap" : "Secret", namespace: "demo", name: `generated-${i}`, managed: true, sync: i % 200 === 7 ? "OutOfSync" : "Synced" });
      return nodes;
    }
    const ready = row.health === "Healthy";
    return [
      { ...base, id: "svc", group: "", kind: "Service", namespace: row.destination, name: row.name, managed: true, sync: row.sync, health: "Healthy", targets: ["p0", "p1", "p2"] },
      { ...base, id: "deploy", group: "apps", kind: "Deployment", namespace: row.destination, name: row.name, managed: true, sync: row.sync, health: row.health, message: row.attention?.message, images: row.images },
      { ...base, id: "rs", parent: "deploy", group: "apps", kind: "ReplicaSet", namespace: row.destination, name: `${row.name}-6f8`, managed: false, health: row.health, info: [{ name: "Revision", value: "Rev:4" }] },
      ...[0, 1, 2].map((i): TreeNode => ({ ...base, id: `p${i}`, parent: "rs", group: "", kind: "Pod", namespace: row.destination, name: `${row.name}-6f8-${i}`, managed: false, health: ready || i > 0 ? "Healthy" : row.health, info: [{ name: "Containers", value: ready || i > 0 ? "1/1" : "0/1" }, { name: "Restart Count", value: ready || i > 0 ? "0" : "14" }], message: ready || i > 0 ? undefined : "CrashLoopBackOff: exit code 1" })),
      { ...base, id: "sec", group: "", kind: "Secret", namespace: row.destination, name: `${row.name}-password`, managed: true, sync: "Synced" },
    ];
  }

  detail(row: Row): Detail {
    const { number, start } = this.at();
    return {
      row, manifest: `apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: ${row.name}\n  namespace: ${row.namespace}\nspec:\n  project: ${row.project}\n  source:\n    repoURL: ${row.repo}\n    path: ${row.path}\n    targetRevision: HEAD\n  destination:\n    name: ${row.cluster}\n    namespace: ${row.destination}\n  syncPolicy:\n    automated: {prune: true, selfHeal: true}\n`,
      conditions: row.handedOver ? [{ type: "HandedOver", message: `handed over to ${row.handedOver.by} since ${row.handedOver.since}; \`cyan app reclaim ${row.name}\` takes it back`, since: row.handedOver.since }] : row.attention ? [{ type: row.attention.reason === "Failed" ? "SyncError" : "Degraded", message: row.attention.message, remedy: "correct it in git; the next commit is synced by itself", since: row.attention.since! }] : [],
      nodes: this.nodes(row),
      history: Array.from({ length: 8 }, (_, i) => ({ id: number - i, revision: hex((number - i) * 2 + 1), author: people[(number - i) % 4], message: messages[(number - i) % 5], date: iso(start - i * 60_000), deployedAt: iso(start - i * 60_000 + 13_000), startedAt: iso(start - i * 60_000 + 10_000), by: i % 3 ? "automated sync" : "admin", path: row.path })),
      pin: row.pinned ? { revision: row.pinned, by: "admin", since: row.lastSync, remedy: "a sync, or a commit later than the one that is held, lifts it" } : undefined,
      operation: row.operation ? { ...row.operation, revision: row.revision, results: [{ group: "", kind: "Service", namespace: row.destination, name: row.name, status: "Synced", message: "unchanged" }, { group: "argoproj.io", kind: "Rollout", namespace: row.destination, name: row.name, status: "Synced", message: "configured" }] } : undefined,
      commit: { revision: row.revision ?? "", author: people[number % 4], message: messages[number % 5], date: iso(start) }, windows: [], canSync: true, links: [], urls: row.name === "request-counter" ? ["https://counter.example/"] : [],
    };
  }

  changes(row: Row): { items: ObjectChanges[] } {
    const yaml = (port: string, replicas: string) => `apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: ${row.name}\nspec:\n  replicas: ${replicas}\n  template:\n    spec:\n      containers:\n        - name: main\n          image: registry.example/${row.name}:v2\n          ports:\n            - containerPort: ${port}\n`;
    return { items: [{ group: "apps", kind: "Deployment", namespace: row.destination, name: row.name, live: yaml("8080", "2"), desired: yaml("9090", "3"), after: yaml("9090", "3"), changes: [{ path: "spec.replicas", from: "2", to: "3" }, { path: "spec.template.spec.containers[main].ports[0].containerPort", from: "8080", to: "9090" }] }] };
  }

  plan(row: Row): Plan {
    return {
      revision: row.revision ?? "", findings: [], refusals: [],
      tasks: [
        { phase: "PreSync", wave: 0, action: "hook", group: "batch", kind: "Job", namespace: row.destination, name: "migrate", changes: [] },
        { phase: "Sync", wave: 0, action: "change", group: "apps", kind: "Deployment", namespace: row.destination, name: row.name, restarts: true, changes: this.changes(row).items[0]!.changes },
        { phase: "Sync", wave: 0, action: "none", group: "", kind: "Service", namespace: row.destination, name: row.name, changes: [] },
        { phase: "Sync", wave: 1, action: "delete", group: "", kind: "ConfigMap", namespace: row.destination, name: "left-over", changes: [], note: "deleted only with prune" },
      ],
    };
  }

  me(): Me {
    return { loggedIn: this.loggedIn, name: this.loggedIn ? "admin" : undefined, account: this.loggedIn ? "admin" : undefined, groups: [], admin: true, may: { createApplication: ["default", "core", "shop"], settings: true, accounts: true, projects: true, repositories: true, clusters: true }, methods: { password: true, sso: { name: "GitHub", loginUrl: "auth/login" } }, version: "v0.0.0-pretended", serverTime: iso(Date.now()) };
  }
}
