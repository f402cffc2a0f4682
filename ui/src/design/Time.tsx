import { useEffect, useState } from "react";
import { t } from "../i18n";
import { duration, exact, now, relative } from "./time";

/** useNow returns the server's time, anew each second or as often as is asked for. */
export function useNow(every = 1000): number {
  const [at, set] = useState(now);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && set(now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return at;
}

/** Ago shows how long ago something was, with the exact time at hand. */
export function Ago({ at }: { at?: string }) {
  const from = useNow(10_000);
  if (!at) return <span className="muted">{t("time.never")}</span>;
  const time = Date.parse(at);
  return (
    <time dateTime={at} title={exact(time)}>
      {relative(time, Math.max(from, now()))}
    </time>
  );
}

/** Lasting shows how long something takes, and goes on counting while it does. */
export function Lasting({ from, to }: { from?: string; to?: string }) {
  const at = useNow(to ? 60_000 : 1000);
  if (!from) return <span className="muted">{t("time.unknown")}</span>;
  const seconds = ((to ? Date.parse(to) : at) - Date.parse(from)) / 1000;
  return <span>{duration(seconds)}</span>;
}

/** Until counts down to a time, in whole seconds. */
export function Until({ at }: { at: string }) {
  const from = useNow();
  return <time dateTime={at} title={exact(Date.parse(at))}>{duration(Math.ceil((Date.parse(at) - from) / 1000))}</time>;
}
