// What the pretended world answers to the form of an Application and to the settings.

import type { Account, ClusterInfo, Preview, Project, Repository, RepositoryTree, RightsView, ServerSettings, SettingsView } from "../src/api/settings";

const iso = (secondsAgo: number) => new Date(Date.now() - secondsAgo * 1000).toISOString();
const unix = (secondsAgo: number) => Math.floor(Date.now() / 1000 - secondsAgo);

type Answer = { status?: number; body: unknown };
type Fields = Record<string, unknown>;
const fault = (status: number, message: string, code = 3): Answer => ({ status, body: { error: message, code, message } });

export class Settings {
  readonly repositories: Repository[] = [
    { repo: "https://git.example/shop/deploy.git", type: "git", name: "shop", project: "shop", username: "bot", connectionState: { status: "Successful", attemptedAt: iso(40) } },
    { repo: "git@git.example:core/deploy.git", type: "git", name: "core", connectionState: { status: "Successful", attemptedAt: iso(75) } },
    { repo: "https://git.example/old/site.git", type: "git", connectionState: { status: "Failed", message: "https://git.example/old/site.git: authentication failed; give a token that may read it", attemptedAt: iso(20) } },
    { repo: `https://git.example/${"a-very-long-name-of-a-repository/".repeat(4)}deploy.git`, type: "git", inheritedCreds: true, connectionState: { status: "Unknown", message: "not tried yet" } },
  ];
  readonly clusters: ClusterInfo[] = [
    { server: "https://kubernetes.default.svc", name: "in-cluster", info: { connectionState: { status: "Successful", attemptedAt: iso(4) }, serverVersion: "1.35", applicationsCount: 48 } },
    { server: "https://10.20.0.1:6443", name: "tokyo", namespaces: ["shop", "shop-preview"], project: "shop", info: { connectionState: { status: "Failed", message: "https://10.20.0.1:6443: connection refused; see whether the API server runs", attemptedAt: iso(31) }, applicationsCount: 12 } },
  ];
  readonly projects: Project[] = [
    { metadata: { name: "default", namespace: "argocd", resourceVersion: "1" }, spec: { sourceRepos: ["*"], destinations: [{ server: "*", namespace: "*" }], clusterResourceWhitelist: [{ group: "*", kind: "*" }] } },
    {
      metadata: { name: "shop", namespace: "argocd", resourceVersion: "2" },
      spec: {
        description: "The shop and what it needs <script>alert(1)</script>", sourceRepos: ["https://git.example/shop/*", "!https://git.example/shop/secret.git"], destinations: [{ server: "https://kubernetes.default.svc", namespace: "shop-*" }, { name: "tokyo", namespace: "shop" }, { server: "*", namespace: "!kube-system" }],
        clusterResourceWhitelist: [{ group: "", kind: "Namespace" }], namespaceResourceBlacklist: [{ group: "", kind: "ResourceQuota" }], sourceNamespaces: ["team-shop"],
        syncWindows: [{ kind: "deny", schedule: "0 22 * * 5", duration: "60h", applications: ["*"], manualSync: true, timeZone: "Asia/Tokyo", description: "Nothing changes at the weekend" }, { kind: "allow", schedule: "0 9 * * 1-5", duration: "8h", namespaces: ["shop-production"], clusters: ["tokyo"] }],
        roles: [{ name: "deployer", description: "CI of the shop", policies: ["p, proj:shop:deployer, applications, sync, shop/*, allow", "p, proj:shop:deployer, applications, get, shop/*, allow"], groups: ["shop-developers"] }, { name: "reader", policies: ["p, proj:shop:reader, applications, get, shop/*, allow"] }],
      },
      status: { jwtTokensByRole: { deployer: { items: [{ iat: unix(86_400 * 20), exp: unix(-86_400 * 10), id: "ci" }] } } },
    },
    { metadata: { name: "core", namespace: "argocd", resourceVersion: "3" }, spec: { description: "Platform", sourceRepos: [], destinations: [] } },
  ];
  readonly accounts: Account[] = [
    { name: "admin", enabled: true, capabilities: ["login"], tokens: [] },
    { name: "ci", enabled: true, capabilities: ["apiKey"], tokens: [{ id: "pipeline", issuedAt: unix(86_400 * 3), expiresAt: unix(-86_400 * 27) }, { id: "for-ever-and-ever", issuedAt: unix(86_400 * 400) }, { id: "old", issuedAt: unix(86_400 * 90), expiresAt: unix(3600) }] },
    { name: "aiko", enabled: true, capabilities: ["login", "apiKey"], tokens: [] },
    { name: "gone", enabled: false, capabilities: ["login"], tokens: [] },
  ];
  readonly versions = new Map<string, { app: Fields; version: number }>();

