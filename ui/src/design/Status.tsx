import type { ReactNode } from "react";
import { ArrowUpCircle, Check, CheckCircle2, CircleDashed, CircleHelp, CirclePause, Hand, LoaderCircle, type LucideIcon, OctagonAlert, PlugZap, RefreshCw, TriangleAlert, Truck } from "lucide-react";
import { word } from "../i18n";
import "./status.css";

type Tone = "ok" | "busy" | "warn" | "bad" | "still" | "none";
type Look = { icon: LucideIcon; tone: Tone; turns?: boolean };

// A state is never told by its colour alone: each has a shape and a word too.
const looks: Record<string, Look> = {
  "health.Healthy": { icon: CheckCircle2, tone: "ok" },
  "health.Progressing": { icon: LoaderCircle, tone: "busy", turns: true },
  "health.Degraded": { icon: TriangleAlert, tone: "bad" },
  "health.Suspended": { icon: CirclePause, tone: "still" },
  "health.Missing": { icon: CircleDashed, tone: "warn" },
  "health.Unknown": { icon: CircleHelp, tone: "none" },
  "sync.Synced": { icon: Check, tone: "ok" },
  "sync.OutOfSync": { icon: ArrowUpCircle, tone: "warn" },
  "sync.Unknown": { icon: CircleHelp, tone: "none" },
  "phase.Running": { icon: RefreshCw, tone: "busy", turns: true },
  "phase.Succeeded": { icon: Check, tone: "ok" },
  "phase.Failed": { icon: OctagonAlert, tone: "bad" },
  "phase.Error": { icon: OctagonAlert, tone: "bad" },
  "phase.Terminating": { icon: RefreshCw, tone: "warn", turns: true },
  "rollout.Healthy": { icon: CheckCircle2, tone: "ok" },
  "rollout.Progressing": { icon: LoaderCircle, tone: "busy", turns: true },
  "rollout.Paused": { icon: CirclePause, tone: "still" },
  "rollout.Degraded": { icon: TriangleAlert, tone: "bad" },
  "reason.Failed": { icon: OctagonAlert, tone: "bad" },
  "reason.Stuck": { icon: Hand, tone: "warn" },
  "reason.Paused": { icon: CirclePause, tone: "still" },
  "reason.AwaitingPromotion": { icon: Hand, tone: "still" },
  "reason.Degraded": { icon: TriangleAlert, tone: "bad" },
  "reason.InvalidSpec": { icon: OctagonAlert, tone: "bad" },
  "reason.Unreachable": { icon: PlugZap, tone: "bad" },
  "delivery.Running": { icon: Truck, tone: "busy" },
  "delivery.Waiting": { icon: Hand, tone: "still" },
  "delivery.Done": { icon: CheckCircle2, tone: "ok" },
  "delivery.Replaced": { icon: Check, tone: "none" },
  "delivery.Failed": { icon: OctagonAlert, tone: "bad" },
  "delivery.Superseded": { icon: CircleDashed, tone: "none" },
  "state.done": { icon: Check, tone: "ok" },
  "state.running": { icon: LoaderCircle, tone: "busy", turns: true },
  "state.waiting": { icon: Hand, tone: "still" },
  "state.failed": { icon: OctagonAlert, tone: "bad" },
  "state.skipped": { icon: CircleDashed, tone: "none" },
  "state.unknown": { icon: CircleHelp, tone: "none" },
};

export type Kind = "health" | "sync" | "phase" | "rollout" | "reason" | "delivery" | "state";

export const toneOf = (kind: Kind, value: string): Tone => looks[`${kind}.${value}`]?.tone ?? "none";

/** icons are made once for all that show the same state. */
const icons = new Map<LucideIcon, ReactNode>();

function iconOf(Icon: LucideIcon): ReactNode {
  const have = icons.get(Icon);
  if (have) return have;
  const made = <Icon aria-hidden size={16} strokeWidth={2.2} />;
  icons.set(Icon, made);
  return made;
}

/** Status shows a state as shape, word and colour; with icon alone the word is there for who does not see it. */
export function Status({ kind, value, bare, title }: { kind: Kind; value: string; bare?: boolean; title?: string }) {
  const look = looks[`${kind}.${value}`] ?? { icon: CircleHelp, tone: "none" as Tone };
  const name = word(kind, value);
  return (
    <span className="status" data-tone={look.tone} data-turns={look.turns || undefined} title={title ?? (bare ? name : undefined)}>
      {iconOf(look.icon)}
      <span className={bare ? "unseen" : undefined}>{name}</span>
    </span>
  );
}
