import { type ReactNode, useId, useState } from "react";
import { Refusal } from "../../api/client";
import type { ConnectionState } from "../../api/settings";
import { CheckCircle2, CircleHelp, PlugZap, RefreshCw } from "lucide-react";
import { Button, Failure, Problem, Waiting } from "../../design/parts";
import { Ago } from "../../design/Time";
import { t } from "../../i18n";
import { Told } from "../../design/Told";

export { Ask } from "../../design/Ask";

/** Loaded shows what a query has; a call that the server does not have is said plainly. */
export function Loaded<T>({ query, children }: { query: { data: T | undefined; error: unknown; isPending: boolean; refetch: () => unknown }; children: (data: T) => ReactNode }) {
  if (query.data !== undefined) return children(query.data);
  if (query.isPending) return <Waiting />;
  if (query.error instanceof Refusal && (query.error.status === 404 || query.error.status === 501)) return <p className="card empty-note muted">{t("settings.absent")}</p>;
  return <Problem error={query.error} again={() => void query.refetch()} />;
}

/** Connection shows whether something answers, and what it said if not. */
export function Connection({ state }: { state?: ConnectionState }) {
  const status = state?.status ?? "Unknown";
  const [tone, Icon] = status === "Successful" ? (["ok", CheckCircle2] as const) : status === "Failed" ? (["bad", PlugZap] as const) : (["none", CircleHelp] as const);
  return (
    <div className="connection">
      <span className="status" data-tone={tone}>
        <Icon size={16} aria-hidden />
        {t(`settings.connection.${status}`)}
      </span>
      {state?.attemptedAt && (
        <span className="muted small">
          <Ago at={state.attemptedAt} />
        </span>
      )}
      {status !== "Successful" && state?.message && <p className="name small"><Told message={state.message} /></p>}
    </div>
  );
}

/** Line is a field of a dialog. */
export function Line({ label, hint, fault, ...input }: { label: string; hint?: string; fault?: string } & React.InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} className="input" spellCheck={false} autoCapitalize="off" autoComplete="off" aria-invalid={fault ? true : undefined} aria-describedby={`${id}-hint`} {...input} />
      <p id={`${id}-hint`} className={fault ? "fault name" : "muted small name"} data-tone={fault ? "bad" : undefined}>
        {fault ?? hint}
      </p>
    </div>
  );
}

/** Test asks now whether something answers; where nothing else shows that it does, it says so itself. */
export function Test({ label, run, tells, off }: { label: string; run: () => Promise<unknown>; tells?: boolean; off?: string }) {
  const [state, set] = useState<{ busy?: boolean; error?: unknown; done?: boolean }>({});
  return (
    <>
      <Button look={tells ? "plain" : "quiet"} aria-label={label} why={off} isPending={state.busy} icon={<RefreshCw size={15} aria-hidden />} onPress={() => {
        set({ busy: true });
        run().then(() => set({ done: true }), (error: unknown) => set({ error }));
      }}>
        {t("settings.test")}
      </Button>
      <div className="tells" role="status">
        {tells && state.busy && <span className="muted">{t("settings.testing")}</span>}
        {tells && state.done && (
          <span className="status" data-tone="ok">
            <CheckCircle2 size={16} aria-hidden />
            {t("settings.connection.Successful")}
          </span>
        )}
        {state.error !== undefined && <p className="fault small name" data-tone="bad"><Failure error={state.error} /></p>}
      </div>
    </>
  );
}
