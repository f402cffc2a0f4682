import { RotateCcw } from "lucide-react";
import { useState } from "react";
import { post } from "../../api/client";
import type { Deployment, Detail } from "../../api/types";
import { Ago, Lasting } from "../../design/Time";
import { Button, Dialog, Failure, Link, short } from "../../design/parts";
import { t } from "../../i18n";
import { deploymentKey, deploymentOf, history as noneChosen } from "./address";
import { appPath, missing, scope } from "./calls";
import { Preview, usePlan } from "./Preview";
import { compared, liveOf, madeOf } from "./sync";
import { byWhom } from "../../i18n/said";

interface Props {
  detail: Detail;
  /** wanted is the deployment to go back to, as the address has it. */
  wanted: string;
  choose: (id: string) => void;
  close: () => void;
  started: () => void;
}

/** History is what was deployed, by whom and why, and the way back to it. */
export default function History({ detail, wanted, choose, close, started }: Props) {
  const { row, history } = detail;
  const live = liveOf(history, row.revision);
  const to = deploymentOf(history, wanted);
  if (to && to !== live) return <Back detail={detail} to={to} back={() => choose(noneChosen)} close={close} started={started} />;
  return (
    <Dialog title={t("app.history.title", { name: row.name })} onClose={close} wide>
      {history.length === 0 && <p className="muted">{t("app.history.none")}</p>}
      <ol className="history">
        {history.map((h, i) => {
          const before = history[i + 1];
          const made = madeOf(h);
          const link = before && compared(row.repo, before.revision, h.revision);
          return (
            <li key={h.id} data-live={h === live || undefined}>
              <div className="history-what">
                <p>
                  <code>{short(h.revision)}</code> <strong className="name">{made.message?.split("\n")[0]}</strong> {h === live && <span className="chip" data-role="active">{t("app.history.live")}</span>}
                  {detail.pin?.revision === h.revision && <span className="chip" data-tone="still">{t("app.history.pinned")}</span>}
                </p>
                <p className="muted small name">
                  {made.author && <>{made.author} · </>}
                  <Ago at={h.deployedAt} />
                  {h.startedAt && (
                    <>
                      {" "}
                      · <Lasting from={h.startedAt} to={h.deployedAt} />
                    </>
                  )}
                  {h.by && <> · {byWhom(h.by)}</>}
                  {h.path && <> · {h.path}</>}
                  {link && (
                    <>
                      {" "}
                      · <Link href={link}>{t("app.history.compare", { revision: short(before.revision) })}</Link>
                    </>
                  )}
                </p>
              </div>
              {h !== live && (
                <Button icon={<RotateCcw size={15} aria-hidden />} why={missing(row, "rollback")} aria-label={t("app.rollback.to", { revision: short(h.revision) })} onPress={() => choose(deploymentKey(h))}>
                  {t("app.rollback")}
                </Button>
              )}
            </li>
          );
        })}
      </ol>
    </Dialog>
  );
}

function Back({ detail, to, back, close, started }: { detail: Detail; to: Deployment; back: () => void; close: () => void; started: () => void }) {
  const { row } = detail;
  const [prune, setPrune] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<unknown>();
  const made = madeOf(to);
  const plan = usePlan(row, { ...scope(row), revision: to.revision, prune });
  const go = async () => {
    setBusy(true);
    try {
      await post(`${appPath(row)}/rollback`, { ...scope(row), id: to.id, prune });
      started();
    } catch (error) {
      setFailed(error);
      setBusy(false);
    }
  };
  return (
    <Dialog title={t("app.rollback.to", { revision: short(to.revision) })} onClose={close} wide>
      <p>
        <strong className="name">{made.message?.split("\n")[0]}</strong>{" "}
        <span className="muted">
          {made.author} · <Ago at={to.deployedAt} />
        </span>
      </p>
      <p className="notice" data-tone="still">
        {t(row.automated ? "app.rollback.pins" : "app.rollback.manual")}
      </p>
      <label className="tick">
        <input type="checkbox" checked={prune} onChange={(e) => setPrune(e.target.checked)} />
        <span>
          {t("app.sync.prune")} <span className="muted small">{t("app.sync.prune.explain")}</span>
        </span>
      </label>
      <section aria-label={t("app.plan")} className="sync-plan">
        <h3>{t("app.plan")}</h3>
        <Preview plan={plan} />
      </section>
      {failed !== undefined && (
        <p className="notice name" data-tone="bad" role="alert">
          <Failure error={failed} />
        </p>
      )}
      <footer>
        <Button onPress={back}>{t("app.history")}</Button>
        <Button look="main" icon={<RotateCcw size={15} aria-hidden />} isPending={busy} why={missing(row, "rollback")} onPress={() => void go()}>
          {t("app.rollback")}
        </Button>
      </footer>
    </Dialog>
  );
}
