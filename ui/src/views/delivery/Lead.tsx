import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { leadQuery } from "../../api/queries";
import { Card } from "../../design/parts";
import { duration } from "../../design/time";
import { language, t, useLanguage } from "../../i18n";
import { type Bucket, buckets, type Point, quantile, type Unit, unitOf } from "./figures";

/** Lead is how long commits of an application took to the traffic, over the weeks. */
export default function Lead({ namespace, application, id }: { namespace: string; application: string; id?: string }) {
  const lang = useLanguage();
  const lead = useQuery(leadQuery(namespace, application));
  const points = lead.data?.points;
  const unit = useMemo(() => unitOf(points ?? []), [points]);
  const all = useMemo(() => buckets(points ?? [], unit), [points, unit]);
  if (!points) return null;
  const sorted = points.map((p) => p.seconds).sort((a, b) => a - b);
  const [median, p90] = [quantile(sorted, 0.5), quantile(sorted, 0.9)];
  return (
    <Card
      title={t("delivery.leadTitle", { application })}
      className="lead-card"
      aside={
        points.length > 0 && (
          <span className="lead-legend small figures">
            <span data-line="median">
              {t("delivery.median")} <b>{duration(median)}</b>
            </span>
            <span data-line="p90">
              {t("delivery.p90")} <b>{duration(p90)}</b>
            </span>
            <span className="muted">{t(`delivery.lead.${unit}`)}</span>
          </span>
        )
      }
    >
      {points.length === 0 ? (
        <p className="muted lead-none">{t("delivery.leadNone")}</p>
      ) : (
        <>
          <Chart key={lang} points={points} all={all} id={id} label={t("delivery.chart", { median: duration(median), p90: duration(p90) })} />
          <details className="lead-table">
            <summary>{t("delivery.asTable")}</summary>
            <table className="plain-table">
              <thead>
                <tr>
                  <th>{t("delivery.when")}</th>
                  <th className="num">{t("delivery.count")}</th>
                  <th className="num">{t("delivery.median")}</th>
                  <th className="num">{t("delivery.p90")}</th>
                </tr>
              </thead>
              <tbody>
                {all
                  .slice()
                  .reverse()
                  .map((b) => (
                    <tr key={b.from}>
                      <td>{dateOf(b.from, unit)}</td>
                      <td className="num">{b.count}</td>
                      <td className="num">{duration(b.median)}</td>
                      <td className="num">{duration(b.p90)}</td>
                    </tr>
                  ))}
              </tbody>
            </table>
          </details>
        </>
      )}
    </Card>
  );
}

const dateOf = (at: number, unit: Unit) => new Intl.DateTimeFormat(language(), unit === "hour" ? { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" } : { year: "numeric", month: "short", day: "numeric" }).format(at);

/** useColours changes whenever the page's colours do. */
function useColours(): number {
  const [seen, set] = useState(0);
  useEffect(() => {
    const change = () => set((n) => n + 1);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", change);
    const observer = new MutationObserver(change);
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    return () => {
      dark.removeEventListener("change", change);
      observer.disconnect();
    };
  }, []);
  return seen;
}

const height = 220;

function Chart({ points, all, id, label }: { points: Point[]; all: Bucket[]; id?: string; label: string }) {
  const ref = useRef<HTMLDivElement>(null);
  const colours = useColours();
  useEffect(() => {
    const box = ref.current;
    if (!box) return;
    let gone = false;
    let end = () => {};
    void import("./chart").then(({ draw }) => {
      if (!gone) end = draw(box, points, all, id, height);
    });
    return () => {
      gone = true;
      end();
    };
  }, [points, all, id, colours]);
  return <div ref={ref} className="lead-chart" role="img" aria-label={label} style={{ minHeight: height }} />;
}
