import { useQueryClient } from "@tanstack/react-query";
import { CircleFadingArrowUp, CirclePause, CirclePlay, CircleX, Container, History, RefreshCcw, RotateCcw, Rocket, type LucideIcon } from "lucide-react";
import { type FormEvent, type ReactNode, useId, useState } from "react";
import { post } from "../../api/client";
import { rolloutQuery, rolloutsQuery } from "../../api/queries";
import type { RolloutView, Verb } from "../../api/types";
import { Button, Dialog, Hint } from "../../design/parts";
import { t } from "../../i18n";
import { announce } from "../../shell/Frame";
import { deniedOf } from "./offered";
import { newest, tagOf } from "./picture";
import { inLanguage } from "../../i18n/said";
import { failure } from "../../i18n/said";

const icons: Record<Verb, LucideIcon> = { promote: CircleFadingArrowUp, "promote-full": Rocket, abort: CircleX, retry: RotateCcw, undo: History, pause: CirclePause, resume: CirclePlay, restart: RefreshCcw, "set-image": Container };

/** surely are the actions that are asked for twice: what they do is not taken back by another button. */
const surely: readonly Verb[] = ["promote-full", "abort", "undo", "restart", "set-image"];

export type Body = { full?: boolean; toRevision?: number; container?: string; image?: string };

/** useAsk returns how an action of a rollout is asked for, and what became of it. */
export function useAsk(view: RolloutView) {
  const queries = useQueryClient();
  const [busy, setBusy] = useState<Verb>();
  const [problem, setProblem] = useState<string>();
  const ask = async (verb: Verb, body: Body = {}): Promise<boolean> => {
    setBusy(verb);
    setProblem(undefined);
    const path = `api/v1/rollouts/${encodeURIComponent(view.namespace)}/${encodeURIComponent(view.name)}/${verb === "promote-full" ? "promote" : verb}`;
    try {
      const after = await post<RolloutView | undefined>(path, verb === "promote-full" ? { ...body, full: true } : body);
      // What follows from it, such as the switch, is said after it and instead of it.
      announce(t("rollout.asked", { action: t(`rollout.do.${verb}`), name: view.name }));
      if (after?.lanes) queries.setQueryData(rolloutQuery(view.namespace, view.name).queryKey, after);
      else void queries.invalidateQueries({ queryKey: rolloutQuery(view.namespace, view.name).queryKey });
      void queries.invalidateQueries({ queryKey: rolloutsQuery.queryKey });
      return true;
    } catch (error) {
      setProblem(t("rollout.refused", { action: t(`rollout.do.${verb}`), message: failure(error) }));
      return false;
    } finally {
      setBusy(undefined);
    }
  };
  return { ask, busy, problem };
}

type Action = RolloutView["actions"][number];

/** effectOf returns what an action will do. */
export const effectOf = (action: Action) => inLanguage(action.effect, action.effectSaid).text;

/** whyNot returns why an action cannot be asked for; undefined when it can. Who lacks the right to it is told which. */
export function whyNot(action: Action): string | undefined {
  const denied = deniedOf(action);
  if (denied) return t("denied", { right: denied });
  return action.enabled ? undefined : inLanguage(action.reason ?? "", action.reasonSaid).text;
}

/** Act is the button of one action. */
export function Act({ view, name, look = "quiet", asking, small }: { view: RolloutView; name: Verb; look?: "plain" | "main" | "quiet" | "danger"; asking: Asking; small?: boolean }) {
  const action = view.actions.find((a) => a.name === name);
  const effect = useId();
  if (!action) return null;
  const Icon = icons[name];
  const why = whyNot(action);
  const button = (
    <Button look={look} icon={<Icon size={small ? 15 : 16} aria-hidden />} why={why === "" ? t("rollout.rest") : why} aria-describedby={effect} isPending={asking.busy === name} onPress={() => asking.press(name)}>
      {t(`rollout.do.${name}`)}
    </Button>
  );
  return (
    <>
      {why === undefined ? <Hint text={effectOf(action)}>{button}</Hint> : button}
      <span id={effect} className="unseen">
        {effectOf(action)}
      </span>
    </>
  );
}

export type Asking = { press: (verb: Verb, body?: Body) => void; busy?: Verb; problem?: string; dialog: ReactNode };

/** useAsking is useAsk with the questions that come before. */
export function useAsking(view: RolloutView): Asking {
  const { ask, busy, problem } = useAsk(view);
  const [open, set] = useState<{ verb: Verb; body: Body }>();
  const press = (verb: Verb, body: Body = {}) => (surely.includes(verb) ? set({ verb, body }) : void ask(verb, body));
  const done = async (body: Body) => {
    if (open && (await ask(open.verb, body))) set(undefined);
  };
  return { press, busy, problem, dialog: open && <Sure view={view} verb={open.verb} body={open.body} busy={busy !== undefined} problem={problem} done={(b) => void done(b)} close={() => set(undefined)} /> };
}

function Sure({ view, verb, body, busy, problem, done, close }: { view: RolloutView; verb: Verb; body: Body; busy: boolean; problem?: string; done: (body: Body) => void; close: () => void }) {
  const action = view.actions.find((a) => a.name === verb);
  const name = `${view.namespace}/${view.name}`;
  const earlier = view.revisions.filter((r) => r.revision !== newest(view));
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const text = (field: string) => String(data.get(field) ?? "").trim() || undefined;
    if (verb === "undo") done({ toRevision: Number(data.get("toRevision")) || undefined });
    else if (verb === "set-image") done({ image: text("image"), container: text("container") });
    else done(body);
  };
  const id = useId();
  return (
    <Dialog title={t("rollout.sure", { action: t(`rollout.do.${verb}`), name })} onClose={close} role={verb === "set-image" ? undefined : "alertdialog"}>
      <form className="sure" onSubmit={submit}>
        {action && <p>{verb === "undo" ? t("rollout.effect.undo") : effectOf(action)}</p>}
        {verb === "undo" && (
          <div className="field">
            <label htmlFor={id}>{t("rollout.backWhich")}</label>
            <select id={id} name="toRevision" className="input" defaultValue={body.toRevision ?? earlier[0]?.revision}>
              {earlier.map((r) => (
                <option key={r.revision} value={r.revision}>
                  {t("rollout.revision", { revision: r.revision })} · {r.images.map(tagOf).join(", ")}
                </option>
              ))}
            </select>
          </div>
        )}
        {verb === "set-image" && (
          <>
            <div className="field">
              <label htmlFor={`${id}-i`}>{t("rollout.image")}</label>
              <input id={`${id}-i`} name="image" className="input mono" required autoFocus autoComplete="off" spellCheck={false} placeholder={t("rollout.imageHint")} defaultValue={view.lanes[0]?.images.length === 1 ? view.lanes[0].images[0] : ""} />
            </div>
            <div className="field">
              <label htmlFor={`${id}-c`}>{t("rollout.container")}</label>
              <input id={`${id}-c`} name="container" className="input mono" autoComplete="off" spellCheck={false} />
            </div>
          </>
        )}
        {(verb === "undo" || verb === "set-image") && view.application && <p className="muted small">{t("rollout.backSynced")}</p>}
        {problem && (
          <p className="notice name" data-tone="bad" role="alert">
            {problem}
          </p>
        )}
        <footer>
          <Button onPress={close}>{t("cancel")}</Button>
          <Button type="submit" look={verb === "abort" || verb === "restart" ? "danger" : "main"} isPending={busy}>
            {t(`rollout.do.${verb}`)}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
