import type { IncomingMessage, ServerResponse } from "node:http";
import type { Connect, Plugin } from "vite";
import type { RolloutChange } from "../src/api/rollout.ts";
import type { RolloutView } from "../src/api/types.ts";
import { leads, others } from "./deliveries.ts";
import { Settings } from "./settings.ts";
import { World } from "./world.ts";

const number = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise);

/** pretend answers what the page asks from a world without a cluster: PRETEND=1, APPLICATIONS=5000, OBJECTS=1000, ROLLOUTS=500. */
export function pretend(): Plugin {
  const world = new World(number("APPLICATIONS", 60), number("OBJECTS", 0), number("ROLLOUTS", 20));
  const settings = new Settings();
  const handler: Connect.NextHandleFunction = (request, response, next) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    if (!/^\/(api|auth)\//.test(url.pathname)) return next();
    void answer(world, settings, url, request, response);
  };
  return { name: "pretend", configureServer: (s) => void s.middlewares.use(handler), configurePreviewServer: (s) => void s.middlewares.use(handler) };
}

function json(response: ServerResponse, body: unknown, status = 200) {
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = "";
  for await (const part of request) text += part;
  try {
    return JSON.parse(text || "{}") as Record<string, unknown>;
  } catch {
    return {};
  }
}

async function answer(world: World, settings: Settings, url: URL, request: IncomingMessage, response: ServerResponse) {
  const path = url.pathname;
  const row = (namespace: string, name: string) => world.current().find((r) => r.name === decodeURIComponent(name) && r.namespace === namespace);
  if (path === "/api/v1/view/me") return json(response, world.me());
  if (path === "/api/v1/session") {
    world.loggedIn = request.method === "POST";
    return json(response, { token: world.loggedIn ? "x" : "" });
  }
  if (!world.loggedIn) return json(response, { error: "no session; log in", code: 16, message: "no session; log in" }, 401);
  if (path === "/api/v1/view/applications") {
    const worst = ["Degraded", "Missing", "Unknown", "Progressing", "Suspended", "Healthy"];
    const items = url.searchParams.get("sort") === "health" ? world.current().sort((a, b) => worst.indexOf(a.health) - worst.indexOf(b.health) || (a.name < b.name ? -1 : 1)) : world.current();
    response.setHeader("Stream-Position", "1");
    return json(response, { items: items.slice(0, Number(url.searchParams.get("limit") ?? 10_000)), total: items.length });
  }
  if (path === "/api/v1/view/overview") return json(response, world.overview());
  if (path === "/api/v1/view/stream") return stream(world, url, response);
  if (path === "/api/v1/view/rollouts") return json(response, { items: world.rollouts() });
  const one = /^\/api\/v1\/(view\/)?rollouts\/([^/]+)\/([^/]+)(?:\/([\w-]+))?$/.exec(path);
  const rollout = one && world.rollouts().find((r) => r.namespace === one[2] && r.name === decodeURIComponent(one[3]!));
  if (one && rollout) return json(response, one[1] ? rollout : world.act(rollout, one[4] ?? ""));
  if (path === "/api/v1/view/deliveries") return json(response, { items: [...world.deliveries(), ...others(120)].filter((d) => [d.application, null].includes(url.searchParams.get("application"))) });
  if (path === "/api/v1/view/deliveries/lead") return json(response, { points: leads() });
  const delivery = /^\/api\/v1\/view\/deliveries\/[^/]+\/([^/]+)\/(\d+)$/.exec(path);
  const foreign = delivery && others(120).find((d) => d.application === delivery[1] && d.id === delivery[2]);
  if (delivery) return json(response, foreign ?? world.delivery(Number(delivery[2])));
  const app = /^\/api\/v1\/view\/applications\/([^/]+)\/([^/]+)(?:\/(\w+))?$/.exec(path);
  const found = app && row(app[1]!, app[2]!);
  if (app && found) {
    if (app[3] === "changes") return json(response, world.changes(found));
    if (app[3] === "plan") return json(response, world.plan(found));
    return json(response, world.detail(found));
  }
  const body = request.method === "GET" ? {} : await bodyOf(request);
  const settled = settings.answer(request.method ?? "GET", url, body, (name) => world.rows.some((r) => r.name === name), (name) => {
    const r = world.rows.find((x) => x.name === name) ?? world.rows[0]!;
    return { apiVersion: "argoproj.io/v1alpha1", kind: "Application", metadata: { name, namespace: r.namespace, labels: r.labels, finalizers: ["resources-finalizer.argocd.argoproj.io"] }, spec: { project: r.project, source: { repoURL: r.repo, path: r.path, targetRevision: r.targetRevision }, destination: { name: r.cluster, namespace: r.destination }, syncPolicy: r.automated ? { automated: { prune: true, selfHeal: true }, syncOptions: ["CreateNamespace=true"] } : undefined } };
  });
  if (settled && path === "/api/v1/applications" && request.method === "POST" && (settled.status ?? 200) < 300) {
    const made = body as { metadata: { name: string }; spec: { project: string; destination?: { namespace?: string } } };
    world.add(made.metadata.name, made.spec.project, made.spec.destination?.namespace ?? "default");
  }
  if (settled) return json(response, settled.body, settled.status);
  const argo = /^\/api\/v1\/applications\/([^/]+)(?:\/(.+))?$/.exec(path);
  if (argo && argo[2] === "reclaim") {
    const name = decodeURIComponent(argo[1]!);
    return world.reclaim(name) ? json(response, { holder: "aiko@laptop" }) : json(response, { error: `Application ${name}: handed over to nobody; look at it again: it follows git`, code: 5 }, 404);
  }
  if (argo) return argoCall(url, argo[2] ?? "", request, response);
  json(response, { error: `${path}: not found`, code: 5, message: `${path}: not found` }, 404);
}

