import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ArrowRight, CircleDashed, Minus, Pencil, Plus, Replace, Zap } from "lucide-react";
import { useEffect, useState } from "react";
import { post } from "../../api/client";
import type { Plan, Row, Task } from "../../api/types";
import { Button, Problem, short, Waiting } from "../../design/parts";
import { t } from "../../i18n";
import { viewPath } from "./calls";
import { Fields } from "./Difference";
import { steps, sums } from "./sync";
import { Told } from "../../design/Told";

/** usePlan asks what a sync would do; what is chosen quickly after one another is asked once. */
export function usePlan(row: Row, body: object) {
  const text = JSON.stringify(body);
  const [asked, ask] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => ask(text), 350);
    return () => clearTimeout(timer);
  }, [text]);
  const plan = useQuery({ queryKey: ["plan", row.namespace, row.name, asked], queryFn: () => post<Plan>(`${viewPath(row)}/plan`, JSON.parse(asked)), gcTime: 0, staleTime: 5000, placeholderData: keepPreviousData });
  return { ...plan, settled: asked === text && !plan.isFetching };
}

const icons: Record<Task["action"], typeof Plus> = { create: Plus, change: Pencil, delete: Minus, replace: Replace, hook: Zap, none: CircleDashed };
const tones: Record<Task["action"], string> = { create: "ok", change: "busy", delete: "bad", replace: "warn", hook: "still", none: "none" };

/** Preview is exactly what a sync will do, wave by wave. */
export function Preview({ plan }: { plan: ReturnType<typeof usePlan> }) {
  if (plan.isPending) return <Waiting />;
  if (!plan.data) return <Problem error={plan.error} again={() => void plan.refetch()} />;
  const { tasks, findings, refusals, revision } = plan.data;
  const counts = sums(tasks);
  const all = steps(tasks);
  return (
    <div className="plan" aria-busy={!plan.settled || undefined}>
      {refusals.map((r) => (
        <p key={r} className="notice name" data-tone="bad" role="alert">
          <strong>{t("app.plan.refused")}</strong> <Told message={r} />
        </p>
      ))}
      <p className="plan-sum">
        <code>{short(revision)}</code>
        {(["create", "change", "replace", "delete", "hook"] as const)
          .filter((a) => counts[a] > 0)
          .map((a) => (
            <span key={a} className="chip" data-tone={tones[a]}>
              {t(`app.plan.sum.${a}`, { count: counts[a] })}
            </span>
          ))}
        {counts.none > 0 && <span className="muted">{t("app.plan.sum.none", { count: counts.none })}</span>}
      </p>
      {counts.restarts > 0 && (
        <p className="notice" data-tone="warn">
          {t("app.plan.restarts", { count: counts.restarts })}
        </p>
      )}
      {all.length === 0 && refusals.length === 0 && <p className="muted">{t("app.plan.nothing")}</p>}
      {findings.map((f, i) => (
        <p key={i} className="notice name" data-tone={f.severity === "error" ? "bad" : "warn"}>
          {f.object && <strong>{f.object}: </strong>}
          <Told message={f.message} />
        </p>
      ))}
      <ol className="steps">
        {all.map((s, i) => (
          <li key={i}>
            <h3>
              {s.phase} <span className="muted">{t("app.plan.wave", { wave: s.wave })}</span>
            </h3>
            <Tasks tasks={s.tasks} />
          </li>
        ))}
      </ol>
    </div>
  );
}

const most = 100;

function Tasks({ tasks }: { tasks: Task[] }) {
  const [all, set] = useState(false);
  return (
    <ul>
      {tasks.slice(0, all ? tasks.length : most).map((task) => (
        <One key={`${task.group}/${task.kind}/${task.namespace}/${task.name}/${task.action}`} task={task} />
      ))}
      {tasks.length > most && !all && (
        <li>
          <Button look="quiet" onPress={() => set(true)}>
            {t("more", { count: tasks.length - most })}
          </Button>
        </li>
      )}
    </ul>
  );
}

function One({ task }: { task: Task }) {
  const Icon = icons[task.action];
  const head = (
    <>
      <span className="status" data-tone={tones[task.action]}>
        <Icon size={15} aria-hidden /> {t(`app.plan.${task.action}`)}
      </span>
      <span className="o-kind">{task.kind}</span>
      <span className="name">{task.name}</span>
      {task.restarts && (
        <span className="chip" data-tone="warn">
          {t("app.plan.restart")}
        </span>
      )}
      {task.changes.length > 0 && <span className="muted small">{t("app.plan.fields", { count: task.changes.length })}</span>}
    </>
  );
  return (
    <li className="task">
      {task.changes.length > 0 ? (
        <details>
          <summary>
            <ArrowRight size={14} aria-hidden className="marker" />
            {head}
          </summary>
          <Fields changes={task.changes} />
        </details>
      ) : (
        <div className="task-line">{head}</div>
      )}
      {task.note && (
        <p className="muted small name">
          <Told message={task.note} />
        </p>
      )}
    </li>
  );
}
