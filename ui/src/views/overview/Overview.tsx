import { useQuery } from "@tanstack/react-query";
import { Link as To } from "@tanstack/react-router";
import { overviewQuery, useLive } from "../../api/queries";
import type { Health, Overview as Data, Row, Sync } from "../../api/types";
import { Ago } from "../../design/Time";
import { Card, Problem, Waiting } from "../../design/parts";
import { Status, toneOf } from "../../design/Status";
import { t } from "../../i18n";
import { useTitle } from "../../shell/title";
import { DeliveryLine } from "../delivery/Track";
import { Empty } from "../applications/Empty";
import { onTheirWay } from "./moving";
import { Some } from "./Some";
import "./overview.css";
import { Told } from "../../design/Told";

/** Overview is for a second screen: what moves, what needs somebody, and how everything is. */
export default function Overview() {
  useTitle(t("overview.title"));
  const overview = useQuery(overviewQuery);
  useLive<Data>("overview", "overview", overviewQuery.queryKey);
  if (overview.isPending) return <Waiting />;
  if (!overview.data) return <Problem error={overview.error} again={() => void overview.refetch()} />;
  const { deliveries, attention, counts, total } = overview.data;
  const moving = onTheirWay(deliveries, attention);
  const recent = deliveries.filter((d) => d.state !== "Running" && d.state !== "Waiting");
  if (total === 0) {
    return (
      <div data-ready>
        <h1 className="unseen">{t("overview.title")}</h1>
        <Empty button />
      </div>
    );
  }
  return (
    <div className="overview" data-ready>
      <h1 className="unseen">{t("overview.title")}</h1>
      <Counts counts={counts} total={total} />
      <Card title={t("overview.moving")} className="moving">
        {moving.length === 0 ? <p className="muted nothing-moves">{t("overview.movingNone")}</p> : moving.map((d) => <DeliveryLine key={`${d.namespace}/${d.application}/${d.id}`} delivery={d} />)}
      </Card>
      <Card title={t("overview.attention")} aside={attention.length > 0 && <span className="chip" data-tone="bad">{attention.length}</span>} className="attention">
        {attention.length === 0 ? <p className="muted nothing-moves">{t("overview.attentionNone")}</p> : <Attention rows={attention} />}
      </Card>
      <Some total={total} />
      <Card title={t("overview.recent")} className="recent">
        {recent.length === 0 && <p className="muted nothing-moves">{t("overview.recentNone")}</p>}
        {recent.map((d) => (
          <DeliveryLine key={`${d.namespace}/${d.application}/${d.id}`} delivery={d} />
        ))}
      </Card>
    </div>
  );
}

const healths: Health[] = ["Degraded", "Missing", "Unknown", "Progressing", "Suspended", "Healthy"];
const syncs: Sync[] = ["OutOfSync", "Unknown", "Synced"];

function Counts({ counts, total }: { counts: Data["counts"]; total: number }) {
  const have = healths.filter((h) => counts.health[h]);
  return (
    <section className="counts card">
      <To to="/applications" className="total">
        {t("overview.summary", { count: total })}
      </To>
      <div className="proportions" aria-hidden>
        {have.map((h) => (
          <i key={h} data-tone={toneOf("health", h)} style={{ flexGrow: counts.health[h] }} />
        ))}
      </div>
      <ul>
        {have.map((h) => (
          <li key={h}>
            <To to="/applications" search={{ health: h }}>
              <Status kind="health" value={h} /> {counts.health[h]}
            </To>
          </li>
        ))}
        {syncs
          .filter((s) => s !== "Synced" && counts.sync[s])
          .map((s) => (
            <li key={s}>
              <To to="/applications" search={{ sync: s }}>
                <Status kind="sync" value={s} /> {counts.sync[s]}
              </To>
            </li>
          ))}
      </ul>
    </section>
  );
}

const most = 12;

function Attention({ rows }: { rows: Row[] }) {
  return (
    <>
      <ul className="needs">
        {rows.slice(0, most).map((row) => (
          <li key={`${row.namespace}/${row.name}`} data-tone={toneOf("reason", row.attention!.reason)}>
            <div className="needs-head">
              <To to="/applications/$namespace/$name" params={{ namespace: row.namespace, name: row.name }} className="name" title={row.name}>
                {row.name}
              </To>
              <Status kind="reason" value={row.attention!.reason} />
              {row.attention!.since && (
                <span className="muted small">
                  <Ago at={row.attention!.since} />
                </span>
              )}
            </div>
            <p className="name">
              <Told message={row.attention!.message} said={row.attention!.said} />
            </p>
          </li>
        ))}
      </ul>
      {rows.length > most && (
        <To to="/applications" search={{ attention: "true" }} className="more">
          {t("more", { count: rows.length - most })}
        </To>
      )}
    </>
  );
}
