// The line that creates the same Application from a terminal.

import { type Fields, fieldsAt, isEmpty, listAt, type Path, textAt, type Value, valueAt } from "./document";

/** Line is a command, and the fields that its flags cannot carry: with those, the manifest is the way. */
export interface Line {
  text: string;
  left: string[];
}

/** quote returns a word as a POSIX shell takes it literally. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+:,./=-]*$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

const finalizers = ["resources-finalizer.argocd.argoproj.io", "resources-finalizer.argocd.argoproj.io/background", "resources-finalizer.argocd.argoproj.io/foreground"];

type Carry = { path: string; flag: string; as?: "flag" | "pairs" | "list" | "replicas" };

// A field and the flag that sets it; what is not here is named beside the line.
const policyFlags: Carry[] = [
  { path: "syncPolicy.automated.prune", flag: "auto-prune", as: "flag" },
  { path: "syncPolicy.automated.selfHeal", flag: "self-heal", as: "flag" },
  { path: "syncPolicy.automated.allowEmpty", flag: "allow-empty", as: "flag" },
  { path: "syncPolicy.syncOptions", flag: "sync-option", as: "list" },
  { path: "syncPolicy.retry.limit", flag: "sync-retry-limit" },
  { path: "syncPolicy.retry.refresh", flag: "sync-retry-refresh", as: "flag" },
  { path: "syncPolicy.retry.backoff.duration", flag: "sync-retry-backoff-duration" },
  { path: "syncPolicy.retry.backoff.factor", flag: "sync-retry-backoff-factor" },
  { path: "syncPolicy.retry.backoff.maxDuration", flag: "sync-retry-backoff-max-duration" },
  { path: "revisionHistoryLimit", flag: "revision-history-limit" },
];
const sourceFlags: Carry[] = [
  { path: "source.kustomize.images", flag: "kustomize-image", as: "list" },
  { path: "source.kustomize.namePrefix", flag: "nameprefix" },
  { path: "source.kustomize.nameSuffix", flag: "namesuffix" },
  { path: "source.kustomize.namespace", flag: "kustomize-namespace" },
  { path: "source.kustomize.replicas", flag: "kustomize-replica", as: "replicas" },
  { path: "source.kustomize.commonLabels", flag: "kustomize-common-label", as: "pairs" },
  { path: "source.kustomize.commonAnnotations", flag: "kustomize-common-annotation", as: "pairs" },
  { path: "source.kustomize.forceCommonLabels", flag: "kustomize-force-common-label", as: "flag" },
  { path: "source.kustomize.forceCommonAnnotations", flag: "kustomize-force-common-annotation", as: "flag" },
  { path: "source.kustomize.labelWithoutSelector", flag: "kustomize-label-without-selector", as: "flag" },
  { path: "source.kustomize.labelIncludeTemplates", flag: "kustomize-label-include-templates", as: "flag" },
  { path: "source.kustomize.ignoreMissingComponents", flag: "ignore-missing-components", as: "flag" },
  { path: "source.directory.recurse", flag: "directory-recurse", as: "flag" },
  { path: "source.directory.include", flag: "directory-include" },
  { path: "source.directory.exclude", flag: "directory-exclude" },
];
const firstFlags: Carry[] = [
  { path: "project", flag: "project" },
  { path: "source.repoURL", flag: "repo" },
  { path: "source.targetRevision", flag: "revision" },
  { path: "source.path", flag: "path" },
  { path: "source.chart", flag: "helm-chart" },
  { path: "source.ref", flag: "ref" },
  { path: "destination.server", flag: "dest-server" },
  { path: "destination.name", flag: "dest-name" },
  { path: "destination.namespace", flag: "dest-namespace" },
];

/** command returns the line of a program that creates an Application, a flag a line. */
export function command(program: "cyan" | "argocd", app: Fields, home: string): Line {
  const parts = [`${program} app create ${quote(textAt(app, ["metadata", "name"]) || "NAME")}`];
  const namespace = textAt(app, ["metadata", "namespace"]);
  if (namespace !== "" && namespace !== home) parts.push(`--app-namespace ${quote(namespace)}`);
  const carried = new Set<string>(["syncPolicy.automated.enabled"]);
  const spec = fieldsAt(app, ["spec"]);
  const put = (all: Carry[]) => all.forEach((c) => carry(spec, c, parts, carried));
  put(firstFlags);
  const automated = valueAt(spec, ["syncPolicy", "automated"]);
  const on = automated !== undefined && automated !== null && valueAt(automated, ["enabled"]) !== false;
  if (on) parts.push("--sync-policy automated");
  else if (automated) carried.delete("syncPolicy.automated.enabled");
  // The flags of automation are refused by the programs where the policy is manual.
  put(on ? policyFlags : policyFlags.filter((f) => !f.path.startsWith("syncPolicy.automated.")));
  put(sourceFlags);
  const own = new Set(["name", "namespace"]);
  for (const [key, flag] of [["labels", "label"], ["annotations", "annotations"]] as const) {
    own.add(key);
    for (const [k, v] of Object.entries(fieldsAt(app, ["metadata", key]))) parts.push(`--${flag} ${quote(`${k}=${v}`)}`);
  }
  const finalizer = listAt(app, ["metadata", "finalizers"]);
  if (finalizer.length === 1 && finalizer[0] === finalizers[0]) {
    parts.push("--set-finalizer");
    own.add("finalizers");
  }
  const left = [...leaves(app["metadata"], "metadata").filter((l) => !own.has(l.split(".")[1] ?? "")).map(top), ...leaves(spec, "spec").filter((l) => ![...carried].some((c) => l === `spec.${c}` || l.startsWith(`spec.${c}.`)))];
  return { text: parts.join(" \\\n  "), left: [...new Set(left)] };
}

const top = (path: string) => path.split(".").slice(0, 2).join(".");

function carry(spec: Fields, { path, flag, as }: Carry, parts: string[], carried: Set<string>) {
  const steps: Path = path.split(".");
  const value = valueAt(spec, steps);
  if (value === undefined || value === null) return;
  carried.add(path);
  if (isEmpty(value)) return;
  if (as === "flag") {
    if (value === true) parts.push(`--${flag}`);
  } else if (as === "list") {
    for (const one of listAt(spec, steps)) parts.push(`--${flag} ${quote(one)}`);
  } else if (as === "pairs") {
    for (const [k, v] of Object.entries(fieldsAt(spec, steps))) parts.push(`--${flag} ${quote(`${k}=${String(v)}`)}`);
  } else if (as === "replicas") {
    for (const one of value as Value[]) parts.push(`--${flag} ${quote(`${textAt(one, ["name"])}=${textAt(one, ["count"])}`)}`);
  } else parts.push(`--${flag} ${quote(String(value))}`);
}

/** leaves returns the fields that hold something; a list is one. */
function leaves(value: Value | undefined, path: string): string[] {
  if (isEmpty(value)) return [];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [path];
  return Object.entries(value).flatMap(([k, v]) => leaves(v, `${path}.${k}`));
}