  tree(repo: string): RepositoryTree {
    return { branches: ["main", "develop", "feature/灯り"], tags: ["v1.4.0", "v1.3.2", "v1.3.1"], folders: [...["shop", "mail", "search"].flatMap((a) => [`apps/${a}/base`, `apps/${a}/overlays/production`, `apps/${a}/overlays/preview`].map((path) => ({ path, type: "Kustomize" }))), { path: "plain", type: "Directory" }, { path: repo.includes("core") ? "core" : "extras/dashboards", type: "Directory" }] };
  }

  preview(app: Fields): Answer {
    const spec = (app["spec"] ?? {}) as { source?: { path?: string; repoURL?: string }; destination?: { namespace?: string } };
    const path = spec.source?.path ?? "";
    if (path === "nowhere") return fault(400, `spec.source.path: ${path}: not found in ${spec.source?.repoURL} at HEAD; choose a folder that is there`);
    const namespace = spec.destination?.namespace || "default";
    const name = path.split("/")[1] ?? "web";
    const yaml = (kind: string, version: string, rest: string) => `apiVersion: ${version}\nkind: ${kind}\nmetadata:\n  name: ${name}\n  namespace: ${namespace}\n${rest}`;
    const body: Preview = {
      objects: [
        { group: "", kind: "Service", namespace, name, yaml: yaml("Service", "v1", "spec:\n  ports:\n    - port: 80\n  selector:\n    app: web\n") },
        { group: "", kind: "Service", namespace, name: `${name}-preview`, yaml: yaml("Service", "v1", "spec:\n  ports:\n    - port: 80\n") },
        { group: "", kind: "Secret", namespace, name, yaml: yaml("Secret", "v1", "data:\n  password: ++++++++\n") },
        { group: "argoproj.io", kind: "Rollout", namespace, name, yaml: yaml("Rollout", "argoproj.io/v1alpha1", `spec:\n  replicas: 3\n  strategy:\n    blueGreen:\n      activeService: ${name}\n      previewService: ${name}-preview\n`) },
      ],
      findings: path.startsWith("plain") ? [] : [{ object: `Rollout ${name}`, message: "spec.strategy.blueGreen.autoPromotionEnabled: not set; a switch happens as soon as the preview is ready", severity: "warning" }, ...(namespace === "kube-system" ? [{ message: `spec.destination.namespace: ${namespace}: not permitted by AppProject shop; choose another`, severity: "error" }] : [])],
    };
    return { body };
  }

  create(app: Fields, exists: (name: string) => boolean): Answer {
    const { metadata, spec } = app as { metadata?: { name?: string; namespace?: string }; spec?: { project?: string } };
    if (exists(metadata?.name ?? "")) return fault(400, "existing application spec is different, use upsert flag to force update");
    if (!this.projects.some((p) => p.metadata.name === spec?.project)) return fault(400, `spec.project: AppProject ${spec?.project}: not found; create it, or name one that is there`);
    return { body: { ...app, metadata: { ...metadata, namespace: metadata?.namespace ?? "argocd" } } };
  }

  stored(name: string, first: () => Fields): { app: Fields; version: number } {
    const now = this.versions.get(name) ?? { app: first(), version: 100 };
    this.versions.set(name, now);
    return now;
  }

