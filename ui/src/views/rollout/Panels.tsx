import { Link as To } from "@tanstack/react-router";
import { useMemo } from "react";
import type { RolloutView } from "../../api/types";
import { Ago } from "../../design/Time";
import { Button, Card } from "../../design/parts";
import { exact } from "../../design/time";
import { t, word } from "../../i18n";
import { type Asking, whyNot } from "./Actions";
import { newest, sideOf, stateOf, tagOf } from "./picture";
import { laneName, roleWord } from "./sentences";
import { Told } from "../../design/Told";

/** Pods has each pod of the picture as a line of a table. */
export function Pods({ view }: { view: RolloutView }) {
  const pods = view.lanes.flatMap((lane) => lane.pods.map((pod) => ({ lane, pod })));
  if (pods.length === 0) return <p className="muted pad">{t("rollout.podsNone")}</p>;
  return (
    <div className="scrolls" tabIndex={0} role="group" aria-label={t("rollout.pods")}>
      <table className="plain-table">
        <thead>
          <tr>
            <th>{t("rollout.col.pod")}</th>
            <th>{t("rollout.col.revision")}</th>
            <th>{t("rollout.col.state")}</th>
            <th className="num">{t("rollout.col.restarts")}</th>
            <th>{t("rollout.col.age")}</th>
            <th>
              <span className="unseen">{t("rollout.log")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {pods.map(({ lane, pod }) => (
            <tr key={pod.name}>
              <td className="name mono">{pod.name}</td>
              <td>
                <i className="dot" data-side={sideOf(lane.revision)} aria-hidden /> {laneName({ side: sideOf(lane.revision), revision: lane.revision })} · {roleWord(lane.role, view.strategy === "Canary")}
              </td>
              <td className="name">
                {t(`rollout.square.${stateOf(pod)}`)}
                {pod.message ? <span className="muted"> · <Told message={pod.message} /></span> : pod.phase !== "Running" && <span className="muted"> · {pod.phase}</span>}
              </td>
              <td className="num">{pod.restarts}</td>
              <td>
                <Ago at={pod.created} />
              </td>
              <td>
                {view.application && (
                  <To to="/applications/$namespace/$name" params={{ namespace: view.application.namespace, name: view.application.name }} search={{ node: `/Pod/${view.namespace}/${pod.name}/0`, tab: "logs" }} aria-label={t("rollout.logOf", { pod: pod.name })}>
                    {t("rollout.log")}
                  </To>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Revisions are the versions that can be returned to. */
export function Revisions({ view, asking }: { view: RolloutView; asking: Asking }) {
  const undo = view.actions.find((a) => a.name === "undo");
  const latest = newest(view);
  return (
    <Card title={t("rollout.revisions")} className="panel">
      {view.revisions.length === 0 ? (
        <p className="muted pad">{t("rollout.revisionsNone")}</p>
      ) : (
        <ul className="revisions">
          {view.revisions.map((r) => (
            <li key={r.replicaSet} data-side={sideOf(r.revision)}>
              <i className="swatch" aria-hidden />
              <div>
                <b>{t("rollout.revision", { revision: r.revision })}</b> <span className="muted">{t(`rollout.side.${sideOf(r.revision)}`)}</span> {r.role && <span className="chip">{word(view.strategy === "Canary" ? "rollout.canaryRole" : "rollout.role", r.role)}</span>}
                <p className="name muted small">
                  {r.images.map((image) => (
                    <code key={image} title={image}>
                      {tagOf(image)}{" "}
                    </code>
                  ))}
                </p>
              </div>
              <span className="muted small when">
                <Ago at={r.created} />
              </span>
              {undo && r.revision !== latest && (
                <Button aria-label={t("rollout.backTo", { revision: r.revision })} why={whyNot(undo)} onPress={() => asking.press("undo", { toRevision: r.revision })}>
                  {t("rollout.backToShort")}
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

/** Events are what the cluster has written down about the rollout, newest first. */
export function Events({ view }: { view: RolloutView }) {
  const events = useMemo(() => view.events.slice().sort((a, b) => Date.parse(b.time) - Date.parse(a.time)), [view.events]);
  return (
    <Card title={t("rollout.events")} className="panel">
      {events.length === 0 ? (
        <p className="muted pad">{t("rollout.eventsNone")}</p>
      ) : (
        <ol className="events" tabIndex={0} aria-label={t("rollout.events")}>
          {events.map((e, i) => (
            <li key={`${e.time}${e.reason}${i}`} data-tone={e.type === "Warning" ? "warn" : undefined}>
              <span className="muted small when" title={exact(Date.parse(e.time))}>
                <Ago at={e.time} />
              </span>
              <div>
                <b>{e.reason}</b>
                {e.type === "Warning" && <span className="unseen"> Warning</span>}
                <p className="name">
                  <Told message={e.message} />
                </p>
              </div>
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}

const bad = new Set(["Degraded", "InvalidSpec", "ReplicaFailure"]);

/** toneOfCondition returns how much a condition matters. */
function toneOfCondition(c: RolloutView["conditions"][number]): string | undefined {
  if (bad.has(c.type)) return c.status === "False" ? undefined : "bad";
  if (c.type === "Progressing" || c.type === "Available" || c.type === "Healthy") return c.status === "False" ? (c.type === "Progressing" ? "bad" : "warn") : undefined;
  return c.remedy ? "warn" : undefined;
}

/** Conditions are the rollout's conditions with what to do about them. */
export function Conditions({ view }: { view: RolloutView }) {
  if (view.conditions.length === 0) return null;
  return (
    <Card title={t("rollout.conditions")} className="panel">
      <ul className="conditions">
        {view.conditions.map((c) => (
          <li key={c.type} data-tone={toneOfCondition(c)}>
            <b>{c.type}</b> {c.status && <span className="muted small">{c.status}</span>}
            <span className="muted small when">{c.since && <Ago at={c.since} />}</span>
            {c.message && (
              <p className="name">
                <Told message={c.message} />
                {c.remedy && (
                  <>
                    ; <Told message={c.remedy} said={c.remedySaid} />
                  </>
                )}
              </p>
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}
