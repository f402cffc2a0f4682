// What an AppProject permits, as statements: nothing is left to be read out of a mere absence.

import type { KindPattern, Project } from "../../api/settings";

export interface Statement {
  allows: boolean;
  word: "reposNone" | "reposAny" | "repo" | "notRepo" | "placesNone" | "placeAny" | "place" | "notPlace" | "clusterKindsNone" | "clusterKindsAny" | "clusterKind" | "notClusterKind" | "kindsAny" | "kind" | "notKind" | "namespace";
  values?: { what: string; where?: string };
}

const kindOf = (k: KindPattern) => `${k.group === "" ? "" : `${k.group}/`}${k.kind}${k.name ? ` ${k.name}` : ""}`;
const any = (k: KindPattern) => k.group === "*" && k.kind === "*" && !k.name;

/** from returns from where a project's Applications may deploy. */
export function from(spec: Project["spec"]): Statement[] {
  const repos = spec.sourceRepos ?? [];
  const allowed = repos.filter((r) => !r.startsWith("!"));
  const said: Statement[] = allowed.length === 0 ? [{ allows: false, word: "reposNone" }] : allowed.map((what) => (what === "*" ? { allows: true, word: "reposAny" } : { allows: true, word: "repo", values: { what } }));
  return [...said, ...repos.filter((r) => r.startsWith("!")).map((r): Statement => ({ allows: false, word: "notRepo", values: { what: r.slice(1) } }))];
}

/** to returns to where they may deploy. */
export function to(spec: Project["spec"]): Statement[] {
  const all = spec.destinations ?? [];
  const place = (d: (typeof all)[number]) => ({ cluster: d.name || d.server || "*", namespace: d.namespace || "*" });
  const denied = (d: (typeof all)[number]) => [d.server, d.name, d.namespace].some((v) => v?.startsWith("!"));
  const said = all.map((d): Statement => {
    const { cluster, namespace } = place(d);
    const values = { what: namespace.replace(/^!/, ""), where: cluster.replace(/^!/, "") };
    if (denied(d)) return { allows: false, word: "notPlace", values };
    return cluster === "*" && namespace === "*" ? { allows: true, word: "placeAny" } : { allows: true, word: "place", values };
  });
  return said.some((s) => s.allows) ? [...said.filter((s) => s.allows), ...said.filter((s) => !s.allows)] : [{ allows: false, word: "placesNone" }, ...said];
}

/** what returns which kinds of objects they may deploy: of those without a namespace none unless they are named, of the others all unless they are. */
export function what(spec: Project["spec"]): Statement[] {
  const said: Statement[] = [];
  const cluster = spec.clusterResourceWhitelist ?? [];
  if (cluster.length === 0) said.push({ allows: false, word: "clusterKindsNone" });
  for (const k of cluster) said.push(any(k) ? { allows: true, word: "clusterKindsAny" } : { allows: true, word: "clusterKind", values: { what: kindOf(k) } });
  for (const k of spec.clusterResourceBlacklist ?? []) said.push({ allows: false, word: "notClusterKind", values: { what: kindOf(k) } });
  const namespaced = spec.namespaceResourceWhitelist ?? [];
  if (namespaced.length === 0 || namespaced.some(any)) said.push({ allows: true, word: "kindsAny" });
  else for (const k of namespaced) said.push({ allows: true, word: "kind", values: { what: kindOf(k) } });
  for (const k of spec.namespaceResourceBlacklist ?? []) said.push({ allows: false, word: "notKind", values: { what: kindOf(k) } });
  return said;
}

/** who returns the namespaces, beside that of the server, whose Applications may use the project. */
export const who = (spec: Project["spec"]): Statement[] => (spec.sourceNamespaces ?? []).map((w) => ({ allows: true, word: "namespace", values: { what: w } }));

/** policyOf returns the parts of a line of a policy; nothing, where it is not one. */
export function policyOf(line: string): { resource: string; action: string; object: string; allows: boolean } | undefined {
  const [p, , resource, action, object, effect] = line.split(",").map((part) => part.trim());
  return p === "p" && resource && action && object && effect ? { resource, action, object, allows: effect === "allow" } : undefined;
}

/** secondsOf returns a span that people type: 90d, 12h, 30m; 0 is for ever, undefined is nothing that can be read. */
export function secondsOf(text: string): number | undefined {
  if (text.trim() === "") return 0;
  const found = /^(\d{1,6})\s*(d|h|m|s)$/.exec(text.trim());
  return found ? Number(found[1]) * { d: 86_400, h: 3600, m: 60, s: 1 }[found[2] as "d"] : undefined;
}

const shouldBe = { repos: "repositories", account: "account", "user-info": "account", certs: "repositories" } as Record<string, string>;

export const sections = ["repositories", "clusters", "projects", "windows", "accounts", "account", "roles", "config", "about"] as const;
export type Section = (typeof sections)[number];

/** sectionOf returns the section of an address, those that people have bookmarked among them. */
export function sectionOf(path: string | undefined): Section {
  return sections.find((s) => s === nameOf(path)) ?? "repositories";
}

const nameOf = (path: string | undefined) => (path !== undefined && Object.hasOwn(shouldBe, path) ? shouldBe[path] : path);

/** isSection reports whether there is a section at an address; without a name there is the first. */
export const isSection = (path: string | undefined) => path === undefined || (sections as readonly (string | undefined)[]).includes(nameOf(path));
