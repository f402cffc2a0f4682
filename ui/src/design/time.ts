import { language, t } from "../i18n";

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

/** kept makes a formatter once: to make one costs as much as to format a hundred times. */
function kept<T>(make: (lang: string) => T): (lang: string) => T {
  const made = new Map<string, T>();
  return (lang) => {
    let one = made.get(lang);
    if (one === undefined) made.set(lang, (one = make(lang)));
    return one;
  };
}
const spans = kept((lang) => new Intl.RelativeTimeFormat(lang, { numeric: "auto", style: "short" }));
const whole = kept((lang) => new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "long" }));
const stamps = kept((lang) => new Intl.DateTimeFormat(lang, { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }));
const days = kept((lang) => new Intl.DateTimeFormat(lang, { dateStyle: "medium" }));
const clocks = kept((lang) => new Intl.DateTimeFormat(lang, { timeStyle: "medium" }));
const numbers = kept((lang) => new Intl.NumberFormat(lang, { maximumFractionDigits: 1 }));

/** relative returns how far a time is from another, in words. */
export function relative(at: number, from: number, lang: string = language()): string {
  const seconds = Math.round((at - from) / 1000);
  if (Math.abs(seconds) < 5) return t("time.now");
  const [unit, size] = units.find(([, s]) => Math.abs(seconds) >= s) ?? ["second", 1];
  return spans(lang).format(Math.trunc(seconds / size), unit);
}

/** exact returns a time to the second, in the reader's zone, which it names. */
export function exact(at: number, lang: string = language()): string {
  return whole(lang).format(at);
}

/** stamp returns a time to the second in the reader's zone, as short as it goes. */
export function stamp(at: number, lang: string = language()): string {
  return stamps(lang).format(at);
}

/** day returns the date alone. */
export function day(at: number, lang: string = language()): string {
  return days(lang).format(at);
}

/** clock returns the time of day alone. */
export function clock(at: number, lang: string = language()): string {
  return clocks(lang).format(at);
}

/** since returns when something began, as short as it goes: the time of day, with the date where that was another day. */
export function since(at: number, from: number): string {
  const day = (time: number) => new Date(time).toDateString();
  return day(at) === day(from) ? clock(at) : stamp(at);
}

/** duration returns a span of seconds in two units at most; below ten seconds with one decimal. */
export function duration(seconds: number): string {
  const s = Math.max(0, seconds);
  if (s < 10) return t("duration.s", { s: numbers(language()).format(s) });
  const rounded = Math.round(s);
  if (rounded < 60) return t("duration.s", { s: rounded });
  if (rounded < 3600) return t("duration.ms", { m: Math.floor(rounded / 60), s: rounded % 60 });
  if (rounded < 86_400) return t("duration.hm", { h: Math.floor(rounded / 3600), m: Math.floor((rounded % 3600) / 60) });
  return t("duration.dh", { d: Math.floor(rounded / 86_400), h: Math.floor((rounded % 86_400) / 3600) });
}
