import type { Detail, Result } from "../../api/types";
import { Ago, Lasting } from "../../design/Time";
import { Dialog, short } from "../../design/parts";
import { Status } from "../../design/Status";
import { t } from "../../i18n";
import { resultWord, running } from "./parts";
import { byWhom } from "../../i18n/said";
import { Told } from "../../design/Told";

const bad = (r: Result) => r.phase === "Failed" || r.phase === "Error" || r.status === "SyncFailed";

/** Operation is what the last operation did to each object, while it does it. */
export default function Operation({ detail, before, close }: { detail: Detail; before?: string; close: () => void }) {
  const op = detail.operation;
  const waits = before !== undefined && (op?.startedAt ?? "") === before;
  return (
    <Dialog title={t("app.operation.title", { name: detail.row.name })} onClose={close} wide>
      {waits ? (
        <p role="status">{t("app.operation.asked")}</p>
      ) : !op ? (
        <p className="muted">{t("app.operation.none")}</p>
      ) : (
        <>
          <p className="plan-sum">
            <Status kind="phase" value={op.phase} />
            <span>
              <Lasting from={op.startedAt} to={op.finishedAt} />
            </span>
            <span className="muted">
              <Ago at={op.startedAt} />
            </span>
            {op.revision && <code>{short(op.revision)}</code>}
            {op.by && <span className="muted">{byWhom(op.by)}</span>}
            {(op.retries ?? 0) > 0 && <span>{t("app.operation.retries", { count: op.retries! })}</span>}
          </p>
          {op.message && (
            <p className="notice name" data-tone={op.phase === "Failed" || op.phase === "Error" ? "bad" : running(op.phase) ? "busy" : "ok"}>
              <Told message={op.message} />
            </p>
          )}
          <ul className="results">
            {op.results
              .slice()
              .sort((a, b) => Number(bad(b)) - Number(bad(a)))
              .slice(0, 300)
              .map((r, i) => (
                <li key={i} data-tone={bad(r) ? "bad" : undefined}>
                  <span className="o-kind">{r.kind}</span>
                  <span className="name result-name">{r.name}</span>
                  {r.hook && <span className="chip">{t("app.hook", { hook: r.hook })}</span>}
                  <span className={bad(r) ? "result-bad" : ""}>{resultWord(r)}</span>
                  <span className="muted name result-message">{r.message && <Told message={r.message} />}</span>
                </li>
              ))}
            {op.results.length > 300 && <li className="muted">{t("more", { count: op.results.length - 300 })}</li>}
          </ul>
        </>
      )}
    </Dialog>
  );
}
