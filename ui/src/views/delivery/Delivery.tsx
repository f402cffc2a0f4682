import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link as To, useParams } from "@tanstack/react-router";
import { ArrowLeft, ArrowRight } from "lucide-react";
import { lazy, Suspense, useEffect, useRef } from "react";
import { deliveriesQuery, deliveryQuery, rowsQuery } from "../../api/queries";
import { stream } from "../../api/stream";
import type { Commit, Delivery as Data, Overview } from "../../api/types";
import { Ago, Lasting } from "../../design/Time";
import { Card, Copyable, Link, short, Waiting } from "../../design/parts";
import { Missing } from "../../design/Missing";
import { Status, toneOf } from "../../design/Status";
import { duration } from "../../design/time";
import { t, word } from "../../i18n";
import { announce } from "../../shell/Frame";
import { useTitle } from "../../shell/title";
import { current, key, neighbours } from "./figures";
import { Track } from "./Track";
import { Way } from "./Way";
import "./delivery.css";
import { Told } from "../../design/Told";

const Lead = lazy(() => import("./Lead"));

export default function Delivery() {
  const { namespace, application, id } = useParams({ strict: false }) as { namespace: string; application: string; id: string };
  const queries = useQueryClient();
  const query = deliveryQuery(namespace, application, id);
  const delivery = useQuery({
    ...query,
    // The stream has those that are on their way and the last ones; whatever it does not have is asked for.
    refetchInterval: (q) => (q.state.data && (q.state.data.state === "Running" || q.state.data.state === "Waiting") ? 5000 : false),
  });
  useEffect(() => {
    stream.start("");
    return stream.on("overview", (event) => {
      if (event.type !== "overview") return;
      const found = (event.data as Overview).deliveries.find((d) => d.namespace === namespace && d.application === application && d.id === id);
      if (found) queries.setQueryData(deliveryQuery(namespace, application, id).queryKey, found);
    });
  }, [queries, namespace, application, id]);
  useTitle(application);
  if (delivery.isPending) return <Waiting />;
  if (!delivery.data) return <Missing error={delivery.error} again={() => void delivery.refetch()} list="/deliveries" />;
  return <One delivery={delivery.data} />;
}

const headline = (d: Data) => (d.source ?? d.commit).message?.split("\n")[0] || short((d.source ?? d.commit).sha);

function One({ delivery }: { delivery: Data }) {
  const commit = delivery.source ?? delivery.commit;
  const moving = delivery.state === "Running" || delivery.state === "Waiting";
  const state = useRef(delivery.state);
  useEffect(() => {
    if (state.current !== delivery.state) announce(`${delivery.application}: ${word("delivery", delivery.state)}`, "view");
    state.current = delivery.state;
  }, [delivery.state, delivery.application]);
  return (
    <div className="one-delivery" data-ready>
      <header className="delivery-head">
        <div className="delivery-title">
          <h1 className="name">{headline(delivery)}</h1>
          <p className="muted name">
            <To to="/applications/$namespace/$name" params={{ namespace: delivery.namespace, name: delivery.application }}>
              {delivery.application}
            </To>{" "}
            · <code>{short(commit.sha)}</code>
            {commit.author && <> · {t("delivery.by", { author: commit.author })}</>} · <Ago at={commit.date ?? delivery.startedAt} />
          </p>
        </div>
        <div className="delivery-lead" data-tone={toneOf("delivery", delivery.state)}>
          <Status kind="delivery" value={delivery.state} />
          {delivery.leadSeconds !== undefined ? (
            <p>
              <strong>{duration(delivery.leadSeconds)}</strong> <span className="muted">{t("delivery.lead")}</span>
            </p>
          ) : (
            moving && (
              <p>
                <strong>
                  <Lasting from={delivery.startedAt ?? commit.date} />
                </strong>
              </p>
            )
          )}
        </div>
      </header>
      <Card className="delivery-now">
        <Now delivery={delivery} />
        <Track delivery={delivery} />
      </Card>
      <Way delivery={delivery} />
      <div className="delivery-beside">
        <Facts delivery={delivery} />
        <Suspense fallback={<Waiting />}>
          <Lead namespace={delivery.namespace} application={delivery.application} id={delivery.id} />
        </Suspense>
      </div>
      <Neighbours delivery={delivery} />
    </div>
  );
}

