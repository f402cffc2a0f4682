import { useMemo } from "react";
import type { TreeNode } from "../../api/types";
import { Status, toneOf } from "../../design/Status";
import { t, word } from "../../i18n";
import { inLanguage } from "../../i18n/said";
import { type Box, network } from "./network";
import { RoleChip } from "./parts";
import "./drawn.css";

/** Network draws how traffic comes to Pods. */
export default function Network({ nodes, show }: { nodes: readonly TreeNode[]; show: (node: TreeNode) => void }) {
  const drawn = useMemo(() => network(nodes), [nodes]);
  if (drawn.boxes.length === 0) return <p className="muted nothing">{t("app.network.none")}</p>;
  return (
    <>
      {drawn.left > 0 && <p className="notice">{t("app.network.left", { count: drawn.left })}</p>}
      <div className="card drawing" tabIndex={0} role="region" aria-label={t("app.view.network")}>
        <div className="canvas" style={{ width: drawn.width, height: drawn.height }}>
          <svg width={drawn.width} height={drawn.height} aria-hidden>
            {drawn.wires.map((w) => (
              <path key={`${w.from.id}>${w.to.id}`} d={w.path} className="wire" data-role={w.to.node.role} />
            ))}
          </svg>
          <ul>
            {drawn.boxes.map((b) => (
              <li key={b.id} style={{ transform: `translate(${b.x}px, ${b.y}px)`, width: b.width, height: b.height }}>
                {b.pods ? <Group box={b} show={show} /> : <Node node={b.node} show={show} to={drawn.wires.filter((w) => w.from === b).map((w) => w.to.node.name)} />}
              </li>
            ))}
          </ul>
        </div>
      </div>
    </>
  );
}

/** Node is an object as a card that opens its panel. */
export function Node({ node, show, to = [] }: { node: TreeNode; show: (node: TreeNode) => void; to?: string[] }) {
  return (
    <button type="button" className="node-card" data-tone={node.health ? toneOf("health", node.health) : undefined} onClick={() => show(node)} title={node.message ? inLanguage(node.message).text : node.name}>
      <span className="node-kind">
        {node.kind} <RoleChip role={node.role} />
        {node.sync === "OutOfSync" && <Status kind="sync" value={node.sync} bare />}
        {node.health && <Status kind="health" value={node.health} bare />}
      </span>
      <span className="node-name">{node.name}</span>
      {to.length > 0 && <span className="unseen">{t("app.network.to", { names: to.join(", ") })}</span>}
    </button>
  );
}

function Group({ box, show }: { box: Box; show: (node: TreeNode) => void }) {
  const pods = box.pods!;
  const ready = pods.filter((p) => p.health === "Healthy").length;
  return (
    <div className="node-card group" data-role={box.node.role}>
      <button type="button" className="node-head" onClick={() => show(box.node)} title={box.node.name}>
        <span className="node-kind">
          {box.node.kind} <RoleChip role={box.node.role} /> <span className="node-ready">{t("app.ready", { of: `${ready}/${pods.length}` })}</span>
        </span>
        <span className="node-name">{box.node.name}</span>
      </button>
      <Squares pods={pods} show={show} />
    </div>
  );
}

/** Squares are Pods, each one a square with the shape and colour of its health. */
export function Squares({ pods, show }: { pods: readonly TreeNode[]; show: (node: TreeNode) => void }) {
  return (
    <span className="squares">
      {pods.map((p) => (
        <button key={p.id} type="button" className="square" data-tone={toneOf("health", p.health ?? "Unknown")} aria-label={`${p.name}: ${word("health", p.health ?? "Unknown")}`} title={`${p.name}${p.message ? `: ${inLanguage(p.message).text}` : ""}`} onClick={() => show(p)}>
          <Status kind="health" value={p.health ?? "Unknown"} bare />
        </button>
      ))}
    </span>
  );
}