  rights(subject: string): RightsView {
    const admin = subject === "admin";
    const rows: RightsView["rows"] = [];
    for (const [resource, actions] of Object.entries({ applications: ["get", "create", "update", "delete", "sync", "override", "rollback", "action"], logs: ["get"], projects: ["get", "update"], repositories: ["get", "create", "delete"], clusters: ["get", "create", "delete"], accounts: ["get", "update"] })) {
      for (const action of actions) {
        if (admin) rows.push({ resource, action, object: "*", effect: "allow", by: `p, role:admin, ${resource}, ${action}, */*, allow`, from: "built in" });
        else if (action === "get" && resource !== "logs") rows.push({ resource, action, object: "*", effect: "allow", by: `p, role:readonly, ${resource}, get, *, allow`, from: "argocd-rbac-cm policy.default" });
        else if (action === "sync") rows.push({ resource, action, object: "shop/*", effect: "allow", by: "p, proj:shop:deployer, applications, sync, shop/*, allow", from: "AppProject shop" }, { resource, action, object: "shop/payments", effect: "deny", by: "p, role:developer, applications, sync, shop/payments, deny", from: "argocd-rbac-cm policy.csv:7" });
        else rows.push({ resource, action, object: "*", effect: "none" });
      }
    }
    return { subject, roles: admin ? ["role:admin"] : ["role:readonly", "role:developer", "proj:shop:deployer"], rows, findings: [{ message: "argocd-rbac-cm policy.csv line 12: p, group:x, exec, create, */*, allow: exec is not served; the line has no effect", severity: "warning" }] };
  }

  view(): SettingsView {
    return {
      version: "v0.0.0-pretended", kubernetes: "v1.35.1", home: "argocd",
      maps: [
        { name: "argocd-cm", found: true, keys: [{ key: "url", value: "https://cyan.example", state: "inForce", meaning: "where an issuer sends people back to; a name that a server on loopback answers to" }, { key: "oidc.config", value: "name: GitHub\nissuer: https://id.example\nclientID: cyan", state: "inForce", meaning: "people log in by the issuer, with PKCE, and its tokens are verified; what of it is not served is named in the log at start" }, { key: "exec.enabled", value: "true", state: "notServed", meaning: "nobody gets a shell by Cyan" }, { key: "kustomize.buildOptions", value: "--enable-helm", state: "notServed", meaning: "the kustomize that is built in is used, without options; remove it" }, { key: "timeout.reconcilation", value: "60s", state: "unknown", meaning: "unknown key; did you mean timeout.reconciliation?" }] },
        { name: "argocd-rbac-cm", found: true, keys: [{ key: "policy.csv", value: "p, role:developer, applications, sync, shop/*, allow\ng, shop-developers, role:developer", state: "inForce", meaning: "who may do what" }, { key: "policy.default", value: "role:readonly", state: "inForce", meaning: "what everybody may who is logged in" }] },
        { name: "argocd-cmd-params-cm", found: false, keys: [] },
      ],
      doctor: [{ name: "git", state: "ok", message: "git 2.39.5" }, { name: "Definitions", state: "ok", message: "Application, AppProject, Rollout are served" }, { name: "NetworkPolicy", state: "warning", message: "Namespace argocd: no NetworkPolicy; others in the cluster reach the server", remedy: "apply one that lets the ingress in alone" }],
    };
  }