/** Now says where the commit is and what it waits for. */
function Now({ delivery }: { delivery: Data }) {
  const at = current(delivery);
  const stage = at && word("stage", at.name);
  const words = stage
    ? t(delivery.state === "Failed" ? "delivery.failedAt" : delivery.state === "Waiting" ? "delivery.stands" : "delivery.runsAt", { stage })
    : delivery.state === "Done"
      ? t("delivery.done")
      : delivery.state === "Replaced"
        ? t("delivery.replaced")
        : delivery.state === "Superseded"
          ? t("delivery.superseded")
          : word("delivery", delivery.state);
  return (
    <p className="delivery-words" data-tone={toneOf("delivery", delivery.state)}>
      <b>{words}</b> {at?.message && (
        <span className="name">
          <Told message={at.message} said={at.said} />
        </span>
      )}
    </p>
  );
}

function CommitFact({ commit, words }: { commit: Commit; words: string }) {
  return (
    <>
      <dt>{words}</dt>
      <dd>
        {commit.message && <p className="name commit-message">{commit.message}</p>}
        <p className="muted small name">
          {commit.author} {commit.date && <Ago at={commit.date} />}
        </p>
        <Copyable text={commit.sha} /> {commit.url && <Link href={commit.url}>{t("delivery.openCommit", { sha: short(commit.sha) })}</Link>}
      </dd>
    </>
  );
}

/** Facts are what was built and deployed, and where to look on. */
function Facts({ delivery }: { delivery: Data }) {
  const rows = useQuery(rowsQuery).data?.items;
  const rollouts = rows?.find((r) => r.name === delivery.application && r.namespace === delivery.namespace)?.rollouts ?? [];
  return (
    <Card title={t("delivery.facts")}>
      <dl className="facts">
        {delivery.source && <CommitFact commit={delivery.source} words={t("delivery.source")} />}
        <CommitFact commit={delivery.commit} words={t("delivery.commit")} />
        {delivery.image && (
          <>
            <dt>{t("delivery.image")}</dt>
            <dd>
              <Copyable text={delivery.image} />
            </dd>
          </>
        )}
        <dt>{t("delivery.application")}</dt>
        <dd className="name">
          <To to="/applications/$namespace/$name" params={{ namespace: delivery.namespace, name: delivery.application }}>
            {delivery.application}
          </To>{" "}
          <span className="muted">
            {t("delivery.project")}: {delivery.project}
          </span>
        </dd>
        {rollouts.length > 0 && (
          <>
            <dt>{t("delivery.rollout")}</dt>
            <dd className="name">
              {rollouts.map((r) => (
                <To key={`${r.namespace}/${r.name}`} to="/rollouts/$namespace/$name" params={{ namespace: r.namespace, name: r.name }}>
                  {r.namespace}/{r.name}{" "}
                </To>
              ))}
            </dd>
          </>
        )}
        <dt>{t("delivery.started")}</dt>
        <dd>
          <Ago at={delivery.startedAt} />
        </dd>
        <dt>{t("delivery.finished")}</dt>
        <dd>{delivery.finishedAt ? <Ago at={delivery.finishedAt} /> : t("delivery.notOver")}</dd>
      </dl>
    </Card>
  );
}

function Neighbours({ delivery }: { delivery: Data }) {
  const of = useQuery(deliveriesQuery({ namespace: delivery.namespace, application: delivery.application }));
  if (!of.data) return null;
  const { earlier, later } = neighbours(of.data.items, delivery);
  return (
    <nav className="neighbours" aria-label={t("delivery.neighbours")}>
      {earlier ? <Neighbour delivery={earlier} words={t("delivery.earlier")} icon={<ArrowLeft size={18} aria-hidden />} /> : <span className="muted">{t("delivery.first")}</span>}
      {later ? <Neighbour delivery={later} words={t("delivery.later")} icon={<ArrowRight size={18} aria-hidden />} after /> : <span className="muted after">{t("delivery.latest")}</span>}
    </nav>
  );
}

function Neighbour({ delivery, words, icon, after }: { delivery: Data; words: string; icon: React.ReactNode; after?: boolean }) {
  return (
    <To key={key(delivery)} to="/deliveries/$namespace/$application/$id" params={{ namespace: delivery.namespace, application: delivery.application, id: delivery.id }} className={after ? "card neighbour after" : "card neighbour"}>
      {!after && icon}
      <span className="neighbour-words">
        <span className="muted small">{words}</span>
        <b className="name">{headline(delivery)}</b>
        <span className="small">
          <Status kind="delivery" value={delivery.state} />
          {delivery.leadSeconds !== undefined && <span className="muted"> {duration(delivery.leadSeconds)}</span>}
        </span>
      </span>
      {after && icon}
    </To>
  );
}
