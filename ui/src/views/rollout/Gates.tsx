import { Check, Hourglass, OctagonAlert } from "lucide-react";
import type { RolloutView } from "../../api/types";
import { Until } from "../../design/Time";
import { t, word } from "../../i18n";
import { Told } from "../../design/Told";

const icons = { open: Check, waiting: Hourglass, failed: OctagonAlert };

/** Gates is what stands between the new version and the traffic, in order. */
export function Gates({ gates }: { gates: RolloutView["gates"] }) {
  if (gates.length === 0) return null;
  return (
    <section className="gates-of">
      <h2 className="unseen">{t("rollout.gates")}</h2>
      <ol className="gates">
        {gates.map((gate) => {
          const Icon = icons[gate.state];
          return (
          <li key={gate.name} data-state={gate.state}>
            <div className="gate-head">
              <Icon aria-hidden size={16} strokeWidth={2.4} />
              <b>{word("rollout.gate", gate.name)}</b>
              <span className="gate-state">{t(`rollout.gate.state.${gate.state}`)}</span>
              {gate.until && gate.state === "waiting" && (
                <span className="gate-until">
                  {t("rollout.gate.in", { time: "" })} <Until at={gate.until} />
                </span>
              )}
            </div>
            <p className="name">
              <Told message={gate.message} said={gate.said} />
            </p>
          </li>
          );
        })}
      </ol>
    </section>
  );
}
