import { useWindowVirtualizer, defaultRangeExtractor } from "@tanstack/react-virtual";
import { ChevronDown, ChevronRight, Layers } from "lucide-react";
import { type KeyboardEvent, memo, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { TreeNode } from "../../api/types";
import { Ago } from "../../design/Time";
import { mostPrinted, usePrinting } from "../../design/print";
import { Status } from "../../design/Status";
import { t, useLanguage, word } from "../../i18n";
import { inLanguage } from "../../i18n/said";
import { nodeKey } from "./address";
import { Reason, RoleChip } from "./parts";
import { type Line, parentOf, typed } from "./tree";

const height = 40;

interface Props {
  label: string;
  lines: Line[];
  chosen?: string;
  choose: (node: TreeNode) => void;
  toggle: (key: string, open: boolean) => void;
  list?: boolean;
}

/** Tree shows lines as a grid that is walked with the arrow keys; only those in sight are in the document. */
export function Tree({ label, lines, chosen, choose, toggle, list }: Props) {
  const ref = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [active, setActive] = useState<string>();
  const focusing = useRef(false);
  const letters = useRef({ text: "", at: 0 });
  useLayoutEffect(() => {
    const now = (ref.current?.getBoundingClientRect().top ?? 0) + window.scrollY;
    if (Math.abs(now - top) > 1) setTop(now);
  });
  const places = useMemo(() => new Map(lines.map((l, i) => [l.key, i])), [lines]);
  const at = Math.max(0, places.get(active ?? "") ?? 0);
  const virtual = useWindowVirtualizer({
    count: lines.length,
    estimateSize: () => height,
    overscan: usePrinting() ? mostPrinted : 12,
    scrollMargin: top,
    scrollPaddingStart: 120,
    scrollPaddingEnd: 80,
    // The line that has the focus stays in the document wherever the page is scrolled to.
    rangeExtractor: useCallback((range: Parameters<typeof defaultRangeExtractor>[0]) => {
      const found = defaultRangeExtractor(range);
      return found.includes(at) || at >= range.count ? found : [...found, at].sort((a, b) => a - b);
    }, [at]),
  });
  const focus = (index: number) => {
    const line = lines[index];
    if (!line) return;
    focusing.current = true;
    setActive(line.key);
    virtual.scrollToIndex(index, { align: "auto" });
  };
  useEffect(() => {
    if (!focusing.current) return;
    const row = ref.current?.querySelector<HTMLElement>(`[data-index="${at}"]`);
    if (!row) return;
    focusing.current = false;
    row.focus({ preventScroll: true });
  });
  const act = useCallback((line: Line) => {
    if (line.type === "group") toggle(line.key, !line.expanded);
    else choose(line.item.node);
  }, [toggle, choose]);
  const keys = (e: KeyboardEvent) => {
    if (e.altKey || e.ctrlKey || e.metaKey || e.nativeEvent.isComposing) return;
    const line = lines[at];
    if (!line) return;
    const moves: Record<string, () => void> = {
      ArrowDown: () => focus(Math.min(at + 1, lines.length - 1)),
      ArrowUp: () => focus(Math.max(at - 1, 0)),
      Home: () => focus(0),
      End: () => focus(lines.length - 1),
      PageDown: () => focus(Math.min(at + 12, lines.length - 1)),
      PageUp: () => focus(Math.max(at - 12, 0)),
      ArrowRight: () => (line.expanded === false ? toggle(line.key, true) : line.expanded && focus(at + 1)),
      ArrowLeft: () => (line.expanded ? toggle(line.key, false) : focus(parentOf(lines, at))),
      Enter: () => act(line),
      " ": () => act(line),
    };
    const move = moves[e.key];
    if (move) move();
    else if (e.key.length === 1) {
      const now = performance.now();
      letters.current = { text: (now - letters.current.at < 800 ? letters.current.text : "") + e.key.toLowerCase(), at: now };
      const found = typed(lines, at, letters.current.text);
      if (found >= 0) focus(found);
    } else return;
    e.preventDefault();
  };
  return (
    <div className="card objects" data-list={list || undefined} role="treegrid" aria-label={label} aria-rowcount={lines.length + 1} onKeyDown={keys}>
      <div role="row" className="object head" aria-rowindex={1}>
        {(["name", "health", "sync", "details", "age"] as const).map((c) => (
          <span key={c} role="columnheader" className={`o-${c}`}>
            {t(`app.col.${c}`)}
          </span>
        ))}
      </div>
      <div ref={ref} role="rowgroup" className="object-lines" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const line = lines[item.index];
          if (!line) return null;
          return (
            <One
              key={line.key}
              line={line}
              index={item.index}
              at={item.start - virtual.options.scrollMargin}
              active={item.index === at}
              chosen={line.type === "node" && chosen === nodeKey(line.item.node)}
              focus={setActive}
              act={act}
              toggle={toggle}
              list={list}
            />
          );
        })}
      </div>
    </div>
  );
}

