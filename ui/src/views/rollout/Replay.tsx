import { Pause, Play, SkipBack, SkipForward, X } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import type { RolloutView } from "../../api/types";
import { Button } from "../../design/parts";
import { clock, duration, exact } from "../../design/time";
import { Told } from "../../design/Told";
import { t } from "../../i18n";
import { inLanguage } from "../../i18n/said";
import { chapters, type Frame, frames, pauseAfter, pictureOf } from "./replay";
import { Stage } from "./Stage";

/** Replay plays what happened, from the events; it stands in the place of the picture of now. */
export function Replay({ view, at, to, close }: { view: RolloutView; at: string | undefined; to: (at: string) => void; close: () => void }) {
  // What is played stays the same while the world goes on.
  const [kept] = useState(view);
  const all = useMemo(() => frames(kept), [kept]);
  const parts = useMemo(() => chapters(all), [all]);
  const [index, setIndex] = useState(() => begin(all, at, parts[parts.length - 1]?.first ?? 0));
  const [plays, setPlays] = useState(at === "" || at === "play");
  useEffect(() => {
    if (!plays) return;
    if (index >= all.length - 1) {
      setPlays(false);
      return;
    }
    const timer = setTimeout(() => setIndex(index + 1), pauseAfter(all, index));
    return () => clearTimeout(timer);
  }, [plays, index, all]);
  useEffect(() => {
    if (!plays && all.length > 0) to(String(index + 1));
    // The address follows what is shown; where it leads is no reason to write it again.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [plays, index]);
  const frame = all[index];
  if (!frame) {
    return (
      <div className="replay-bar">
        <p className="muted">{t("rollout.replayNone")}</p>
        <Button look="quiet" icon={<X size={16} aria-hidden />} onPress={close}>
          {t("rollout.replay.live")}
        </Button>
      </div>
    );
  }
  const chapter = parts.findLastIndex((p) => p.first <= index);
  const go = (i: number) => {
    setPlays(false);
    setIndex(Math.min(all.length - 1, Math.max(0, i)));
  };
  const play = () => {
    if (!plays && index >= all.length - 1) setIndex(parts[chapter]?.first ?? 0);
    setPlays(!plays);
  };
  const words = `${clock(frame.at)} · ${inLanguage(frame.event.message).text}`;
  const first = all[0]!.at;
  const whole = Math.max(1, all[all.length - 1]!.at - first);
  return (
    <>
      <div className="replay-bar">
        <Button look="main" icon={plays ? <Pause size={16} aria-hidden /> : <Play size={16} aria-hidden />} onPress={play}>
          {t(plays ? "rollout.replay.stop" : "rollout.replay.play")}
        </Button>
        <span className="pair">
          <Button look="quiet" aria-label={t("rollout.replay.back")} icon={<SkipBack size={16} aria-hidden />} onPress={() => go(index - 1)} />
          <Button look="quiet" aria-label={t("rollout.replay.on")} icon={<SkipForward size={16} aria-hidden />} onPress={() => go(index + 1)} />
        </span>
        <div className="replay-line">
          <input type="range" min={0} max={all.length - 1} value={index} aria-label={t("rollout.replay.slider")} aria-valuetext={words} onChange={(e) => go(Number(e.target.value))} />
          <span className="replay-marks" aria-hidden>
            {all.map((f, i) => (
              <i key={i} data-kind={f.change.kind} data-past={i <= index || undefined} style={{ insetInlineStart: `${(i / Math.max(1, all.length - 1)) * 100}%` }} />
            ))}
          </span>
        </div>
        <span className="muted small replay-step">{t("rollout.replay.step", { at: index + 1, count: all.length })}</span>
        <select className="input replay-which" aria-label={t("rollout.replay.which")} value={chapter} onChange={(e) => go(parts[Number(e.target.value)]!.first)}>
          {parts.map((p, i) => (
            <option key={i} value={i}>
              {t("rollout.replay.chapter", { revision: p.revision, time: clock(p.from), lasted: duration((p.to - p.from) / 1000) })} · {t(`rollout.replay.${p.end}`)}
            </option>
          ))}
        </select>
        <Button look="quiet" icon={<X size={16} aria-hidden />} onPress={close}>
          {t("rollout.replay.live")}
        </Button>
      </div>
      <p className="replay-words" aria-live={plays ? "off" : "polite"} data-tone={frame.event.type === "Warning" ? "warn" : undefined}>
        <time dateTime={new Date(frame.at).toISOString()} title={exact(frame.at)}>
          {clock(frame.at)}
        </time>{" "}
        <span className="muted">+{duration((frame.at - (all[parts[chapter]?.first ?? 0]?.at ?? first)) / 1000)}</span> <b>{frame.event.reason}</b> <span className="name"><Told message={frame.event.message} /></span>
      </p>
      <Stage picture={pictureOf(kept, frame)} next={frame.revision + 1} flows={plays} past />
      <p className="muted small pad">
        {t("rollout.replayNote")} <span className="unseen">{duration(whole / 1000)}</span>
      </p>
    </>
  );
}

function begin(all: Frame[], at: string | undefined, otherwise: number): number {
  const wanted = Number(at) - 1;
  return at && Number.isInteger(wanted) && wanted >= 0 && wanted < all.length ? wanted : otherwise;
}
