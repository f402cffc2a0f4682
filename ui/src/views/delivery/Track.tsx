import { Link as To } from "@tanstack/react-router";
import type { Delivery } from "../../api/types";
import { useNow } from "../../design/Time";
import { short } from "../../design/parts";
import { Status } from "../../design/Status";
import { duration } from "../../design/time";
import { t, word } from "../../i18n";
import { lasted } from "./figures";
import "./track.css";
import { inLanguage } from "../../i18n/said";

/** Track draws the way of a commit as a line through its stages; light runs where it is. */
export function Track({ delivery, compact }: { delivery: Delivery; compact?: boolean }) {
  const moving = delivery.state === "Running" || delivery.state === "Waiting";
  const now = useNow(moving ? 1000 : 60_000);
  return (
    <ol className="track" data-compact={compact || undefined} aria-label={t("delivery.track")}>
      {delivery.stages.map((stage) => {
        const seconds = lasted(stage, now);
        return (
          <li key={stage.name} data-state={stage.state} data-here={(stage.state === "waiting" && stage.startedAt !== undefined) || undefined} title={stage.message && inLanguage(stage.message, stage.said).text}>
            <i aria-hidden />
            <span className="track-name">{word("stage", stage.name)}</span>
            <span className="track-time">
              {seconds === undefined ? "" : duration(stage.finishedAt ? seconds : Math.floor(seconds))}
              <span className="unseen"> {word("state", stage.state)}</span>
            </span>
          </li>
        );
      })}
    </ol>
  );
}

/** Bar draws where the time of a delivery went, each stage as wide as it took. */
export function Bar({ delivery }: { delivery: Delivery }) {
  const spans = delivery.stages.flatMap((stage) => {
    const seconds = lasted(stage, 0);
    return seconds === undefined ? [] : [{ stage, seconds }];
  });
  const words = spans.map(({ stage, seconds }) => `${word("stage", stage.name)} ${duration(seconds)}`).join(" · ");
  return (
    <div className="spans" role="img" aria-label={words} title={words}>
      {spans
        .filter(({ seconds }) => seconds > 0)
        .map(({ stage, seconds }) => (
          <span key={stage.name} data-stage={stage.name} data-state={stage.state} style={{ flexGrow: seconds }}>
            <b>{word("stage", stage.name)}</b> <span>{duration(seconds)}</span>
          </span>
        ))}
    </div>
  );
}

/** DeliveryLine is a delivery in a list: whose commit, where to, how far. */
export function DeliveryLine({ delivery }: { delivery: Delivery }) {
  const moving = delivery.state === "Running" || delivery.state === "Waiting";
  const commit = delivery.source ?? delivery.commit;
  return (
    <article className="delivery">
      <header>
        <h3 className="name">
          <To to="/deliveries/$namespace/$application/$id" params={{ namespace: delivery.namespace, application: delivery.application, id: delivery.id }} title={delivery.application}>
            {delivery.application}
          </To>
        </h3>
        <Status kind="delivery" value={delivery.state} />
        <span className="delivery-commit">
          <code>{short(commit.sha)}</code> <span className="name">{commit.message?.split("\n")[0]}</span> {commit.author && <span className="muted">{commit.author}</span>}
        </span>
        {delivery.leadSeconds !== undefined && (
          <span className="lead">
            <strong>{duration(delivery.leadSeconds)}</strong> <span className="muted">{t("delivery.lead")}</span>
          </span>
        )}
      </header>
      {moving ? <Track delivery={delivery} compact /> : <Bar delivery={delivery} />}
    </article>
  );
}
