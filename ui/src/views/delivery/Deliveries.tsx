import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { X } from "lucide-react";
import { useEffect, useMemo } from "react";
import { deliveriesQuery } from "../../api/queries";
import { stream } from "../../api/stream";
import type { Delivery, Overview } from "../../api/types";
import { Lines } from "../../design/Lines";
import { Button, Card, Menu, Problem, Waiting } from "../../design/parts";
import { Status } from "../../design/Status";
import { collator, t, useLanguage } from "../../i18n";
import { announce } from "../../shell/Frame";
import { list, type Search, toggled } from "../../shell/search";
import { useTitle } from "../../shell/title";
import { useTyped } from "../../shell/typed";
import { key, show, states, withDeliveries } from "./figures";
import { DeliveryLine } from "./Track";
import "../../design/list.css";
import "./delivery.css";

const query = deliveriesQuery();

/** useDeliveries returns all deliveries, kept current by what the stream says of those that move and the last ones. */
function useDeliveries() {
  const queries = useQueryClient();
  const deliveries = useQuery({ ...query, refetchInterval: 60_000 });
  useEffect(() => {
    stream.start("");
    return stream.on("overview", (event) => {
      if (event.type === "overview") queries.setQueryData<{ items: Delivery[] }>(query.queryKey, (old) => old && { ...old, items: withDeliveries(old.items, (event.data as Overview).deliveries) });
      else if (event.type === "reset") void queries.invalidateQueries({ queryKey: query.queryKey });
    });
  }, [queries]);
  return deliveries;
}

export default function Deliveries() {
  useTitle(t("deliveries.title"));
  const lang = useLanguage();
  const deliveries = useDeliveries();
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const to = (change: Search, replace = false) => void navigate({ to: ".", search: (old: Search) => ({ ...old, ...change }), replace });
  const { text, set, typed } = useTyped(search.search, (value) => to({ search: value }, true));
  const shown = useMemo(() => show(deliveries.data?.items ?? [], { ...search, search: typed }), [deliveries.data, search, typed]);
  const compare = useMemo(() => collator().compare, [lang]);
  const count = shown.items.length;
  const filtered = Boolean(search.state || search.application || search.author || text);
  useEffect(() => {
    if (filtered) announce(t("deliveries.all", { count }), "view");
  }, [count, filtered]);
  if (deliveries.isPending) return <Waiting />;
  if (!deliveries.data) return <Problem error={deliveries.error} again={() => void deliveries.refetch()} />;
  const total = deliveries.data.items.length;
  const chosen = list(search.state);
  const choices = (of: Map<string, number>, one: string | undefined) => [
    { id: "", label: t("deliveries.any"), text: t("deliveries.any"), chosen: !one },
    ...[...of]
      .sort((a, b) => compare(a[0], b[0]))
      .map(([id, n]) => ({
        id,
        text: id,
        label: (
          <span className="name">
            {id} <span className="muted">{n}</span>
          </span>
        ),
        chosen: one === id,
      })),
  ];
  return (
    <div className="deliveries" data-ready>
      <div className="view-head">
        <h1>{t("deliveries.title")}</h1>
        <span className="muted">{filtered ? t("deliveries.count", { shown: count, total }) : t("deliveries.all", { count: total })}</span>
      </div>
      {total === 0 ? (
        <Card className="none-yet">
          <h2>{t("deliveries.none.title")}</h2>
          <p>{t("deliveries.none.text")}</p>
        </Card>
      ) : (
        <>
          <div className="list-tools noprint">
            <input className="input" type="search" aria-label={t("deliveries.search")} placeholder={t("deliveries.searchHint")} value={text} onChange={(e) => set(e.target.value)} />
            <div className="list-chips" role="group" aria-label={t("deliveries.filter.state")}>
              {states
                .filter((s) => shown.states.has(s) || chosen.includes(s))
                .map((s) => (
                  <Button key={s} look={chosen.includes(s) ? "plain" : "quiet"} aria-pressed={chosen.includes(s)} onPress={() => to({ state: toggled(search.state, s) })}>
                    <Status kind="delivery" value={s} /> <span className="muted">{shown.states.get(s) ?? 0}</span>
                  </Button>
                ))}
            </div>
            <Menu label={`${t("deliveries.filter.application")}: ${search.application ?? t("deliveries.any")}`} items={choices(shown.applications, search.application)} onAction={(id) => to({ application: id || undefined })}>
              {t("deliveries.filter.application")}: {search.application ?? t("deliveries.any")}
            </Menu>
            <Menu label={`${t("deliveries.filter.author")}: ${search.author ?? t("deliveries.any")}`} items={choices(shown.authors, search.author)} onAction={(id) => to({ author: id || undefined })}>
              {t("deliveries.filter.author")}: {search.author ?? t("deliveries.any")}
            </Menu>
            {filtered && (
              <Button
                look="quiet"
                icon={<X size={16} aria-hidden />}
                onPress={() => {
                  set("");
                  to({ state: undefined, application: undefined, author: undefined, search: undefined });
                }}
              >
                {t("apps.clear")}
              </Button>
            )}
          </div>
          <h2 className="unseen">{t("deliveries.list")}</h2>
          {count === 0 ? <p className="muted none-matches">{t("deliveries.nomatch")}</p> : <Lines items={shown.items} keyOf={key} height={74} label={t("deliveries.list")} line={(d) => <DeliveryLine delivery={d} />} />}
        </>
      )}
    </div>
  );
}
