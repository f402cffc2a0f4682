import { useNavigate, useSearch } from "@tanstack/react-router";
import { Hand, LayoutGrid, ListFilter, RefreshCw, Rows3, Star, X } from "lucide-react";
import { memo, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { post, get } from "../../api/client";
import { useRows } from "../../api/queries";
import { key } from "../../api/rows";
import type { Row } from "../../api/types";
import { Button, Menu, Problem, Waiting } from "../../design/parts";
import { collator, t, useLanguage } from "../../i18n";
import { announce } from "../../shell/Frame";
import { parseSearch, type Search, stringifySearch, toggled } from "../../shell/search";
import { useTitle } from "../../shell/title";
import { Empty, ToNew } from "./Empty";
import { useFavorites } from "./favorites";
import { facets, Order, show } from "./filter";
import { Filters } from "./Filters";
import { SavedViews } from "./SavedViews";
import { SearchBox } from "./SearchBox";
import { Table } from "./Table";
import { Tiles } from "./Tiles";
import "./applications.css";
import { failure } from "../../i18n/said";

const none: Row[] = [];
const isTable = (search: Search) => search.view === "table" || search.view === "list";

export default function Applications() {
  useTitle(t("apps.title"));
  const language = useLanguage();
  const rows = useRows();
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const favorites = useFavorites();
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const compare = useMemo(() => collator().compare, [language]);
  // The address follows what is typed without a step back for each letter; a filter that is chosen is a step.
  const go = useRef(navigate);
  go.current = navigate;
  const to = useCallback((change: Search, replace = false) => void go.current({ to: ".", search: (old: Search) => ({ ...old, ...change }), replace }), []);
  const [typed, setTyped] = useState(search.search ?? "");
  const order = useRef(new Order());
  // What is typed comes to the address later: it is the same choice then.
  const chosenBy = stringifySearch({ ...search, search: typed, view: undefined, filters: undefined });
  const choice = useMemo(() => parseSearch(chosenBy), [chosenBy]);
  const shown = useMemo(() => show(rows.data?.items ?? none, choice, favorites, compare, order.current), [rows.data, choice, favorites, compare]);
  const count = shown.length;
  useEffect(() => {
    if (rows.data) announce(t("apps.counted", { count }), "view");
  }, [count, rows.data]);

  const found = useCallback((text: string) => to({ search: text || undefined }, true), [to]);
  const clear = useCallback(() => {
    setTyped("");
    to({ ...Object.fromEntries(facets.map((f) => [f, undefined])), labels: undefined, favorites: undefined, attention: undefined, search: undefined });
  }, [to]);
  const select = useCallback((k: string) => setSelected((old) => {
    const next = new Set(old);
    if (!next.delete(k)) next.add(k);
    return next;
  }), []);

  if (rows.isPending) return <Waiting />;
  if (rows.isError && !rows.data) return <Problem error={rows.error} again={() => void rows.refetch()} />;
  const filtered = facets.some((f) => search[f]) || search.labels || search.favorites || search.attention || typed;
  const chosen = selected.size === 0 ? none : shown.filter((r) => selected.has(key(r)));
  return (
    <div className="apps" data-ready>
      <div className="view-head">
        <h1>{t("apps.title")}</h1>
        <span className="muted count">{filtered ? t("apps.count", { shown: count, total: rows.data.items.length }) : t("overview.summary", { count })}</span>
        <div className="actions noprint">
          <ToNew />
        </div>
      </div>
      {rows.data.items.length > 0 && (
      <div className="apps-tools noprint">
        <SearchBox inAddress={search.search ?? ""} typed={typed} find={setTyped} to={found} />
        <Narrow search={search} to={to} />
        {filtered && (
          <Button look="quiet" icon={<X size={16} aria-hidden />} onPress={clear}>
            {t("apps.clear")}
          </Button>
        )}
        <span className="spring" />
        <Arrange search={search} to={to} />
      </div>
      )}
      {search.filters === "true" && <Filters rows={rows.data.items} favorites={favorites} search={choice} choose={to} />}
      {chosen.length > 0 && <Bulk rows={chosen} done={() => setSelected(new Set())} />}
      {rows.data.items.length === 0 ? (
        <Empty />
      ) : count === 0 ? (
        <p className="muted nothing">{t("apps.nomatch")}</p>
      ) : isTable(search) ? (
        <Table rows={shown} selected={selected} select={select} whole={chosen.length === count && count > 0} all={() => setSelected(chosen.length === count ? new Set() : new Set(shown.map(key)))} search={search} sort={to} />
      ) : (
        <Tiles rows={shown} favorites={favorites} selected={selected} select={select} />
      )}
    </div>
  );
}

interface ToolsProps {
  search: Search;
  to: (change: Search, replace?: boolean) => void;
}

/** Narrow chooses among applications beside the search; it stays as it is while one types. */
const Narrow = memo(function Narrow({ search, to }: ToolsProps) {
  useLanguage();
  const narrow = search.filters === "true";
  return (
    <>
      <Button look={narrow ? "plain" : "quiet"} aria-expanded={narrow} icon={<ListFilter size={16} aria-hidden />} onPress={() => to({ filters: narrow ? undefined : "true" }, true)}>
        {t("apps.filters")}
      </Button>
      <Button look="quiet" aria-pressed={search.favorites === "true"} icon={<Star size={16} aria-hidden fill={search.favorites === "true" ? "currentColor" : "none"} />} onPress={() => to({ favorites: toggled(search.favorites, "true") })}>
        <span className="wide-only">{t("apps.filter.favorites")}</span>
      </Button>
      <Button look="quiet" aria-pressed={search.attention === "true"} icon={<Hand size={16} aria-hidden />} onPress={() => to({ attention: toggled(search.attention, "true") })}>
        <span className="wide-only">{t("apps.filter.attention")}</span>
      </Button>
      <SavedViews search={search} />
    </>
  );
});

/** Arrange chooses in which order and as what applications are shown. */
const Arrange = memo(function Arrange({ search, to }: ToolsProps) {
  useLanguage();
  const asTable = isTable(search);
  return (
    <>
      <Menu
        label={`${t("apps.sort")}: ${t(`apps.sort.${(search.sort ?? "name") as "name"}`)}`}
        items={[...(["name", "lastSync", "created", "health"] as const).map((id) => ({ id, label: t(`apps.sort.${id}`), text: t(`apps.sort.${id}`), chosen: (search.sort ?? "name") === id }))]}
        onAction={(id) => to({ sort: id === "name" ? undefined : id, order: id === "lastSync" || id === "created" ? "desc" : undefined })}
      >
        {t("apps.sort")}: {t(`apps.sort.${(search.sort ?? "name") as "name"}`)}
      </Menu>
      <div role="group" aria-label={t("apps.view")} className="pair">
        <Button look={asTable ? "quiet" : "plain"} aria-pressed={!asTable} aria-label={t("apps.tiles")} icon={<LayoutGrid size={16} aria-hidden />} onPress={() => to({ view: undefined })} />
        <Button look={asTable ? "plain" : "quiet"} aria-pressed={asTable} aria-label={t("apps.table")} icon={<Rows3 size={16} aria-hidden />} onPress={() => to({ view: "table" })} />
      </div>
    </>
  );
});

/** Bulk asks for the same of many applications, a few at a time, and names those that it was refused for. */
function Bulk({ rows, done }: { rows: Row[]; done: () => void }) {
  const [state, set] = useState<{ at: number; failed: string[] }>();
  const each = async (ask: (row: Row) => Promise<unknown>) => {
    const failed: string[] = [];
    let at = 0;
    const queue = rows.slice();
    const work = async () => {
      for (let row = queue.shift(); row; row = queue.shift()) {
        try {
          await ask(row);
        } catch (error) {
          failed.push(t("apps.bulkFailed", { name: row.name, message: failure(error) }));
        }
        set({ at: ++at, failed: failed.slice() });
      }
    };
    set({ at: 0, failed });
    await Promise.all([work(), work(), work(), work()]);
    if (failed.length === 0) done();
  };
  const missing = (right: Row["rights"][number]) => (rows.every((r) => r.rights.includes(right)) ? undefined : t("denied", { right }));
  const path = (r: Row) => `api/v1/applications/${encodeURIComponent(r.name)}`;
  return (
    <div className="bulk notice" data-tone="busy">
      <strong>{t("apps.selected", { count: rows.length })}</strong>
      <Button icon={<RefreshCw size={15} aria-hidden />} why={missing("sync")} onPress={() => void each((r) => post(`${path(r)}/sync`, { appNamespace: r.namespace, project: r.project }))}>
        {t("apps.sync")}
      </Button>
      <Button why={missing("get")} onPress={() => void each((r) => get(path(r), { refresh: "normal", appNamespace: r.namespace, project: r.project }))}>
        {t("apps.refresh")}
      </Button>
      <Button look="quiet" onPress={done}>
        {t("cancel")}
      </Button>
      {state && (
        <span role="status">
          {t("apps.bulkDone", { done: state.at, total: rows.length })}
          {state.failed.length > 0 && (
            <ul className="name">
              {state.failed.slice(0, 20).map((f) => (
                <li key={f}>{f}</li>
              ))}
              {state.failed.length > 20 && <li>{t("more", { count: state.failed.length - 20 })}</li>}
            </ul>
          )}
        </span>
      )}
    </div>
  );
}