function argoCall(url: URL, call: string, request: IncomingMessage, response: ServerResponse) {
  if (call === "resource") return json(response, { manifest: JSON.stringify(manifest(url)) });
  if (call === "events") return json(response, { items: [{ metadata: { name: "e1" }, type: "Warning", reason: "BackOff", message: "Back-off restarting failed container", lastTimestamp: new Date().toISOString(), count: 14, involvedObject: { kind: "Pod", name: url.searchParams.get("resourceName") } }] });
  if (call === "resource/actions" && request.method === "GET") return json(response, { actions: [{ name: "restart", displayName: "Restart", disabled: false }, { name: "resume", displayName: "Resume", disabled: true }] });
  if (call === "logs") {
    response.writeHead(200, { "Content-Type": "application/json" });
    let n = 0;
    const line = () => response.write(`${JSON.stringify({ result: { content: said(n++), timeStampStr: new Date().toISOString(), podName: url.searchParams.get("podName") ?? `${url.searchParams.get("resourceName")}-${n % 3}` } })}\n`);
    for (let i = 0; i < 200; i++) line();
    if (url.searchParams.get("follow") !== "true") return response.end();
    const timer = setInterval(line, 100);
    response.on("close", () => clearInterval(timer));
    return;
  }
  json(response, {});
}

const lines = ["\u001b[32mINFO\u001b[0m GET /count 200 3ms", "\u001b[32mINFO\u001b[0m GET / 200 1ms", "\u001b[33mWARN\u001b[0m slow query: 412 ms", "\u001b[31mERROR\u001b[0m POST /upload: <script>alert(1)</script>: entity too large", "\u001b[2mDEBUG cache hit 受付\u001b[0m \u001b]8;;javascript:alert(1)\u0007link\u001b]8;;\u0007"];
const said = (n: number) => lines[(n * 7) % 23 % lines.length]!;

function manifest(url: URL) {
  const kind = url.searchParams.get("kind");
  const containers = [{ name: "web", image: "registry.example/web:v2", ports: [{ containerPort: 8080 }], env: [{ name: "GREETING", value: "Hello: \"you\"" }] }, { name: "proxy", image: "registry.example/proxy:v1" }];
  const crash = url.searchParams.get("resourceName")?.endsWith("-0");
  return {
    apiVersion: url.searchParams.get("version"), kind,
    metadata: { name: url.searchParams.get("resourceName"), namespace: url.searchParams.get("namespace"), labels: { app: "web", "app.kubernetes.io/part-of": "shop" }, managedFields: [{ manager: "x" }] },
    spec: kind === "Pod" ? { containers } : kind === "ConfigMap" ? undefined : { replicas: 3, template: { spec: { containers } } },
    status: kind === "Pod" ? { phase: "Running", containerStatuses: [{ name: "web", restartCount: crash ? 14 : 0, state: crash ? { waiting: { reason: "CrashLoopBackOff" } } : { running: {} } }] } : { readyReplicas: 3 },
  };
}

/** changeOf is what has changed of a rollout, as the server tells it; all pods of a lane are new where one is another. */
function changeOf(before: RolloutView, after: RolloutView): RolloutChange {
  const { namespace, name } = after;
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const plain = (v: RolloutView): Record<string, unknown> => ({ ...v, events: undefined, lanes: v.lanes.map((lane) => ({ ...lane, pods: [] })) });
  const [was, is] = [plain(before), plain(after)];
  const parts = Object.fromEntries([...new Set([...Object.keys(was), ...Object.keys(is)])].filter((k) => !same(was[k], is[k])).map((k) => [k, is[k] ?? null]));
  const had = (lane: RolloutView["lanes"][number]) => before.lanes.find((l) => l.replicaSet === lane.replicaSet)?.pods ?? [];
  const pods = Object.fromEntries(after.lanes.filter((lane) => !same(had(lane), lane.pods)).map((lane) => [lane.replicaSet, lane.pods.map((item) => ({ item }))]));
  return { namespace, name, parts, pods, events: same(before.events, after.events) ? undefined : after.events.map((item) => ({ item })) };
}

function stream(world: World, url: URL, response: ServerResponse) {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  const topics = (url.searchParams.get("topics") ?? "").split(",");
  let id = Date.now();
  let told: RolloutView | undefined;
  const send = (event: string, data: unknown) => response.write(`id: ${id++}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  const tick = () => {
    if (!world.loggedIn) return send("end", { reason: "logged out" });
    send("row", world.first());
    if (topics.includes("overview")) send("overview", world.overview());
    for (const topic of topics) {
      if (topic === "rollout:demo/request-counter") {
        const now = structuredClone(world.rollout());
        send("rollout", told ? changeOf(told, now) : now);
        told = now;
      }
      const app = /^application:([^/]+)\/(.+)$/.exec(topic);
      const row = app && world.current().find((r) => r.name === app[2]);
      if (row) send("application", { namespace: row.namespace, name: row.name, ...world.detail(row) });
    }
  };
  const timer = setInterval(tick, 1000);
  response.on("close", () => clearInterval(timer));
}
