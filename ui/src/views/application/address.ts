// What an address of an application's view says, in the words that Argo CD's addresses have.

import type { Deployment, Named, TreeNode } from "../../api/types";
import { list, type Search } from "../../shell/search";
import { type Facet, facets, type Filter } from "./tree";

export const views = ["tree", "list", "pods", "network"] as const;
export type View = (typeof views)[number];

export const viewOf = (search: Search): View => views.find((v) => v === search.view) ?? "tree";

/** nodeKey returns an object as an address names it. */
export const nodeKey = (n: Named) => `${n.group}/${n.kind}/${n.namespace ?? ""}/${n.name}`;

/** named returns the object that an address names: group/Kind/namespace/name, with or without a part of a number. */
export function named(text: string | undefined): Named | undefined {
  const parts = (text ?? "").split("/");
  if (parts.length < 4 || !parts[1] || !parts[3]) return undefined;
  return { group: parts[0]!, kind: parts[1], namespace: parts[2] || undefined, name: parts[3] };
}

/** nodeOf returns the node of an object. */
export const nodeOf = (nodes: readonly TreeNode[], wanted: Named | undefined) =>
  wanted && nodes.find((n) => n.name === wanted.name && n.kind === wanted.kind && n.group === wanted.group && (n.namespace ?? "") === (wanted.namespace ?? ""));

/** history is what an address has where the history is open and no deployment of it is chosen. Deployments count from 0. */
export const history = "0";

/** deploymentKey returns a deployment as an address names it. */
export const deploymentKey = (d: Pick<Deployment, "id">) => `deployment-${d.id}`;

/** deploymentOf returns the deployment that an address names. */
export const deploymentOf = <D extends Pick<Deployment, "id">>(all: readonly D[], wanted: string) => all.find((d) => deploymentKey(d) === wanted);

/** filterOf returns what an address narrows to: resource=kind:Pod,health:Degraded,sync:OutOfSync,name:web and search=words. */
export function filterOf(search: Search): Filter {
  const of: Record<string, string[]> = {};
  for (const part of list(search.resource)) {
    const [name, ...rest] = part.split(":");
    (of[name!] ??= []).push(rest.join(":"));
  }
  const words = [...(of.name ?? []), ...(search.search ?? "").split(/\s+/)].map((w) => w.toLowerCase()).filter(Boolean);
  return { words, kind: of.kind ?? [], health: of.health ?? [], sync: of.sync ?? [], quiet: search.quiet === "true" };
}

/** withFacet returns the parameter with other values of one facet. */
export function withFacet(search: Search, facet: Facet, values: string[]): string | undefined {
  const others = list(search.resource).filter((p) => !p.startsWith(`${facet}:`));
  const all = [...others, ...values.map((v) => `${facet}:${v}`)];
  return all.length === 0 ? undefined : all.join(",");
}

/** cleared is a search without what narrows. */
export const cleared: Search = { resource: undefined, search: undefined };

export const narrowed = (search: Search) => facets.some((f) => filterOf(search)[f].length > 0) || filterOf(search).words.length > 0;
