// What is asked of a sync, and what its plan says.

import type { Commit, Deployment, Named, Row, Task, TreeNode } from "../../api/types";

export interface Choices {
  revision: string;
  prune: boolean;
  dryRun: boolean;
  force: boolean;
  skipHooks: boolean;
  options: string[];
  /** only is undefined where all objects are synced. */
  only?: Named[];
}

export const options = ["Replace=true", "ServerSideApply=true", "ApplyOutOfSyncOnly=true", "CreateNamespace=true", "PruneLast=true", "Validate=false"] as const;

export const usual: Choices = { revision: "", prune: false, dryRun: false, force: false, skipHooks: false, options: [] };

/** request returns the body of a sync, and of the plan of the same sync. */
export function request(row: Row, choices: Choices) {
  const { revision, prune, dryRun, force, skipHooks, only } = choices;
  return {
    appNamespace: row.namespace,
    project: row.project,
    revision: revision.trim() || undefined,
    prune,
    dryRun,
    strategy: skipHooks ? { apply: { force } } : force ? { hook: { force } } : undefined,
    resources: only?.map(({ group, kind, namespace, name }) => ({ group, kind, namespace, name })),
    syncOptions: choices.options.length > 0 ? { items: choices.options } : undefined,
  };
}

/** outOfSync returns the objects that a sync has something to do for. */
export const outOfSync = (nodes: readonly TreeNode[]) => nodes.filter((n) => n.managed && n.sync !== "Synced");

export interface Step {
  phase: string;
  wave: number;
  tasks: Task[];
}

/** steps returns tasks in the order that they are done in, those that are done together beside each other. */
export function steps(tasks: readonly Task[]): Step[] {
  const out: Step[] = [];
  for (const task of tasks) {
    if (task.action === "none") continue;
    const last = out[out.length - 1];
    if (last && last.phase === task.phase && last.wave === task.wave) last.tasks.push(task);
    else out.push({ phase: task.phase, wave: task.wave, tasks: [task] });
  }
  return out;
}

/** sums returns how many tasks do what. */
export function sums(tasks: readonly Task[]) {
  const count: Record<Task["action"] | "restarts", number> = { create: 0, change: 0, delete: 0, replace: 0, hook: 0, none: 0, restarts: 0 };
  for (const task of tasks) {
    count[task.action]++;
    if (task.restarts) count.restarts++;
  }
  return count;
}

/** kinds returns how many objects of each kind there are, the most first. */
export function kinds(nodes: readonly Named[]): [string, number][] {
  const count = new Map<string, number>();
  for (const n of nodes) count.set(n.kind, (count.get(n.kind) ?? 0) + 1);
  return [...count].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

/** compared returns where the difference between two commits is shown, for hosts of which that is known. */
export function compared(repo: string, from: string, to: string): string | undefined {
  const found = /^(?:https?:\/\/(?:[^@/]*@)?|ssh:\/\/git@|git@)([\w.-]+)(?::\d+)?[/:](.+?)(?:\.git)?\/?$/.exec(repo);
  if (!found || ![from, to].every((r) => /^[0-9a-f]{7,64}$/.test(r))) return undefined;
  const [, host, path] = found;
  if (host === "github.com") return `https://${host}/${path}/compare/${from}...${to}`;
  if (/^gitlab\./.test(host!)) return `https://${host}/${path}/-/compare/${from}...${to}`;
  if (host === "codeberg.org" || /^(?:gitea|forgejo)\./.test(host!)) return `https://${host}/${path}/compare/${from}...${to}`;
  return undefined;
}

/** liveOf returns the newest deployment of the revision that is live. */
export const liveOf = (history: readonly Deployment[], revision?: string) => history.find((h) => h.revision === revision);

/** madeOf returns the commit that people made: the one that was built, where what is deployed only sets its image. */
export const madeOf = (deployed: Written & { source?: Commit }): Written => deployed.source ?? deployed;

type Written = Pick<Commit, "author" | "message">;
