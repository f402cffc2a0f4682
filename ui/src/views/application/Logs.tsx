import { ArrowDownToLine, Download, Pause } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { address, pieces, Refusal } from "../../api/client";
import { now } from "../../api/clock";
import type { Row, TreeNode } from "../../api/types";
import { Button, Menu, Waiting } from "../../design/parts";
import { t } from "../../i18n";
import { announce } from "../../shell/Frame";
import { type Search, toggled } from "../../shell/search";
import { appPath, missing, scope } from "./calls";
import { containers, crashed, type Entry, parse, sinceLine } from "./log";
import { LogView } from "./LogView";
import { useLiveManifest } from "./Manifest";
import { Told } from "../../design/Told";

/** streams is how many containers are listened to at once: a browser has six connections for everything. */
const streams = 3;
const tail = 500;
type Go = (change: Search, replace?: boolean) => void;

/** Logs is what the containers of a Pod, or of all Pods of what makes them, write. */
export function Logs({ row, node, search, go }: { row: Row; node: TreeNode; search: Search; go: Go }) {
  const live = useLiveManifest(row, node);
  const why = missing(row, "logs");
  if (why) return <p className="notice">{why}</p>;
  if (live.isPending) return <Waiting />;
  return <Reading row={row} node={node} search={search} go={go} names={containers(live.data ?? {})} crash={node.kind === "Pod" ? crashed(live.data ?? {}) : undefined} />;
}

const on = (value: string | undefined) => value === "true";

function Reading({ row, node, search, go, names, crash }: { row: Row; node: TreeNode; search: Search; go: Go; names: string[]; crash?: string }) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<LogView>(undefined);
  const [state, setState] = useState({ kept: 0, dropped: 0, following: true });
  const [problem, setProblem] = useState<string>();
  const [answered, setAnswered] = useState(false);
  const container = search.container ?? crash ?? names[0] ?? "";
  const previous = search.previous === undefined ? crash !== undefined && container === crash : on(search.previous);
  const read = container === "*" ? names.slice(0, streams) : [container];
  const several = node.kind !== "Pod" || read.length > 1;
  const find = (search.find ?? "").toLowerCase();

  useEffect(() => {
    let waits: ReturnType<typeof setTimeout> | undefined;
    let shown = 0;
    let last = { kept: 0, dropped: 0, following: true };
    const made = new LogView(host.current!, (s) => {
      // What is said of the log follows it, but not in each of its frames.
      last = s;
      if (s.kept > 0 && shown === 0) setState(s);
      shown ||= s.kept;
      waits ??= setTimeout(() => {
        waits = undefined;
        setState(last);
      }, 200);
    });
    view.current = made;
    return () => {
      clearTimeout(waits);
      made.close();
    };
  }, []);
  useEffect(() => {
    view.current?.set({ find, onlyFound: on(search.found), onlyBad: on(search.bad), times: on(search.times), names: several, line: search.line });
  }, [find, search.found, search.bad, search.times, search.line, several]);
  const which = read.join(",");
  useEffect(() => {
    const stop = new AbortController();
    setProblem(undefined);
    setAnswered(false);
    view.current?.clear();
    for (const name of which.split(",")) void listen(row, node, name, { previous, line: search.line }, (e) => view.current?.push(e), setProblem, () => setAnswered(true), stop.signal);
    return () => stop.abort();
    // The row and the node are new values with each change; what is read stays the same.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [row.name, row.namespace, node.id, which, previous]);

  const linked = (e: React.MouseEvent) => {
    const line = (e.target as HTMLElement).closest<HTMLElement>("[data-line]");
    if (!line || !(e.target as HTMLElement).classList.contains("log-time")) return;
    go({ line: line.dataset.line }, true);
    void navigator.clipboard?.writeText(location.href);
    announce(t("app.logs.linked"));
  };
  const option = (id: "times" | "wrap" | "found" | "bad") => ({ id, label: t(`app.logs.${id}`), text: t(`app.logs.${id}`), chosen: id === "wrap" ? search.wrap !== "false" : on(search[id]) });
  return (
    <div className="logs">
      <div className="actions">
        <input className="input" type="search" aria-label={t("app.logs.search")} placeholder={t("app.logs.search")} value={search.find ?? ""} onChange={(e) => go({ find: e.target.value || undefined }, true)} />
        {names.length > 1 && (
          <Menu label={`${t("app.logs.container")}: ${container === "*" ? t("app.logs.all") : container}`} look="plain" items={[{ id: "*", label: t("app.logs.all"), text: t("app.logs.all"), chosen: container === "*" }, ...names.map((n) => ({ id: n, label: n, text: n, chosen: container === n }))]} onAction={(id) => go({ container: id, previous: undefined })}>
            {container === "*" ? t("app.logs.all") : container}
          </Menu>
        )}
        <Button look={previous ? "plain" : "quiet"} aria-pressed={previous} onPress={() => go({ previous: String(!previous) })}>
          {t("app.logs.previous")}
        </Button>
        <Menu label={t("app.logs.options")} many items={[option("times"), option("wrap"), option("found"), option("bad")]} onAction={(id) => go(id === "wrap" ? { wrap: search.wrap === "false" ? undefined : "false" } : { [id]: toggled(search[id], "true") }, true)}>
          {t("app.logs.options")}
        </Menu>
        <span className="spring" />
        <a className="button quiet" href={address(`${appPath(row)}/logs`, query(row, node, container === "*" ? "" : container, { download: true, previous, tailLines: 100_000 })).href} download aria-label={t("app.logs.download")}>
          <Download size={16} aria-hidden />
        </a>
        <Button look={state.following ? "plain" : "quiet"} aria-pressed={state.following} icon={state.following ? <ArrowDownToLine size={16} aria-hidden /> : <Pause size={16} aria-hidden />} onPress={() => view.current?.follow(!state.following)}>
          {t("app.logs.follow")}
        </Button>
      </div>
      {previous && crash !== undefined && search.previous === undefined && (
        <p className="notice" data-tone="warn">
          {t("app.logs.crashed", { container: crash })}
        </p>
      )}
      {container === "*" && names.length > streams && <p className="muted small">{t("app.logs.some", { count: streams, names: read.join(", ") })}</p>}
      {problem && (
        <p className="notice name" data-tone="bad" role="alert">
          <Told message={problem} />
        </p>
      )}
      <div ref={host} className="log-lines" role="log" aria-live="off" aria-label={t("app.tab.logs")} tabIndex={0} data-wrap={search.wrap !== "false" || undefined} onClick={linked} />
      <p className="muted small log-foot">
        {state.kept > 0 || answered || problem ? t("app.logs.kept", { count: state.kept }) : t("app.logs.begins")}
        {state.dropped > 0 && <> · {t("app.logs.dropped", { count: state.dropped })}</>}
      </p>
    </div>
  );
}

function query(row: Row, node: TreeNode, container: string, more: Record<string, string | number | boolean | undefined>) {
  const of = node.kind === "Pod" ? { podName: node.name } : { group: node.group, kind: node.kind, resourceName: node.name };
  return { ...scope(row), namespace: node.namespace, ...of, container, ...more };
}

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
  });

