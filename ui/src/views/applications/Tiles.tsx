import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { FolderGit2, Pin, Server, Star, UserRoundPen } from "lucide-react";
import { memo, useLayoutEffect, useRef, useState } from "react";
import { key } from "../../api/rows";
import type { Row } from "../../api/types";
import { Ago } from "../../design/Time";
import { short } from "../../design/parts";
import { exact } from "../../design/time";
import { useOverscan } from "../../design/overscan";
import { useSlots } from "../../design/slots";
import { Status, toneOf } from "../../design/Status";
import { ToApplication } from "../../design/To";
import { t, useLanguage } from "../../i18n";
import { toggleFavorite } from "./favorites";
import { Told } from "../../design/Told";

const height = 196;
// What is the same in every tile is made once: it is not even looked at when a tile changes.
const source = <FolderGit2 size={14} aria-hidden />;
const destination = <Server size={14} aria-hidden />;
const stars = { on: <Star size={17} aria-hidden fill="currentColor" />, off: <Star size={17} aria-hidden fill="none" /> };
const narrowest = 310;

/** Tiles shows applications as tiles; only those in sight are in the document. */
export function Tiles({ rows, favorites, selected, select }: { rows: Row[]; favorites: ReadonlySet<string>; selected: ReadonlySet<string>; select: (key: string) => void }) {
  const ref = useRef<HTMLUListElement>(null);
  const [columns, setColumns] = useState(3);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const measure = () => {
      if (!ref.current) return;
      setColumns(Math.max(1, Math.floor((ref.current.clientWidth + 14) / narrowest)));
      setTop(ref.current.getBoundingClientRect().top + window.scrollY);
    };
    measure();
    const observer = new ResizeObserver(measure);
    if (ref.current) observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  const lines = Math.ceil(rows.length / columns);
  const virtual = useWindowVirtualizer({ count: lines, estimateSize: () => height, overscan: useOverscan(1, 4), scrollMargin: top });
  const items = virtual.getVirtualItems();
  const from = (items[0]?.index ?? 0) * columns;
  const inSight = rows.slice(from, ((items.at(-1)?.index ?? -1) + 1) * columns);
  const { ids, follow } = useSlots(inSight.map(key), from);
  return (
    <ul ref={ref} className="tiles" style={{ height: virtual.getTotalSize() }} {...follow}>
      {inSight.map((row, i) => {
        const k = key(row);
        return (
          <li
            key={ids[i]}
            data-slot={ids[i]}
            aria-posinset={from + i + 1}
            aria-setsize={rows.length}
            style={{ transform: `translate(${(i % columns) * 100}%, ${Math.floor((from + i) / columns) * height}px)`, width: `${100 / columns}%`, height }}
          >
            <Tile row={row} favorite={favorites.has(k)} selected={selected.has(k)} select={select} />
          </li>
        );
      })}
    </ul>
  );
}

const Tile = memo(function Tile({ row, favorite, selected, select }: { row: Row; favorite: boolean; selected: boolean; select: (key: string) => void }) {
  useLanguage();
  const k = key(row);
  return (
    <article className="tile" data-tone={row.attention ? toneOf("reason", row.attention.reason) : toneOf("health", row.health)} data-selected={selected || undefined}>
      <header>
        <input type="checkbox" checked={selected} onChange={() => select(k)} aria-label={t("apps.select", { name: row.name })} />
        <h2>
          <ToApplication namespace={row.namespace} name={row.name} className="cover">
            {row.name}
          </ToApplication>
        </h2>
        <button type="button" className="star" aria-pressed={favorite} aria-label={t("apps.favorite", { name: row.name })} onClick={() => toggleFavorite(k)}>
          {favorite ? stars.on : stars.off}
        </button>
      </header>
      <p className="states">
        <Status kind="health" value={row.health} />
        <Status kind="sync" value={row.sync} />
        {row.operation?.phase === "Running" && <Status kind="phase" value="Running" />}
        {row.handedOver && (
          <span className="status" data-tone="still" title={exact(Date.parse(row.handedOver.since))}>
            <UserRoundPen size={15} aria-hidden /> {t("apps.handedOver", { by: row.handedOver.by })}
          </span>
        )}
        {row.pinned && (
          <span className="status" data-tone="still">
            <Pin size={15} aria-hidden /> {t("apps.pinned", { revision: short(row.pinned) })}
          </span>
        )}
      </p>
      {row.attention ? (
        <p className="why name" data-short={row.operation?.phase === "Running" || row.handedOver || row.pinned ? true : undefined}>
          <Told message={row.attention.message} said={row.attention.said} />
        </p>
      ) : (
        <dl>
          <div>
            <dt>
              {source} <span className="unseen">{t("apps.col.source")}</span>
            </dt>
            <dd title={`${row.repo} ${row.path ?? row.chart ?? ""}`}>
              {row.repo.replace(/^.*[/:]/, "").replace(/\.git$/, "")} / {row.path ?? row.chart}
            </dd>
          </div>
          <div>
            <dt>
              {destination} <span className="unseen">{t("apps.col.destination")}</span>
            </dt>
            <dd title={`${row.cluster} / ${row.destination}`}>
              {row.cluster} / {row.destination}
            </dd>
          </div>
        </dl>
      )}
      <footer className="muted">
        <code>{short(row.revision ?? row.targetRevision)}</code>
        <Ago at={row.lastSync} />
      </footer>
    </article>
  );
});