  /** answer returns what is answered to a call, or nothing, if the call is another's. */
  answer(method: string, url: URL, body: Fields, exists: (name: string) => boolean, manifest: (name: string) => Fields): Answer | undefined {
    const path = decodeURIComponent(url.pathname).replace(/^\/api\/v1\//, "");
    const q = (name: string) => url.searchParams.get(name) ?? "";
    const [first = "", ...rest] = path.split("/");
    const id = rest.join("/");
    if (path === "settings") return { body: { url: "https://cyan.example", controllerNamespace: "argocd", passwordPattern: "^.{8,32}$" } satisfies ServerSettings };
    if (path === "view/settings") return { body: this.view() };
    if (path === "view/rights") return { body: this.rights(q("subject")) };
    if (path === "view/preview") return this.preview(body);
    if (path === "view/repositories/tree") return q("repo").includes("old/site") || !/[:/]/.test(q("repo")) ? fault(400, `${q("repo")}: authentication failed; give credentials in the settings`) : { body: this.tree(q("repo")) };
    if (path === "applications" && method === "POST") return this.create(body, exists);
    if (first === "applications" && rest.length === 1) return this.application(method, id, body, manifest);
    if (first === "repositories") return this.repository(method, id, body);
    if (first === "clusters") return this.cluster(method, id, body);
    if (first === "projects") return this.project(method, rest, body, url);
    if (first === "account") return this.account(method, rest, body);
    return undefined;
  }

  private application(method: string, name: string, body: Fields, manifest: (name: string) => Fields): Answer | undefined {
    if (method !== "GET" && method !== "PUT") return undefined;
    const now = this.stored(name, () => manifest(name));
    if (method === "PUT") {
      if (name.endsWith("-2") && now.version === 100) {
        now.version++;
        (now.app["spec"] as Fields)["revisionHistoryLimit"] = 5;
        return fault(409, `Application ${name}: changed meanwhile; read it again`, 10);
      }
      now.app = body;
      now.version++;
    }
    return { body: { ...now.app, metadata: { ...(now.app["metadata"] as Fields), resourceVersion: String(now.version) }, status: {} } };
  }

  private repository(method: string, id: string, body: Fields): Answer {
    const at = this.repositories.findIndex((r) => r.repo === id);
    if (id.endsWith("/validate") || id === "validate") return String(body["repo"] ?? id).includes("wrong") ? fault(400, "authentication failed; give a token that may read it") : { body: {} };
    if (method === "POST") {
      const made = { repo: String(body["repo"]), name: String(body["name"] ?? ""), project: String(body["project"] ?? ""), type: "git", connectionState: { status: "Successful", attemptedAt: iso(0) } } as Repository;
      if (made.repo.includes("wrong")) return fault(400, `${made.repo}: authentication failed; give a token that may read it`);
      this.repositories.push(made);
      return { body: made };
    }
    if (method === "DELETE" && at >= 0) this.repositories.splice(at, 1);
    return { body: id && method === "GET" ? this.repositories[at] : { items: this.repositories } };
  }

  private cluster(method: string, id: string, body: Fields): Answer {
    const of = id.replace(/\/invalidate-cache$/, "");
    const at = this.clusters.findIndex((c) => c.server === of || c.name === of);
    const answers = { connectionState: { status: "Successful" as const, attemptedAt: iso(0) }, serverVersion: "1.35", applicationsCount: 0 };
    if (method === "POST" && !id) {
      const server = String(body["server"]);
      if (server.includes("wrong")) return fault(400, `cluster ${server}: connection refused; correct its server and config`);
      this.clusters.push({ server, name: String(body["name"]), namespaces: body["namespaces"] as string[], project: body["project"] as string | undefined, info: answers });
      return { body: this.clusters.at(-1) };
    }
    if (method === "PUT" && at >= 0) Object.assign(this.clusters[at]!, { name: body["name"], namespaces: body["namespaces"], project: body["project"] });
    if (method === "DELETE" && at >= 0) this.clusters.splice(at, 1);
    return { body: id ? (this.clusters[at] ?? {}) : { items: this.clusters } };
  }

  private project(method: string, [name = "", part, role, token]: string[], body: Fields, url: URL): Answer {
    const at = this.projects.findIndex((p) => p.metadata.name === name);
    if (part === "roles" && role && token === "token" && method === "POST") return { body: { token: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJwcm9qOnNob3A6ZGVwbG95ZXIifQ.cHJldGVuZGVk" } };
    if (method === "POST" && !name) this.projects.push({ ...(body["project"] as Project) });
    if (method === "PUT" && at >= 0) this.projects[at] = body["project"] as Project;
    if (method === "DELETE" && at >= 0 && !part) this.projects.splice(at, 1);
    return { body: name ? (this.projects[at] ?? {}) : { items: this.projects, of: url.pathname } };
  }

  private account(method: string, [name = "", part, id]: string[], body: Fields): Answer {
    if (name === "password") return body["currentPassword"] === "wrong" ? fault(400, "current password: wrong; try again") : { body: {} };
    const of = this.accounts.find((a) => a.name === name);
    if (of && part === "token" && method === "POST") {
      of.tokens = [...(of.tokens ?? []), { id: String(body["id"] || `t${of.tokens?.length ?? 0}`), issuedAt: unix(0), expiresAt: body["expiresIn"] ? unix(-Number(body["expiresIn"])) : undefined }];
      return { body: { token: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJjaTphcGlLZXkifQ.cHJldGVuZGVk" } };
    }
    if (of && part === "token" && method === "DELETE") of.tokens = (of.tokens ?? []).filter((x) => x.id !== id);
    return { body: name ? (of ?? {}) : { items: this.accounts } };
  }
}
