import { useNavigate, useSearch } from "@tanstack/react-router";
import { LayoutGrid, ListFilter, Plus, RefreshCw, Rows3, Star, X } from "lucide-react";
import { useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { post, get } from "../../api/client";
import { useRows } from "../../api/queries";
import { key } from "../../api/rows";
import type { Row } from "../../api/types";
import { Button, Copyable, Menu, Problem, Waiting } from "../../design/parts";
import { collator, t, useLanguage } from "../../i18n";
import { announce } from "../../shell/Frame";
import { type Search, toggled } from "../../shell/search";
import { useTitle } from "../../shell/title";
import { useFavorites } from "./favorites";
import { facets, Order, show } from "./filter";
import { Filters } from "./Filters";
import { SavedViews } from "./SavedViews";
import { Table } from "./Table";
import { Tiles } from "./Tiles";
import "./applications.css";

const none: Row[] = [];

export default function Applications() {
  useTitle(t("apps.title"));
  const language = useLanguage();
  const rows = useRows();
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const favorites = useFavorites();
  const [text, setText] = useState(search.search ?? "");
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [narrow, setNarrow] = useState(false);
  const compare = useMemo(() => collator().compare, [language]);
  const typed = useDeferredValue(text);
  const order = useRef(new Order());
  const shown = useMemo(() => show(rows.data?.items ?? none, { ...search, search: typed }, favorites, compare, order.current), [rows.data, search, typed, favorites, compare]);
  // The address follows what is typed without a step back for each letter; a filter that is chosen is a step.
  const to = (change: Search, replace = false) => void navigate({ to: ".", search: (old: Search) => ({ ...old, ...change }), replace });
  const last = useRef(search.search ?? "");
  useEffect(() => {
    if (typed !== last.current) {
      last.current = typed;
      to({ search: typed || undefined }, true);
    }
  });
  useEffect(() => {
    if ((search.search ?? "") !== last.current) {
      last.current = search.search ?? "";
      setText(search.search ?? "");
    }
  }, [search.search]);
  const count = shown.rows.length;
  useEffect(() => {
    if (rows.data) announce(t("apps.counted", { count }));
  }, [count, rows.data]);

  if (rows.isPending) return <Waiting />;
  if (rows.isError && !rows.data) return <Problem error={rows.error} again={() => void rows.refetch()} />;
  const filtered = facets.some((f) => search[f]) || search.labels || search.favorites || search.attention || text;
  const clear = () => {
    setText("");
    to({ ...Object.fromEntries(facets.map((f) => [f, undefined])), labels: undefined, favorites: undefined, attention: undefined, search: undefined });
  };
  const chosen = shown.rows.filter((r) => selected.has(key(r)));
  const select = (k: string) => setSelected((old) => {
    const next = new Set(old);
    if (!next.delete(k)) next.add(k);
    return next;
  });
  const asTable = search.view === "table" || search.view === "list";
  return (
    <div className="apps" data-ready>
      <div className="view-head">
        <h1>{t("apps.title")}</h1>
        <span className="muted">{filtered ? t("apps.count", { shown: count, total: rows.data.items.length }) : t("overview.summary", { count })}</span>
        <div className="actions noprint">
          <Button look="main" icon={<Plus size={16} aria-hidden />} onPress={() => void navigate({ to: "/new" })}>
            {t("nav.new")}
          </Button>
        </div>
      </div>
      <div className="apps-tools noprint">
        <input className="input" type="search" aria-label={t("apps.search")} placeholder={t("apps.searchHint")} value={text} onChange={(e) => setText(e.target.value)} />
        <Button look={narrow ? "plain" : "quiet"} aria-expanded={narrow} icon={<ListFilter size={16} aria-hidden />} onPress={() => setNarrow(!narrow)}>
          {t("apps.filters")}
        </Button>
        <Button look="quiet" aria-pressed={search.favorites === "true"} icon={<Star size={16} aria-hidden fill={search.favorites === "true" ? "currentColor" : "none"} />} onPress={() => to({ favorites: toggled(search.favorites, "true") })}>
          <span className="wide-only">{t("apps.filter.favorites")}</span>
        </Button>
        <SavedViews search={{ ...search, search: typed || undefined }} show={(to) => void navigate({ to: ".", search: to })} />
        {filtered && (
          <Button look="quiet" icon={<X size={16} aria-hidden />} onPress={clear}>
            {t("apps.clear")}
          </Button>
        )}
        <span className="spring" />
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
      </div>
      {narrow && <Filters shown={shown} search={search} choose={to} />}
      {chosen.length > 0 && <Bulk rows={chosen} done={() => setSelected(new Set())} />}
      {rows.data.items.length === 0 ? (
        <Empty />
      ) : count === 0 ? (
        <p className="muted nothing">{t("apps.nomatch")}</p>
      ) : asTable ? (
        <Table rows={shown.rows} selected={selected} select={select} all={() => setSelected(chosen.length === count ? new Set() : new Set(shown.rows.map(key)))} search={search} sort={to} />
      ) : (
        <Tiles rows={shown.rows} favorites={favorites} selected={selected} select={select} />
      )}
    </div>
  );
}

function Empty() {
  return (
    <section className="card empty">
      <h2>{t("apps.none.title")}</h2>
      <p>{t("apps.none.text")}</p>
      <Copyable text="cyan app create NAME --repo URL --path FOLDER --dest-namespace NAMESPACE --dest-server https://kubernetes.default.svc --sync-policy automated" />
    </section>
  );
}

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
          failed.push(t("apps.bulkFailed", { name: row.name, message: (error as Error).message || t("error.unreachable") }));
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
