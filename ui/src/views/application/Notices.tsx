import { useNavigate } from "@tanstack/react-router";
import { CircleAlert, Pin, Undo2, UserRoundPen } from "lucide-react";
import { useState } from "react";
import { post } from "../../api/client";
import type { Condition, Detail, Row, TreeNode } from "../../api/types";
import { Ago } from "../../design/Time";
import { Button, short } from "../../design/parts";
import { toneOf } from "../../design/Status";
import { t, word } from "../../i18n";
import { announce } from "../../shell/Frame";
import { Ask } from "../../design/Ask";
import { appPath, missing, scope } from "./calls";
import { Reason } from "./parts";
import type { Cause } from "./tree";
import { Told } from "../../design/Told";
import { byWhom, inLanguage } from "../../i18n/said";

const most = 3;

/** Notices is what somebody has to know before anything else: why it is not well, what holds it, what is to be done. */
export function Notices({ detail, cause, show }: { detail: Detail; cause?: Cause; show: (node: TreeNode, tab?: string) => void }) {
  const { row, pin, conditions, operation } = detail;
  const failed = (operation?.phase === "Failed" || operation?.phase === "Error") && operation.message && !conditions.some((c) => c.message?.includes(operation.message!));
  return (
    <div className="app-notices">
      {row.handedOver && <HandedOver row={row} held={row.handedOver} />}
      {cause && <Why row={row} cause={cause} show={show} />}
      {failed && (
        <div className="notice" data-tone="bad">
          <strong>{t("app.operation.failed")}</strong> <span className="name">
            <Told message={operation!.message!} />
          </span>
        </div>
      )}
      {detail.trouble && (
        <p className="notice name" data-tone="warn">
          <Told message={detail.trouble} />
        </p>
      )}
      <Conditions conditions={row.handedOver ? conditions.filter((c) => c.type !== "HandedOver") : conditions} />
      {pin && (
        <div className="notice" data-tone="still">
          <strong>
            <Pin size={15} aria-hidden /> {t("app.pin", { revision: short(pin.revision) })}
          </strong>{" "}
          {pin.by && <span>{t("app.pin.by", { by: byWhom(pin.by) })}</span>} {pin.since && <Ago at={pin.since} />}
          <p className="name">
            <Told message={pin.remedy} said={pin.remedySaid} />
          </p>
        </div>
      )}
    </div>
  );
}

/** HandedOver is who works on the objects, and the way to have them back. */
function HandedOver({ row, held }: { row: Row; held: NonNullable<Row["handedOver"]> }) {
  const [asked, ask] = useState(false);
  return (
    <div className="notice why" data-tone="still">
      <div>
        <strong>
          <UserRoundPen size={15} aria-hidden /> {t("apps.handedOver", { by: held.by })}
        </strong>{" "}
        <span className="muted small">
          <Ago at={held.since} />
        </span>
        <p>{t("app.handedOver.text")}</p>
      </div>
      <div className="actions noprint">
        <Button icon={<Undo2 size={15} aria-hidden />} why={missing(row, "override")} onPress={() => ask(true)}>
          {t("app.reclaim")}
        </Button>
      </div>
      {asked && (
        <Ask
          title={t("app.reclaim")}
          text={t("app.reclaim.text", { by: held.by })}
          action={t("app.reclaim")}
          danger
          close={() => ask(false)}
          run={async () => {
            await post(`${appPath(row)}/reclaim`, {}, scope(row));
            announce(t("app.reclaim.done"));
          }}
        />
      )}
    </div>
  );
}

function Why({ row, cause, show }: { row: Detail["row"]; cause: Cause; show: (node: TreeNode, tab?: string) => void }) {
  const { node, others } = cause;
  const navigate = useNavigate();
  // What is on its way needs no explanation, unless it gives one itself.
  if (row.health === "Healthy" || (!node.message && (node.health === "Progressing" || node.health === "Suspended"))) return null;
  const crashed = node.kind === "Pod" && node.health === "Degraded";
  return (
    <div className="notice why" data-tone={toneOf("health", node.health ?? row.health)}>
      <div>
        <strong>
          <CircleAlert size={16} aria-hidden /> {t("app.why", { kind: node.kind, name: node.name, health: word("health", node.health ?? "") })}
        </strong>
        {others > 0 && <span className="muted"> {t("app.why.others", { count: others })}</span>}
        <p className="name">{node.message ? <Reason node={node} message={node.message} /> : t(node.health === "Missing" ? "app.why.missing" : "app.why.silent")}</p>
      </div>
      <div className="actions noprint">
        {node.kind === "Pod" && (
          <Button onPress={() => show(node, "logs")}>{t(crashed ? "app.why.crash" : "app.why.logs")}</Button>
        )}
        {node.kind === "Rollout" && node.namespace && (
          <Button look="main" onPress={() => void navigate({ to: "/rollouts/$namespace/$name", params: { namespace: node.namespace!, name: node.name } })}>
            {t("app.openRollout")}
          </Button>
        )}
        {/* What is not there has no events. */}
        {node.health !== "Missing" && <Button onPress={() => show(node, "events")}>{t("app.tab.events")}</Button>}
      </div>
    </div>
  );
}

/** What is the cause of a condition and what to do; as one sentence, where the reader's language has words for both together alone. */
function What({ condition: { message, remedy, remedySaid } }: { condition: Condition }) {
  const whole = message && remedy ? `${message}; ${remedy}` : undefined;
  if (whole && inLanguage(message!).lang && !inLanguage(whole).lang) {
    return (
      <p className="name">
        <Told message={whole} />
      </p>
    );
  }
  return (
    <>
      {message && (
        <p className="name">
          <Told message={message} />
        </p>
      )}
      {remedy && (
        <p className="name">
          <span className="muted">{t("app.remedy")}</span> <Told message={remedy} said={remedySaid} />
        </p>
      )}
    </>
  );
}

function Conditions({ conditions }: { conditions: Condition[] }) {
  const [all, set] = useState(false);
  const shown = all ? conditions : conditions.slice(0, most);
  return (
    <>
      {shown.map((c, i) => (
        <div key={`${c.type}${i}`} className="notice" data-tone={/Warning$/.test(c.type) ? "warn" : "bad"}>
          <strong>{c.type}</strong>{" "}
          {c.since && (
            <span className="muted small">
              <Ago at={c.since} />
            </span>
          )}
          <What condition={c} />
        </div>
      ))}
      {conditions.length > most && !all && (
        <Button look="quiet" onPress={() => set(true)}>
          {t("more", { count: conditions.length - most })}
        </Button>
      )}
    </>
  );
}