/** listen reads one container until it has ended, and goes on after a break where it was. */
async function listen(row: Row, node: TreeNode, container: string, how: { previous: boolean; line?: string }, take: (entries: Entry[]) => void, failed: (text?: string) => void, answered: () => void, signal: AbortSignal) {
  const seen = new Map<string, string>();
  let since = sinceLine(how.line, now());
  for (let again = 0; !signal.aborted; again++) {
    try {
      let rest = "";
      for await (const piece of pieces(`${appPath(row)}/logs`, query(row, node, container, { follow: !how.previous, previous: how.previous, tailLines: since === undefined ? tail : undefined, sinceSeconds: since }), signal)) {
        const parsed = parse(rest + piece, container);
        rest = parsed.rest;
        const fresh = again === 0 ? parsed.entries : parsed.entries.filter((e) => e.time > (seen.get(e.pod) ?? ""));
        for (const e of fresh) if (e.time > (seen.get(e.pod) ?? "")) seen.set(e.pod, e.time);
        failed(parsed.error);
        take(fresh);
        if (again === 0) answered();
        if (parsed.last) return;
      }
      if (how.previous) return;
    } catch (error) {
      if (signal.aborted) return;
      failed((error as Error).message || t("error.unreachable"));
      if (error instanceof Refusal && error.status >= 400 && error.status < 500) return;
    }
    const newest = [...seen.values()].sort().pop();
    since = newest ? Math.max(1, Math.ceil((now() - Date.parse(newest)) / 1000) + 2) : since;
    await pause(2000, signal);
  }
}
