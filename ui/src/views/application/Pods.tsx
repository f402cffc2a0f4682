import { useMemo } from "react";
import type { TreeNode } from "../../api/types";
import { Told } from "../../design/Told";
import { t } from "../../i18n";
import { Squares } from "./Network";
import { RoleChip } from "./parts";
import { type Filter, matches, severity } from "./tree";
import "./drawn.css";

const most = 500;

interface Owned {
  owner: TreeNode;
  pods: TreeNode[];
  worst: number;
}

/** owned returns the Pods by what owns them, those in trouble first. */
function owned(nodes: readonly TreeNode[], filter: Filter): Owned[] {
  const byId = new Map(nodes.map((n) => [n.id, n]));
  const out = new Map<string, Owned>();
  for (const pod of nodes) {
    if (pod.kind !== "Pod" || !matches(pod, filter)) continue;
    const owner = (pod.parent !== undefined && byId.get(pod.parent)) || pod;
    const of = out.get(owner.id) ?? { owner, pods: [], worst: 0 };
    of.pods.push(pod);
    of.worst = Math.max(of.worst, severity(pod));
    out.set(owner.id, of);
  }
  for (const of of out.values()) of.pods.sort((a, b) => severity(b) - severity(a) || (a.name < b.name ? -1 : 1));
  return [...out.values()].sort((a, b) => b.worst - a.worst || (a.owner.name < b.owner.name ? -1 : 1));
}

/** Pods shows all Pods at a glance, by what owns them. */
export default function Pods({ nodes, filter, show }: { nodes: readonly TreeNode[]; filter: Filter; show: (node: TreeNode) => void }) {
  const groups = useMemo(() => owned(nodes, filter), [nodes, filter]);
  if (groups.length === 0) return <p className="muted nothing">{t("app.pods.none")}</p>;
  return (
    <ul className="pods">
      {groups.slice(0, 100).map(({ owner, pods }) => (
        <li key={owner.id} className="card">
          <button type="button" className="node-head" onClick={() => show(owner)}>
            <span className="node-kind">
              {owner.kind} <RoleChip role={owner.role} />
              <span className="node-ready">{t("app.ready", { of: `${pods.filter((p) => p.health === "Healthy").length}/${pods.length}` })}</span>
            </span>
            <span className="node-name">{owner.name}</span>
          </button>
          <Squares pods={pods.slice(0, most)} show={show} />
          {pods.length > most && <p className="muted small">{t("more", { count: pods.length - most })}</p>}
          {pods[0]?.message && (
            <p className="small name pods-why">
              <Told message={pods[0].message} />
            </p>
          )}
        </li>
      ))}
      {groups.length > 100 && <li className="muted">{t("more", { count: groups.length - 100 })}</li>}
    </ul>
  );
}
