import { useMemo, useState } from "react";
import type { Change, ObjectChanges, Row, TreeNode } from "../../api/types";
import { Button, Problem, Waiting } from "../../design/parts";
import { t } from "../../i18n";
import { compare, folded, type Pair, pairs, type Part, type Side } from "./diff";
import { useChanges } from "./Manifest";

const styles = ["fields", "side", "unified"] as const;

/** Difference is how an object differs from git: its fields first, all of it on demand. */
export function Difference({ row, node, style, choose }: { row: Row; node: TreeNode; style?: string; choose: (style: string | undefined) => void }) {
  const changes = useChanges(row, node);
  const shown = styles.find((s) => s === style) ?? "fields";
  if (changes.isPending) return <Waiting />;
  if (changes.error) return <Problem error={changes.error} again={() => void changes.refetch()} />;
  const of = changes.data;
  if (!of || (of.changes.length === 0 && of.live !== undefined && of.desired !== undefined)) return <p className="muted">{t("app.diff.none")}</p>;
  return (
    <div className="stack">
      {of.live === undefined && (
        <p className="notice" data-tone="warn">
          {t("app.diff.missing")}
        </p>
      )}
      {of.desired === undefined && (
        <p className="notice" data-tone="warn">
          {t("app.prunes.explain")}
        </p>
      )}
      <div className="pair segments" role="group" aria-label={t("app.tab.diff")}>
        {styles.map((s) => (
          <Button key={s} look={s === shown ? "plain" : "quiet"} aria-pressed={s === shown} onPress={() => choose(s === "fields" ? undefined : s)}>
            {t(`app.diff.${s}`)}
          </Button>
        ))}
      </div>
      {shown === "fields" ? <Fields changes={of.changes} /> : <Texts key={shown} of={of} side={shown === "side"} />}
    </div>
  );
}

const most = 200;

/** Fields is each field that changes: where, from what, to what. */
export function Fields({ changes }: { changes: Change[] }) {
  const [all, set] = useState(false);
  return (
    <ul className="fields">
      {changes.slice(0, all ? changes.length : most).map((c) => (
        <li key={c.path}>
          <code className="name field-path">{c.path}</code>
          {c.from !== undefined && <Value kind="del" text={c.from} />}
          {c.to !== undefined && <Value kind="add" text={c.to} />}
        </li>
      ))}
      {changes.length > most && !all && (
        <li>
          <Button look="quiet" onPress={() => set(true)}>
            {t("more", { count: changes.length - most })}
          </Button>
        </li>
      )}
    </ul>
  );
}

function Value({ kind, text }: { kind: "del" | "add"; text: string }) {
  return (
    <span className="field-value" data-kind={kind}>
      <span className="unseen">{t(kind === "del" ? "app.diff.from" : "app.diff.to")}</span>
      <b aria-hidden>{kind === "del" ? "−" : "+"}</b>
      <code className="name">{text.length > 2000 ? `${text.slice(0, 2000)}…` : text}</code>
    </span>
  );
}

function Texts({ of, side }: { of: ObjectChanges; side: boolean }) {
  const sides = useMemo(() => compare(of.live ?? "", of.after ?? of.desired ?? ""), [of]);
  const parts: Part<Pair | Side>[] = useMemo(() => (side ? folded<Pair | Side>(pairs(sides), (p) => (p as Pair).left?.kind === "same") : folded<Pair | Side>(sides, (s) => (s as Side).kind === "same")), [sides, side]);
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
  const all: (Pair | Side)[] = useMemo(() => (side ? pairs(sides) : sides), [sides, side]);
  return (
    <div className="diff" data-side={side || undefined} tabIndex={0} role="region" aria-label={t("app.tab.diff")}>
      {side && (
        <div className="diff-head">
          <span>{t("app.diff.live")}</span>
          <span>{t("app.diff.desired")}</span>
        </div>
      )}
      {parts.map((part, i) =>
        "rows" in part ? (
          part.rows.map((row, n) => <Row key={`${i}/${n}`} row={row} side={side} />)
        ) : open.has(i) ? (
          all.slice(part.from, part.from + part.gap).map((row, n) => <Row key={`${i}/${n}`} row={row} side={side} />)
        ) : (
          <button key={i} type="button" className="diff-gap" onClick={() => setOpen(new Set(open).add(i))}>
            {t("app.diff.gap", { count: part.gap })}
          </button>
        ),
      )}
    </div>
  );
}

function Row({ row, side }: { row: Pair | Side; side: boolean }) {
  if (!side) {
    const s = row as Side;
    return (
      <div className="diff-row">
        <i>{s.left}</i>
        <i>{s.right}</i>
        <Cell side={s} />
      </div>
    );
  }
  const p = row as Pair;
  return (
    <div className="diff-row">
      <i>{p.left?.left}</i>
      <Cell side={p.left} />
      <i>{p.right?.right}</i>
      <Cell side={p.right} />
    </div>
  );
}

function Cell({ side }: { side?: Side }) {
  const sign = side?.kind === "del" ? "−" : side?.kind === "add" ? "+" : " ";
  return (
    <code data-kind={side ? (side.kind === "same" ? undefined : side.kind) : "void"}>
      <b>{sign}</b>
      {side?.text}
    </code>
  );
}
