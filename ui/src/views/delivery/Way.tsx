import { Check, CircleDashed, CircleHelp, Hand, LoaderCircle, type LucideIcon, OctagonAlert } from "lucide-react";
import type { Delivery, Stage } from "../../api/types";
import { useNow } from "../../design/Time";
import { Card } from "../../design/parts";
import { duration, exact } from "../../design/time";
import { t, word } from "../../i18n";
import { longest, timeline } from "./figures";
import { Told } from "../../design/Told";

const icons: Record<Stage["state"], LucideIcon> = { done: Check, running: LoaderCircle, waiting: Hand, failed: OctagonAlert, skipped: CircleDashed, unknown: CircleHelp };

/** Way draws each stage where it lies in the time of the whole way, with its seconds and what it says. */
export function Way({ delivery }: { delivery: Delivery }) {
  const moving = delivery.state === "Running" || delivery.state === "Waiting";
  const now = useNow(moving ? 1000 : 60_000);
  const { spans, seconds } = timeline(delivery.stages, now);
  const most = longest(delivery.stages, now);
  return (
    <Card
      title={t("delivery.way")}
      className="way-card"
      aside={
        seconds > 0 && (
          <span className="muted small figures">
            {t("delivery.whole", { time: duration(seconds) })}
            {most && <> · {t("delivery.most", { stage: word("stage", most.stage.name), time: duration(most.seconds), share: most.share })}</>}
          </span>
        )
      }
    >
      <ol className="way">
        {spans.map(({ stage, seconds, from, to }) => {
          const ahead = stage.state === "waiting" && !stage.startedAt;
          const Icon = ahead ? CircleDashed : icons[stage.state];
          return (
            <li key={stage.name} data-state={ahead ? "ahead" : stage.state} data-stage={stage.name}>
              <span className="way-name">
                <Icon size={15} strokeWidth={2.4} aria-hidden /> {word("stage", stage.name)}
                <span className="unseen"> {ahead ? t("delivery.ahead") : word("state", stage.state)}</span>
              </span>
              <span className="way-line" aria-hidden title={stage.startedAt && exact(Date.parse(stage.startedAt))}>
                {from !== undefined && to !== undefined && <i style={{ insetInlineStart: `${from * 100}%`, width: `${Math.max(0, to - from) * 100}%` }} />}
              </span>
              <span className="way-time">{seconds !== undefined ? duration(stage.finishedAt ? seconds : Math.floor(seconds)) : !ahead && stage.state !== "skipped" && <Unknown />}</span>
              {stage.message && (
                <p className="way-words name">
                  <Told message={stage.message} said={stage.said} />
                </p>
              )}
            </li>
          );
        })}
      </ol>
    </Card>
  );
}

function Unknown() {
  return (
    <span className="muted" title={t("delivery.unknownTime")}>
      –<span className="unseen">{t("delivery.unknownTime")}</span>
    </span>
  );
}
