import { useSyncExternalStore } from "react";
import { now } from "../api/clock";
import { t } from "../i18n";
import { useExact } from "./exact";
import { clock, duration, exact, relative, stamp } from "./time";

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

/** Ago shows how long ago something was, or when, as the reader has chosen; the other is there for who points at it. */
export function Ago({ at }: { at?: string }) {
  const from = useNow(10_000);
  const whole = useExact();
  if (!at) return <span className="muted">{t("time.never")}</span>;
  const time = Date.parse(at);
  const ago = relative(time, Math.max(from, now()));
  return (
    <time dateTime={at} title={whole ? ago : exact(time)}>
      {whole ? stamp(time) : ago}
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

/** Until counts down to a time, in whole seconds, and names it where the reader wants that. */
export function Until({ at }: { at: string }) {
  const from = useNow();
  const whole = useExact();
  const left = duration(Math.ceil((Date.parse(at) - from) / 1000));
  return <time className="until" dateTime={at} title={exact(Date.parse(at))}>{whole ? `${left} (${clock(Date.parse(at))})` : left}</time>;
}
