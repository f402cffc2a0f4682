import { Link as To, useNavigate } from "@tanstack/react-router";
import { ExternalLink, GitCommitHorizontal, History as HistoryIcon, Pencil, RefreshCw, RotateCw, Square, Trash2 } from "lucide-react";
import { useState } from "react";
import { del, get } from "../../api/client";
import type { Detail } from "../../api/types";
import { Ago, Lasting } from "../../design/Time";
import { Button, Failure, Link, Menu, short } from "../../design/parts";
import { Status } from "../../design/Status";
import { t } from "../../i18n";
import { announce } from "../../shell/Frame";
import { appPath, missing, scope } from "./calls";
import { running } from "./parts";
import { madeOf } from "./sync";
import { byWhom } from "../../i18n/said";

interface Props {
  detail: Detail;
  onSync: () => void;
  onHistory: () => void;
  onOperation: () => void;
  onDelete: () => void;
}

/** Head is what an application is, how it is, and what can be done with it. */
export function Head(p: Props) {
  const { row, urls, links } = p.detail;
  return (
    <>
      <div className="view-head app-head">
        <div className="app-title">
          <h1 className="name">{row.name}</h1>
          <p className="muted name">
            {row.project} · {row.cluster}/{row.destination}
            {row.owner && <> · {t("app.owner", { owner: row.owner })}</>}
          </p>
        </div>
        <Actions {...p} />
      </div>
      {(urls.length > 0 || links.length > 0 || row.rollouts.length > 0) && (
        <ul className="app-links" aria-label={t("app.links")}>
          {urls.map((url) => (
            <li key={url}>
              <ExternalLink size={14} aria-hidden />
              <Link href={url}>{url.replace(/^https?:\/\//, "").replace(/\/$/, "")}</Link>
            </li>
          ))}
          {links.map((l) => (
            <li key={l.url + l.title}>
              <ExternalLink size={14} aria-hidden />
              <Link href={l.url}>{l.title}</Link>
            </li>
          ))}
          {row.rollouts.slice(0, 8).map((r) => (
            <li key={`${r.namespace}/${r.name}`}>
              <To to="/rollouts/$namespace/$name" params={{ namespace: r.namespace, name: r.name }}>
                Rollout {r.name}
              </To>
              <Status kind="rollout" value={r.phase} bare />
            </li>
          ))}
        </ul>
      )}
      <States {...p} />
    </>
  );
}

function Actions({ detail, onSync, onHistory, onDelete }: Props) {
  const { row, operation } = detail;
  const navigate = useNavigate();
  const [failed, setFailed] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const ask = async (what: () => Promise<unknown>, done: string) => {
    setBusy(true);
    setFailed(undefined);
    try {
      await what();
      announce(done);
    } catch (error) {
      setFailed(error);
    } finally {
      setBusy(false);
    }
  };
  const refresh = (kind: string) => ask(() => get(appPath(row), { ...scope(row), refresh: kind }), t("app.refreshed"));
  return (
    <div className="actions noprint">
      {running(operation?.phase) ? (
        <Button look="danger" icon={<Square size={15} aria-hidden />} why={missing(row, "sync") ?? (operation?.phase === "Terminating" ? t("app.terminating") : undefined)} onPress={() => void ask(() => del(`${appPath(row)}/operation`, scope(row)), t("app.terminating"))}>
          {t("app.terminate")}
        </Button>
      ) : (
        <Button look="main" icon={<RefreshCw size={16} aria-hidden />} why={missing(row, "sync") ?? (detail.canSync ? undefined : t("app.window.closed"))} onPress={onSync}>
          {t("app.sync")}
        </Button>
      )}
      <div className="pair">
        <Button icon={<RotateCw size={16} aria-hidden />} why={missing(row, "get")} isPending={busy} onPress={() => void refresh("normal")}>
          {t("app.refresh")}
        </Button>
        <Menu label={t("app.refresh.how")} look="plain" items={(["normal", "hard"] as const).map((id) => ({ id, label: t(`app.refresh.${id}`), text: t(`app.refresh.${id}`) }))} onAction={(id) => void refresh(id)}>
          {null}
        </Menu>
      </div>
      <Button icon={<HistoryIcon size={16} aria-hidden />} onPress={onHistory}>
        {t("app.history")}
      </Button>
      <Button icon={<Pencil size={15} aria-hidden />} why={missing(row, "update")} onPress={() => void navigate({ to: "/applications/$namespace/$name/edit", params: { namespace: row.namespace, name: row.name } })}>
        {t("app.edit")}
      </Button>
      <Button look="danger" aria-label={t("app.delete")} icon={<Trash2 size={16} aria-hidden />} why={missing(row, "delete")} onPress={onDelete}>
        <span className="wide-only">{t("app.delete")}</span>
      </Button>
      {failed !== undefined && (
        <p className="notice across-all name" data-tone="bad" role="alert">
          <Failure error={failed} />
        </p>
      )}
    </div>
  );
}

function States({ detail, onOperation }: Props) {
  const { row, operation, commit, nodes } = detail;
  const source = row.chart ?? row.path;
  const made = commit && madeOf(commit);
  return (
    <dl className="app-states card">
      <div>
        <dt>{t("app.health")}</dt>
        <dd>
          <Status kind="health" value={row.health} />
        </dd>
        <dd className="muted small">{t("apps.objects", { count: nodes.filter((n) => n.managed).length })}</dd>
      </div>
      <div>
        <dt>{t("app.syncState")}</dt>
        <dd>
          <Status kind="sync" value={row.sync} />
        </dd>
        <dd className="muted small">
          {t(row.automated ? "apps.automated" : "apps.manual")} · <span className="name">{short(row.targetRevision) || "HEAD"}</span>
          {detail.windows.some((w) => w.active) && <> · {t(detail.canSync ? "app.window.open" : "app.window.closed")}</>}
        </dd>
      </div>
      <div>
        <dt>{t("app.operation")}</dt>
        <dd>
          {operation ? (
            <button type="button" className="plain-link" onClick={onOperation}>
              <Status kind="phase" value={operation.phase} />
            </button>
          ) : (
            <span className="muted">{t("app.operation.none")}</span>
          )}
        </dd>
        {operation && (
          <dd className="muted small">
            {operation.finishedAt ? <Ago at={operation.finishedAt} /> : <Lasting from={operation.startedAt} />}
            {operation.by && <> · {byWhom(operation.by)}</>}
          </dd>
        )}
      </div>
      <div className="app-commit">
        <dt>{t("app.commit")}</dt>
        <dd>
          <GitCommitHorizontal size={16} aria-hidden className="muted" /> <code>{short(commit?.revision ?? row.revision) || "–"}</code> <span className="name app-message">{made?.message?.split("\n")[0]}</span>
        </dd>
        <dd className="muted small name">
          {made?.author && <>{made.author} · </>}
          {commit?.date && (
            <>
              <Ago at={commit.date} /> ·{" "}
            </>
          )}
          <Link href={row.repo}>{row.repo.replace(/^https?:\/\//, "")}</Link>
          {source && <> {source}</>}
        </dd>
      </div>
    </dl>
  );
}
