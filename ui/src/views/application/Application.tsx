import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useDeferredValue, useEffect, useMemo, useState } from "react";
import type { Detail, TreeNode } from "../../api/types";
import { Missing } from "../../design/Missing";
import { Waiting } from "../../design/parts";
import { t, word } from "../../i18n";
import { announce } from "../../shell/Frame";
import type { Search } from "../../shell/search";
import { useTitle } from "../../shell/title";
import { filterOf, history, named, narrowed, nodeKey, nodeOf, viewOf } from "./address";
import { Head } from "./Head";
import { useDetail } from "./live";
import { Narrow } from "./Narrow";
import { Notices } from "./Notices";
import { Tree } from "./Tree";
import { cause, counted, flat, forest, left, lines } from "./tree";
import "./application.css";
import "./panel.css";
import "./sync.css";

const Panel = lazy(() => import("./Panel"));
const Sync = lazy(() => import("./Sync"));
const Operation = lazy(() => import("./Operation"));
const History = lazy(() => import("./History"));
const Network = lazy(() => import("./Network"));
const Pods = lazy(() => import("./Pods"));
const Graph = lazy(() => import("./Graph"));
const Delete = lazy(() => import("./Delete"));
const closed: Search = { node: undefined, tab: undefined, container: undefined, previous: undefined, find: undefined, found: undefined, bad: undefined, line: undefined, diff: undefined, manifest: undefined };

/** Application is one application: how it is and why, its objects, and what can be done with them. */
export default function Application() {
  const { namespace, name } = useParams({ strict: false }) as { namespace: string; name: string };
  useTitle(name);
  const detail = useDetail(namespace, name);
  if (detail.isPending) return <Waiting />;
  if (!detail.data) return <Missing error={detail.error} again={() => void detail.refetch()} list="/applications" />;
  return <Whole key={`${namespace}/${name}`} detail={detail.data} />;
}

function Whole({ detail }: { detail: Detail }) {
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const go = useCallback((change: Search, replace = false) => void navigate({ to: ".", search: (old: Search) => ({ ...old, ...change }), replace, resetScroll: false }), [navigate]);
  const { row } = detail;
  const nodes = useDeferredValue(detail.nodes);
  const roots = useMemo(() => forest(nodes), [nodes]);
  const why = useMemo(() => cause(roots), [roots]);
  const show = useCallback((node: TreeNode, tab?: string) => go({ ...closed, node: nodeKey(node), tab }), [go]);
  // Who walks from object to object looks at the same of each.
  const showKeepingTab = useCallback((node: TreeNode) => go({ ...closed, node: nodeKey(node), tab: search.tab }), [go, search.tab]);
  const close = useCallback(() => go(closed), [go]);
  const wanted = named(search.node);
  useEffect(() => announce(t("app.announce", { name: row.name, health: word("health", row.health), sync: word("sync", row.sync) }), "view"), [row.name, row.health, row.sync]);
  return (
    <div className="app" data-ready data-panel={wanted ? true : undefined}>
      <Head detail={detail} onSync={() => go({ deploy: "all" })} onHistory={() => go({ rollback: history })} onOperation={() => go({ operation: "true" })} onDelete={() => go({ delete: "true" })} />
      <Notices detail={detail} cause={why} show={show} />
      <Objects row={row} nodes={nodes} roots={roots} search={search} go={go} show={showKeepingTab} hidden={detail.hidden} />
      <Dialogs detail={detail} search={search} go={go} />
      {wanted && (
        <Suspense>
          <Panel detail={detail} wanted={wanted} node={nodeOf(nodes, wanted)} search={search} go={go} close={close} />
        </Suspense>
      )}
    </div>
  );
}

/** Dialogs are what the address asks for over the view. */
function Dialogs({ detail, search, go }: { detail: Detail; search: Search; go: (change: Search, replace?: boolean) => void }) {
  const [before, setBefore] = useState<string>();
  // What was asked is watched until the operation of it is there.
  const started = () => {
    setBefore(detail.operation?.startedAt ?? "");
    go({ deploy: undefined, rollback: undefined, operation: "true" }, true);
  };
  return (
    <Suspense>
      {search.deploy && <Sync detail={detail} wanted={search.deploy} close={() => go({ deploy: undefined })} started={started} />}
      {search.rollback && <History detail={detail} wanted={search.rollback} choose={(rollback) => go({ rollback })} close={() => go({ rollback: undefined })} started={started} />}
      {search.delete === "true" && <Delete detail={detail} close={() => go({ delete: undefined })} />}
      {search.operation === "true" && (
        <Operation
          detail={detail}
          before={before}
          close={() => {
            setBefore(undefined);
            go({ operation: undefined });
          }}
        />
      )}
    </Suspense>
  );
}

interface ObjectsProps {
  row: Detail["row"];
  nodes: TreeNode[];
  roots: ReturnType<typeof forest>;
  search: Search;
  go: (change: Search, replace?: boolean) => void;
  show: (node: TreeNode) => void;
  hidden?: number;
}

function Objects({ row, nodes, roots, search, go, show, hidden }: ObjectsProps) {
  const [opened, setOpened] = useState<ReadonlyMap<string, boolean>>(new Map());
  const view = viewOf(search);
  const filter = useMemo(() => filterOf(search), [search.resource, search.search, search.quiet]);
  const counts = useMemo(() => counted(nodes, filter), [nodes, filter]);
  const out = useMemo(() => left(roots), [roots]);
  const all = useMemo(() => (view === "list" ? flat(roots, filter) : lines(roots, filter, opened)), [roots, filter, opened, view]);
  const toggle = useCallback((key: string, open: boolean) => setOpened((old) => new Map(old).set(key, open)), []);
  return (
    <section aria-label={t("app.objects")}>
      <Narrow search={search} view={view} counts={counts} left={out} go={go} />
      {hidden !== undefined && hidden > 0 && (
        <p className="notice" data-tone="warn">
          {t("app.hidden", { count: hidden })}
        </p>
      )}
      <Suspense fallback={<Waiting />}>
        {view === "network" ? (
          <Network nodes={nodes} show={show} />
        ) : view === "pods" ? (
          <Pods nodes={nodes} filter={filter} show={show} />
        ) : all.length === 0 ? (
          <p className="muted nothing">{t(narrowed(search) ? "app.nomatch" : "app.none")}</p>
        ) : view === "tree" && search.graph === "true" ? (
          <Graph row={row} lines={all} show={show} />
        ) : (
          <Tree label={t("app.objects")} lines={all} chosen={search.node?.replace(/\/0$/, "")} choose={show} toggle={toggle} list={view === "list"} />
        )}
      </Suspense>
    </section>
  );
}
