import { Check } from "lucide-react";
import type { RolloutView } from "../../api/types";
import { t } from "../../i18n";

/** Weight shows how much of the traffic a canary has, and where that is going. */
export function Weight({ weight }: { weight: NonNullable<RolloutView["weight"]> }) {
  const words = t("rollout.weightWords", { actual: weight.actual, desired: weight.desired, same: weight.actual === weight.desired ? "yes" : "no" });
  return (
    <section className="weight">
      <h2 className="small">{t("rollout.weight")}</h2>
      <div className="weight-bar" role="img" aria-label={words}>
        <i style={{ width: `${Math.min(100, Math.max(0, weight.actual))}%` }} />
        <b style={{ insetInlineStart: `${Math.min(100, Math.max(0, weight.desired))}%` }} />
      </div>
      <p className="small">{words}</p>
    </section>
  );
}

/** Steps is the way of a canary, step by step. */
export function Steps({ steps }: { steps: NonNullable<RolloutView["steps"]> }) {
  if (steps.length === 0) return null;
  return (
    <section className="steps-of">
      <h2 className="small">{t("rollout.steps")}</h2>
      <ol className="steps">
        {steps.map((step, i) => (
          <li key={i} data-state={step.state} aria-current={step.state === "current" ? "step" : undefined}>
            <i aria-hidden>{step.state === "done" ? <Check size={12} /> : i + 1}</i>
            <span>
              <b>{step.name}</b> <span className="unseen">{t(`rollout.step.${step.state}`)}</span>
              {step.detail && <span className="muted"> {step.detail}</span>}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
