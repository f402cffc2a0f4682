import { Layers } from "lucide-react";
import { useMemo } from "react";
import type { Row, TreeNode } from "../../api/types";
import { Status, toneOf } from "../../design/Status";
import { t } from "../../i18n";
import { card, picture, place } from "./graph";
import { Node } from "./Network";
import { curve } from "./network";
import type { Line } from "./tree";
import "./drawn.css";

/** Graph draws a small tree, or of a large one what is in trouble. */
export default function Graph({ row, lines, show }: { row: Row; lines: readonly Line[]; show: (node: TreeNode) => void }) {
  const drawn = useMemo(() => {
    const { root, left, trouble } = picture(lines);
    const at = place(root);
    const wires = at.flatMap(({ branch, x, y, of }) => (of ? [{ to: branch, path: curve(of.x + card.width, of.y + card.height / 2, x, y + card.height / 2) }] : []));
    return { at, wires, left, trouble, width: Math.max(...at.map((n) => n.x)) + card.width, height: Math.max(...at.map((n) => n.y)) + card.height };
  }, [lines]);
  return (
    <>
      {drawn.left > 0 && <p className="notice graph-left">{t(drawn.trouble ? "app.graph.trouble" : "app.graph.left", { count: drawn.left })}</p>}
      <div className="card drawing" tabIndex={0} role="region" aria-label={t("app.graph")}>
        <div className="canvas" style={{ width: drawn.width, height: drawn.height }}>
          <svg width={drawn.width} height={drawn.height} aria-hidden>
            {drawn.wires.map((w, i) => (
              <path key={i} d={w.path} className="wire" data-role={w.to.line?.type === "node" ? w.to.line.item.node.role : undefined} />
            ))}
          </svg>
          <ul>
            {drawn.at.map(({ branch, x, y }) => (
              <li key={branch.line?.key ?? ""} style={{ transform: `translate(${x}px, ${y}px)`, width: card.width, height: card.height }}>
                {!branch.line ? (
                  <div className="node-card" data-tone={toneOf("health", row.health)}>
                    <span className="node-kind">
                      Application <Status kind="health" value={row.health} bare />
                    </span>
                    <span className="node-name">{row.name}</span>
                  </div>
                ) : branch.line.type === "group" ? (
                  <div className="node-card many" data-tone={branch.line.sample.health ? toneOf("health", branch.line.sample.health) : undefined}>
                    <span className="node-kind">
                      <Layers size={13} aria-hidden />
                      {branch.line.sample.health && <Status kind="health" value={branch.line.sample.health} bare />}
                    </span>
                    <span className="node-name">{t("app.group", { count: branch.line.count, kind: branch.line.kind })}</span>
                  </div>
                ) : (
                  <Node node={branch.line.item.node} show={show} />
                )}
              </li>
            ))}
          </ul>
        </div>
      </div>
    </>
  );
}
