import { useSyncExternalStore } from "react";
import { t } from "../i18n";
import { duration, exact, now, relative } from "./time";

/** ticks returns a clock for all who look at it: a list has as many times as lines, and one timer for them. */
function ticks(every: number) {
  const listeners = new Set<() => void>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const next = () => {
    timer = setTimeout(tick, every - (now() % every));
  };
  const tick = () => {
    if (document.visibilityState === "visible") listeners.forEach((l) => l());
    next();
  };
  return {
    subscribe: (listener: () => void) => {
      if (listeners.size === 0) next();
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) clearTimeout(timer);
      };
    },
    read: () => Math.floor(now() / every) * every,
  };
}
const clocks = new Map<number, ReturnType<typeof ticks>>();

function clockOf(every: number) {
  const have = clocks.get(every);
  if (have) return have;
  const made = ticks(every);
  clocks.set(every, made);
  return made;
}

/** useNow returns the server's time, anew each second or as often as is asked for: rounded down to that. */
export function useNow(every = 1000): number {
  const { subscribe, read } = clockOf(every);
  return useSyncExternalStore(subscribe, read);
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
