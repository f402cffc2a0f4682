import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp, Pin, UserRoundPen } from "lucide-react";
import { memo, useLayoutEffect, useRef, useState } from "react";
import { key } from "../../api/rows";
import type { Row } from "../../api/types";
import { Ago } from "../../design/Time";
import { short } from "../../design/parts";
import { useOverscan } from "../../design/overscan";
import { useSlots } from "../../design/slots";
import { Status } from "../../design/Status";
import { ToApplication } from "../../design/To";
import { t, useLanguage } from "../../i18n";
import { inLanguage } from "../../i18n/said";
import type { Search } from "../../shell/search";

const height = 44;
const sortable: Record<string, string> = { name: "name", health: "health", lastSync: "lastSync" };
const columns = ["name", "health", "sync", "project", "destination", "source", "revision", "lastSync"] as const;

/** Table shows applications as lines; only those in sight are in the document. */
export function Table(p: { rows: Row[]; selected: ReadonlySet<string>; select: (key: string) => void; whole: boolean; all: () => void; search: Search; sort: (change: Search) => void }) {
  const ref = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    setTop((ref.current?.getBoundingClientRect().top ?? 0) + window.scrollY);
  }, []);
  const virtual = useWindowVirtualizer({ count: p.rows.length, estimateSize: () => height, overscan: useOverscan(4, 12), scrollMargin: top });
  const items = virtual.getVirtualItems();
  const from = items[0]?.index ?? 0;
  const inSight = p.rows.slice(from, (items.at(-1)?.index ?? -1) + 1);
  const { ids, follow } = useSlots(inSight.map(key), from);
  const by = p.search.sort ?? "name";
  const descending = p.search.order === "desc";
  return (
    <div className="card table" role="table" aria-label={t("apps.title")} aria-rowcount={p.rows.length + 1}>
      <div role="row" className="line head" aria-rowindex={1}>
        <span role="columnheader">
          <input type="checkbox" aria-label={t("apps.selectAll")} checked={p.whole} onChange={p.all} />
        </span>
        {columns.map((c) => {
          const sort = sortable[c];
          const sorted = sort === by;
          return (
            <span key={c} role="columnheader" className={`col-${c}`} aria-sort={sorted ? (descending ? "descending" : "ascending") : undefined}>
              {sort ? (
                <button type="button" onClick={() => p.sort({ sort: sort === "name" ? undefined : sort, order: sorted && !descending ? "desc" : undefined })}>
                  {t(`apps.col.${c}`)} {sorted && (descending ? <ArrowDown size={13} aria-hidden /> : <ArrowUp size={13} aria-hidden />)}
                </button>
              ) : (
                t(`apps.col.${c}`)
              )}
            </span>
          );
        })}
      </div>
      <div ref={ref} role="rowgroup" className="table-lines" style={{ height: virtual.getTotalSize(), position: "relative" }} {...follow}>
        {inSight.map((row, i) => (
          <Line key={ids[i]} slot={ids[i]!} row={row} index={from + i} selected={p.selected.has(key(row))} select={p.select} />
        ))}
      </div>
    </div>
  );
}

const Line = memo(function Line({ slot, row, index, selected, select }: { slot: number; row: Row; index: number; selected: boolean; select: (key: string) => void }) {
  useLanguage();
  return (
    <div role="row" className="line" data-slot={slot} aria-rowindex={index + 2} data-selected={selected || undefined} style={{ transform: `translateY(${index * height}px)`, height, position: "absolute", insetInline: 0 }}>
      <span role="cell">
        <input type="checkbox" checked={selected} onChange={() => select(key(row))} aria-label={t("apps.select", { name: row.name })} />
      </span>
      <span role="rowheader" className="col-name">
        <ToApplication namespace={row.namespace} name={row.name}>
          {row.name}
        </ToApplication>
        {row.handedOver && (
          <span className="status held" data-tone="still" title={t("apps.handedOver", { by: row.handedOver.by })}>
            <UserRoundPen size={15} aria-hidden />
            <span className="unseen">{t("apps.handedOver", { by: row.handedOver.by })}</span>
          </span>
        )}
        {row.pinned && (
          <span className="status held" data-tone="still" title={t("apps.pinned", { revision: short(row.pinned) })}>
            <Pin size={15} aria-hidden />
            <span className="unseen">{t("apps.pinned", { revision: short(row.pinned) })}</span>
          </span>
        )}
      </span>
      <span role="cell" className="col-health" title={row.attention && inLanguage(row.attention.message, row.attention.said).text}>
        <Status kind="health" value={row.health} />
      </span>
      <span role="cell" className="col-sync">{row.operation?.phase === "Running" ? <Status kind="phase" value="Running" /> : <Status kind="sync" value={row.sync} />}</span>
      <span role="cell" className="col-project">{row.project}</span>
      <span role="cell" className="col-destination" title={`${row.cluster} / ${row.destination}`}>
        {row.destination}
      </span>
      <span role="cell" className="col-source" title={`${row.repo} ${row.path ?? row.chart ?? ""}`}>
        {row.path ?? row.chart}
      </span>
      <span role="cell" className="col-revision">
        <code>{short(row.revision ?? row.targetRevision)}</code>
      </span>
      <span role="cell" className="col-lastSync">
        <Ago at={row.lastSync} />
      </span>
    </div>
  );
});
