import { useQuery } from "@tanstack/react-query";
import { Link as To, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { History } from "lucide-react";
import { useEffect, useMemo, useRef } from "react";
import { rolloutQuery, useLive } from "../../api/queries";
import type { RolloutView } from "../../api/types";
import { Until } from "../../design/Time";
import { Button, Card, Waiting } from "../../design/parts";
import { Missing } from "../../design/Missing";
import { Status } from "../../design/Status";
import { t } from "../../i18n";
import { inLanguage } from "../../i18n/said";
import { announce } from "../../shell/Frame";
import type { Search } from "../../shell/search";
import { useTitle } from "../../shell/title";
import { Act, type Asking, effectOf, useAsking } from "./Actions";
import { offered } from "./offered";
import { Steps, Weight } from "./Canary";
import { Gates } from "./Gates";
import { Conditions, Events, Pods, Revisions } from "./Panels";
import { moves, newest, type Picture, picture } from "./picture";
import { Replay } from "./Replay";
import { inWords, switchSentence, underWay } from "./sentences";
import { Stage } from "./Stage";
import "./rollout.css";

export default function Rollout() {
  const { namespace, name } = useParams({ strict: false }) as { namespace: string; name: string };
  useTitle(name);
  const query = rolloutQuery(namespace, name);
  const rollout = useQuery(query);
  useLive<RolloutView>(`rollout:${namespace}/${name}`, "rollout", query.queryKey, (v) => v.namespace === namespace && v.name === name);
  if (rollout.isPending) return <Waiting />;
  if (!rollout.data) return <Missing error={rollout.error} again={() => void rollout.refetch()} list="/rollouts" />;
  return <One view={rollout.data} />;
}

/** useSwitchAnnounced has the switch read out, to who listens to the page instead of looking at it. */
function useSwitchAnnounced(now: Picture) {
  const before = useRef<Picture>(undefined);
  useEffect(() => {
    const words = switchSentence(before.current, now);
    before.current = now;
    if (words) announce(words, "view");
  }, [now]);
}

function One({ view }: { view: RolloutView }) {
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const to = (change: Search, replace = false) => void navigate({ to: ".", search: (old: Search) => ({ ...old, ...change }), replace });
  const asking = useAsking(view);
  const now = useMemo(() => picture(view), [view]);
  useSwitchAnnounced(now);
  const replays = search.replay !== undefined;
  return (
    <div className="rollout" data-ready>
      <div className="view-head">
        <h1 className="name">{view.name}</h1>
        <Status kind="rollout" value={view.phase} />
        <span className="muted name">
          {view.namespace} · {t(`rollout.strategy.${view.strategy}`)}
          {view.application && (
            <>
              {" · "}
              <To to="/applications/$namespace/$name" params={view.application}>
                {t("rollout.application", { name: view.application.name })}
              </To>
            </>
          )}
        </span>
        <div className="actions noprint" role="group" aria-label={t("rollout.actions")}>
          <Act view={view} name={view.actions.find((a) => a.name === "resume")?.enabled ? "resume" : "pause"} asking={asking} />
          <Act view={view} name="undo" asking={asking} />
          <Act view={view} name="restart" asking={asking} />
          <Act view={view} name="set-image" asking={asking} />
          <Button look={replays ? "plain" : "quiet"} aria-pressed={replays} icon={<History size={16} aria-hidden />} onPress={() => to({ replay: replays ? undefined : "play" })}>
            {t("rollout.replay")}
          </Button>
        </div>
      </div>
      {asking.problem && (
        <p className="notice name across" data-tone="bad" role="alert">
          {asking.problem}
        </p>
      )}
      <Card className="picture-card">
        <h2 className="unseen">{t("rollout.picture")}</h2>
        {replays ? (
          <Replay view={view} at={search.replay} to={(at) => to({ replay: at }, true)} close={() => to({ replay: undefined })} />
        ) : (
          <>
            <Next view={view} picture={now} asking={asking} />
            {view.weight && <Weight weight={view.weight} />}
            <Stage picture={now} next={newest(view) + 1} flows={moves(view)} />
            {view.steps && <Steps steps={view.steps} />}
            <Gates gates={view.gates} />
            <details className="pods-of" open={search.pods === "true"} onToggle={(e) => e.currentTarget.open !== (search.pods === "true") && to({ pods: e.currentTarget.open ? "true" : undefined }, true)}>
              <summary>
                {t("rollout.pods")} <span className="muted">{view.lanes.reduce((sum, l) => sum + l.pods.length, 0)}</span>
              </summary>
              {search.pods === "true" && <Pods view={view} />}
            </details>
          </>
        )}
      </Card>
      <div className="panels">
        <Revisions view={view} asking={asking} />
        <Events view={view} />
        <Conditions view={view} />
      </div>
      {asking.dialog}
    </div>
  );
}

/** untilOf returns what the rollout waits for that comes by itself, and what that is. */
function untilOf(view: RolloutView): { words: string; at: string } | undefined {
  const gate = view.gates.find((g) => g.until && g.state === "waiting");
  if (!gate?.until) return undefined;
  return { at: gate.until, words: t(gate.name === "promotion" ? "rollout.promotesIn" : gate.name === "scale-down" ? "rollout.scalesDownIn" : "rollout.goesOnIn") };
}

/** waitsFor returns what the rollout says of the gate that it waits at. */
function waitsFor(view: RolloutView): string {
  const gate = view.gates.find((g) => g.state === "waiting");
  return gate ? inLanguage(gate.message, gate.said).text : "";
}

/** Next says where the rollout is in one sentence, counts down to what comes by itself, and has what a person can do about it now. */
function Next({ view, picture, asking }: { view: RolloutView; picture: Picture; asking: Asking }) {
  const until = untilOf(view);
  const can = offered(view);
  const tone = view.phase === "Degraded" || view.aborted ? "bad" : view.paused || view.phase === "Paused" ? "still" : view.phase === "Progressing" ? "busy" : "ok";
  const words = inWords(view.message) || (view.desired === 0 ? t("rollout.empty") : view.phase === "Healthy" ? t(until ? "rollout.switched" : "rollout.rest") : waitsFor(view) || underWay(picture));
  return (
    <div className="next" data-tone={tone} data-rests={(view.phase === "Healthy" && !until && can.length === 0) || undefined}>
      <div className="next-words">
        <p className="next-sentence name">{words}</p>
        {until && (
          <p className="next-until">
            {until.words}{" "}
            <b>
              <Until at={until.at} />
            </b>
          </p>
        )}
      </div>
      {can.length > 0 && (
        <div className="next-do noprint">
          {can.map((action) => (
            <div key={action.name} className="next-one" data-action={action.name}>
              <Act view={view} name={action.name} look={action.name === "promote" || action.name === "retry" ? "main" : action.name === "abort" ? "danger" : "plain"} asking={asking} />
              {action.enabled && (
                <span className="muted small" aria-hidden>
                  {effectOf(action)}
                </span>
              )}
            </div>
          ))}
        </div>
      )}
    </div>
  );
}
