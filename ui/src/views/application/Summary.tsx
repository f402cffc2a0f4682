import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Play, RefreshCw, Trash2 } from "lucide-react";
import { useState } from "react";
import { Radio, RadioGroup, Label } from "react-aria-components";
import { del, get, post } from "../../api/client";
import type { Detail, Row, TreeNode } from "../../api/types";
import { Ago } from "../../design/Time";
import { Button, Copyable, Dialog, Failure, Link } from "../../design/parts";
import { toneOf } from "../../design/Status";
import { has, t } from "../../i18n";
import { announce } from "../../shell/Frame";
import type { Search } from "../../shell/search";
import { nodeKey } from "./address";
import { appPath, missing, ofObject } from "./calls";
import { info, Reason, resultWord } from "./parts";
import { Told } from "../../design/Told";

/** Summary is what there is to know of an object without reading its manifest, and what can be done with it. */
export function Summary({ detail, node, onDeleted }: { detail: Detail; node: TreeNode; onDeleted: () => void }) {
  const navigate = useNavigate();
  const known = new Set(["Status Reason"]);
  const reason = node.message ?? (node.health !== "Healthy" ? info(node, "Status Reason") : undefined);
  const result = detail.operation?.results.find((r) => r.name === node.name && r.kind === node.kind && r.group === node.group);
  return (
    <div className="stack">
      {reason && (
        <p className="notice name" data-tone={node.health && node.health !== "Healthy" ? toneOf("health", node.health) : "none"}>
          <Reason node={node} message={reason} />
        </p>
      )}
      {node.prunes && (
        <p className="notice" data-tone="warn">
          {t("app.prunes.explain")}
        </p>
      )}
      <dl className="facts">
        {node.created && (
          <>
            <dt>{t("app.col.age")}</dt>
            <dd>
              <Ago at={node.created} />
            </dd>
          </>
        )}
        {node.info
          .filter((i) => !known.has(i.name))
          .map((i) => (
            <div key={i.name} className="contents">
              <dt>{has(`app.info.${i.name}`) ? t(`app.info.${i.name}` as "app.info.Revision") : i.name}</dt>
              <dd className="name">{i.value.replace(/^Rev:/, "")}</dd>
            </div>
          ))}
        {node.images.length > 0 && (
          <>
            <dt>{t("app.images")}</dt>
            <dd>
              {node.images.map((i) => (
                <Copyable key={i} text={i} />
              ))}
            </dd>
          </>
        )}
        {node.urls.length > 0 && (
          <>
            <dt>{t("app.links")}</dt>
            <dd>
              {node.urls.map((u) => (
                <Link key={u} href={u}>
                  {u}
                </Link>
              ))}
            </dd>
          </>
        )}
        {node.wave !== undefined && (
          <>
            <dt>{t("app.wave")}</dt>
            <dd>{node.wave}</dd>
          </>
        )}
        {result && (
          <>
            <dt>{t("app.operation")}</dt>
            <dd className="name">
              {resultWord(result)} {result.message && <Told message={result.message} />}
            </dd>
          </>
        )}
      </dl>
      {node.kind === "Rollout" && node.namespace && (
        <div>
          <Button look="main" onPress={() => void navigate({ to: "/rollouts/$namespace/$name", params: { namespace: node.namespace!, name: node.name } })}>
            {t("app.openRollout")}
          </Button>
        </div>
      )}
      <Actions row={detail.row} node={node} onDeleted={onDeleted} />
    </div>
  );
}

interface Action {
  name: string;
  displayName?: string;
  disabled?: boolean;
}

function Actions({ row, node, onDeleted }: { row: Row; node: TreeNode; onDeleted: () => void }) {
  const navigate = useNavigate();
  const path = `${appPath(row)}/resource/actions?${ofObject(row, node)}`;
  const actions = useQuery({ queryKey: ["actions", row.namespace, row.name, node.id], queryFn: ({ signal }) => get<{ actions?: Action[] }>(path, {}, signal) });
  const [state, set] = useState<{ busy?: string; failed?: unknown; done?: string }>({});
  const [deleting, setDeleting] = useState(false);
  const run = async (action: Action) => {
    set({ busy: action.name });
    try {
      await post(path, action.name);
      const done = t("app.action.done", { action: action.displayName || action.name });
      announce(done);
      set({ done });
    } catch (error) {
      set({ failed: error });
    }
  };
  return (
    <section className="stack" aria-label={t("app.actions")}>
      <div className="actions">
        {node.managed && (
          <Button look={node.sync === "OutOfSync" ? "main" : "plain"} icon={<RefreshCw size={15} aria-hidden />} why={missing(row, "sync")} onPress={() => void navigate({ to: ".", search: (old: Search) => ({ ...old, deploy: nodeKey(node) }), resetScroll: false })}>
            {t("app.object.sync")}
          </Button>
        )}
        {(actions.data?.actions ?? []).map((a) => (
          <Button key={a.name} icon={<Play size={14} aria-hidden />} isPending={state.busy === a.name} why={missing(row, "action") ?? (a.disabled ? t("app.action.off") : undefined)} onPress={() => void run(a)}>
            {a.displayName || a.name}
          </Button>
        ))}
        <Button look="danger" icon={<Trash2 size={15} aria-hidden />} why={missing(row, "delete")} onPress={() => setDeleting(true)}>
          {t("app.object.delete")}
        </Button>
      </div>
      {state.done && (
        <p className="notice" data-tone="ok">
          {state.done}
        </p>
      )}
      {state.failed !== undefined && (
        <p className="notice name" data-tone="bad" role="alert">
          <Failure error={state.failed} />
        </p>
      )}
      {deleting && <Delete row={row} node={node} close={() => setDeleting(false)} done={onDeleted} />}
    </section>
  );
}

const ways = ["foreground", "force", "orphan"] as const;

function Delete({ row, node, close, done }: { row: Row; node: TreeNode; close: () => void; done: () => void }) {
  const [way, setWay] = useState<string>("foreground");
  const [failed, setFailed] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const go = async () => {
    setBusy(true);
    try {
      await del(`${appPath(row)}/resource?${ofObject(row, node)}`, { force: way === "force", orphan: way === "orphan" });
      announce(t("app.object.deleted", { name: node.name }));
      done();
    } catch (error) {
      setFailed(error);
      setBusy(false);
    }
  };
  return (
    <Dialog title={t("app.object.deleteTitle", { kind: node.kind, name: node.name })} onClose={close} role="alertdialog">
      <p>{t(node.kind === "Pod" ? "app.object.pod" : node.managed ? "app.object.managed" : "app.object.owned")}</p>
      {node.kind !== "Pod" ? (
        <RadioGroup value={way} onChange={setWay} className="field">
          <Label>{t("app.object.way")}</Label>
          {ways.map((w) => (
            <Radio key={w} value={w} className="radio">
              <i aria-hidden />
              {t(`app.object.way.${w}`)}
            </Radio>
          ))}
        </RadioGroup>
      ) : null}
      {failed !== undefined && (
        <p className="notice name" data-tone="bad" role="alert">
          <Failure error={failed} />
        </p>
      )}
      <footer>
        <Button onPress={close}>{t("cancel")}</Button>
        <Button look="danger" isPending={busy} onPress={() => void go()}>
          {t("app.object.deleteNow")}
        </Button>
      </footer>
    </Dialog>
  );
}