interface OneProps {
  line: Line;
  index: number;
  at: number;
  active: boolean;
  chosen: boolean;
  focus: (key: string) => void;
  act: (line: Line) => void;
  toggle: (key: string, open: boolean) => void;
  list?: boolean;
}

const One = memo(function One({ line, index, at, active, chosen, focus, act, toggle, list }: OneProps) {
  useLanguage();
  return (
    // The grid around takes the keys; the pointer is for who has one.
    <div
      role="row"
      className="object"
      tabIndex={active ? 0 : -1}
      data-index={index}
      data-chosen={chosen || undefined}
      data-dim={line.type === "node" && !line.match ? true : undefined}
      aria-rowindex={index + 2}
      aria-level={line.depth + 1}
      aria-setsize={line.of}
      aria-posinset={line.position}
      aria-expanded={line.expanded}
      aria-selected={chosen}
      style={{ transform: `translateY(${at}px)`, height }}
      onFocus={() => focus(line.key)}
      onClick={() => act(line)}
    >
      <span role="rowheader" className="o-name" style={{ paddingInlineStart: list ? 0 : `${Math.min(line.depth, 12) * 1.35}rem` }}>
        {!list && (
          <span
            className="twist"
            aria-hidden
            onClick={(e) => {
              if (line.expanded === undefined) return;
              e.stopPropagation();
              toggle(line.key, !line.expanded);
            }}
          >
            {line.expanded === undefined ? null : line.expanded ? <ChevronDown size={16} /> : <ChevronRight size={16} />}
          </span>
        )}
        {line.type === "group" ? <Group line={line} /> : <Name node={line.item.node} />}
      </span>
      {line.type === "group" ? <States node={line.sample} /> : <States node={line.item.node} />}
      <span role="gridcell" className="o-details">
        {line.type === "node" && <Details node={line.item.node} />}
      </span>
      <span role="gridcell" className="o-age muted">
        {line.type === "node" && line.item.node.created && <Ago at={line.item.node.created} />}
      </span>
    </div>
  );
});

function Group({ line }: { line: Line & { type: "group" } }) {
  return (
    <>
      <Layers size={15} aria-hidden className="muted" />
      <strong className="o-group">{t("app.group", { count: line.count, kind: line.kind })}</strong>
    </>
  );
}

function Name({ node }: { node: TreeNode }) {
  return (
    <>
      <span className="o-kind">{node.kind}</span>
      <span className="o-title" title={node.namespace ? `${node.namespace}/${node.name}` : node.name}>
        {node.name}
      </span>
      <RoleChip role={node.role} />
      {node.hook && <span className="chip">{t("app.hook", { hook: "" }).trim()}</span>}
      {node.prunes && (
        <span className="chip" data-tone="warn">
          {t("app.prunes")}
        </span>
      )}
    </>
  );
}

function States({ node }: { node: TreeNode }) {
  return (
    <>
      <span role="gridcell" className="o-health">
        {node.health && <Status kind="health" value={node.health} />}
      </span>
      <span role="gridcell" className="o-sync">
        {node.sync ? node.sync === "Synced" ? <span className="muted">{word("sync", node.sync)}</span> : <Status kind="sync" value={node.sync} /> : null}
      </span>
    </>
  );
}

const shown = ["Containers", "Restart Count", "Revision"];

/** Details is what a node says of itself in a line: why it is not well, or else its containers and revision. */
function Details({ node }: { node: TreeNode }) {
  const facts = node.info.filter((i) => shown.includes(i.name) && !(i.name === "Restart Count" && i.value === "0"));
  const reason = node.message ?? (node.health && node.health !== "Healthy" ? node.info.find((i) => i.name === "Status Reason")?.value : undefined);
  return (
    <>
      {facts.map((i) => (
        <span key={i.name} className="o-fact" title={t(`app.info.${i.name as "Containers"}`)}>
          {i.name === "Restart Count" ? t("app.restarts", { count: Number(i.value) || 0 }) : i.name === "Containers" ? t("app.ready", { of: i.value }) : i.value.replace(/^Rev:/, t("app.rev"))}
        </span>
      ))}
      {reason && (
        <span className="o-reason" title={inLanguage(reason).text}>
          <Reason node={node} message={reason} />
        </span>
      )}
    </>
  );
}
