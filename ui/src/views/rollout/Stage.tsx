import { Eye, Globe, RotateCw, TriangleAlert } from "lucide-react";
import { memo, useRef } from "react";
import { Ago, Until } from "../../design/Time";
import { t } from "../../i18n";
import { Arrows } from "./Arrows";
import { type Picture, type PictureLane, type PictureService, restartsOf, sides, type Square, tagOf } from "./picture";
import { roleWord, sentences } from "./sentences";
import "./stage.css";

/** Stage draws the Services of a rollout on one side, its two colours on the other, and the arrows between. */
export function Stage({ picture, next, flows, past }: { picture: Picture; next: number; flows: boolean; past?: boolean }) {
  const ref = useRef<HTMLDivElement>(null);
  const laneOf = (s: PictureService) => picture.lanes.find((l) => l.hash !== "" && l.hash === s.hash);
  const links = picture.services.map((s) => ({ service: s.name, role: s.role, hash: laneOf(s) ? s.hash : "", side: laneOf(s)?.side }));
  return (
    <figure className="stage" ref={ref} data-past={past || undefined}>
      <figcaption className="unseen">
        {sentences(picture).map((s) => (
          <p key={s}>{s}</p>
        ))}
      </figcaption>
      <div className="stage-services" aria-hidden>
        {picture.services.map((s) => (
          <ServiceBox key={s.name} service={s} lane={laneOf(s)} past={past} />
        ))}
      </div>
      <Arrows stage={ref} links={links} flows={flows} />
      <div className="stage-sides" aria-hidden>
        {sides(picture).map(({ side, lanes }) => (
          <section key={side} className="side" data-side={side} data-empty={lanes.length === 0 || undefined}>
            {lanes.length === 0 ? (
              <div className="side-free">
                <i className="swatch" />
                <span>
                  <b>{t("rollout.free", { side: t(`rollout.side.${side}`) })}</b>
                  {next % 2 === (side === "blue" ? 1 : 0) && !past && <span className="muted"> {t("rollout.freeNext", { revision: next })}</span>}
                </span>
              </div>
            ) : (
              lanes.map((lane) => <LaneBox key={lane.replicaSet} lane={lane} canary={picture.canary} past={past} />)
            )}
          </section>
        ))}
      </div>
    </figure>
  );
}

function ServiceBox({ service, lane, past }: { service: PictureService; lane?: PictureLane; past?: boolean }) {
  const Icon = service.role === "active" ? Globe : Eye;
  const silent = !past && lane && service.addresses === 0;
  return (
    <div className="service" data-role={service.role} data-service={service.name} data-side={lane?.side} data-trouble={!lane || silent || undefined}>
      <span className="service-role">
        <Icon size={15} aria-hidden /> {t(service.role === "active" ? "rollout.traffic" : "rollout.preview")}
      </span>
      <span className="service-name name">{service.name}</span>
      <span className="service-facts muted">
        {!lane ? (
          <span className="trouble">
            <TriangleAlert size={13} aria-hidden /> {t(service.missing ? "rollout.missing" : "rollout.nowhere")}
          </span>
        ) : (
          !past && <span className={silent ? "trouble" : undefined}>{t("rollout.addresses", { count: service.addresses ?? 0 })}</span>
        )}
        {!past && lane && service.since && <Ago at={service.since} />}
      </span>
    </div>
  );
}

const LaneBox = memo(function LaneBox({ lane, canary, past }: { lane: PictureLane; canary: boolean; past?: boolean }) {
  const restarts = restartsOf(lane);
  const many = lane.squares.length > 14;
  return (
    <article className="lane" data-lane={lane.hash} data-role={lane.role} data-side={lane.side}>
      <header className="lane-head">
        <i className="swatch" />
        <span className="lane-name">
          <b>{t(`rollout.side.${lane.side}`)}</b> {t("rollout.revision", { revision: lane.revision })}
        </span>
        <span className="lane-role">{roleWord(lane.role, canary)}</span>
        <span className="lane-facts">
          {restarts > 0 && (
            <span className="trouble">
              <RotateCw size={13} aria-hidden /> {t("rollout.restarts", { count: restarts })}
            </span>
          )}
          {!past && lane.scaleDownAt && (
            <span className="lane-until">
              {t("rollout.goesIn", { time: "" })} <Until at={lane.scaleDownAt} />
            </span>
          )}
          <span className="lane-count">{past ? t("rollout.podCount", { count: lane.desired }) : lane.desired === 0 && lane.squares.length === 0 ? t("rollout.scaledDown") : t("rollout.ready", { ready: lane.ready, desired: lane.desired })}</span>
        </span>
      </header>
      {lane.squares.length > 0 && (
        <ul className="squares" data-many={many || undefined}>
          {lane.squares.map((s, i) => (
            <SquareBox key={s.name || `gone-${i}`} square={s} />
          ))}
        </ul>
      )}
      {lane.images.length > 0 && (
        <p className="lane-images">
          {lane.images.map((image) => (
            <code key={image} className="name" title={image}>
              {tagOf(image)}
            </code>
          ))}
        </p>
      )}
    </article>
  );
});

function SquareBox({ square }: { square: Square }) {
  const title = [square.name, t(`rollout.square.${square.state}`), square.restarts > 0 && t("rollout.restarts", { count: square.restarts }), square.message].filter(Boolean).join(" · ");
  return (
    <li className="square" data-state={square.state} title={title}>
      {square.restarts > 0 && <b>{square.restarts > 99 ? "99+" : square.restarts}</b>}
    </li>
  );
}

