import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { FolderGit2, Pin, Server, Star, UserRoundPen } from "lucide-react";
import { memo, useLayoutEffect, useRef, useState } from "react";
import { key } from "../../api/rows";
import type { Row } from "../../api/types";
import { Ago } from "../../design/Time";
import { short } from "../../design/parts";
import { exact } from "../../design/time";
import { useOverscan } from "../../design/overscan";
import { Status, toneOf } from "../../design/Status";
import { ToApplication } from "../../design/To";
import { t, useLanguage } from "../../i18n";
import { toggleFavorite } from "./favorites";
import { Told } from "../../design/Told";

const height = 196;
const narrowest = 310;

/** Tiles shows applications as tiles; only those in sight are in the document. */
export function Tiles({ rows, of, favorites, selected, select }: { rows: Row[]; of: string; favorites: ReadonlySet<string>; selected: ReadonlySet<string>; select: (key: string) => void }) {
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
  const virtual = useWindowVirtualizer({ count: lines, estimateSize: () => height, overscan: useOverscan(of, 4), scrollMargin: top });
  return (
    <ul ref={ref} className="tiles" style={{ height: virtual.getTotalSize() }}>
      {virtual.getVirtualItems().flatMap((line) =>
        rows.slice(line.index * columns, (line.index + 1) * columns).map((row, i) => {
          const k = key(row);
          return (
            <li
              key={k}
              aria-posinset={line.index * columns + i + 1}
              aria-setsize={rows.length}
              style={{ transform: `translateY(${line.start - virtual.options.scrollMargin}px)`, left: `${(i * 100) / columns}%`, width: `${100 / columns}%`, height }}
            >
              <Tile row={row} favorite={favorites.has(k)} selected={selected.has(k)} select={select} />
            </li>
          );
        }),
      )}
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
          <Star size={17} aria-hidden fill={favorite ? "currentColor" : "none"} />
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
        <p className="why name">
          <Told message={row.attention.message} said={row.attention.said} />
        </p>
      ) : (
        <dl>
          <div>
            <dt>
              <FolderGit2 size={14} aria-hidden /> <span className="unseen">{t("apps.col.source")}</span>
            </dt>
            <dd title={`${row.repo} ${row.path ?? row.chart ?? ""}`}>
              {row.repo.replace(/^.*[/:]/, "").replace(/\.git$/, "")} / {row.path ?? row.chart}
            </dd>
          </div>
          <div>
            <dt>
              <Server size={14} aria-hidden /> <span className="unseen">{t("apps.col.destination")}</span>
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
