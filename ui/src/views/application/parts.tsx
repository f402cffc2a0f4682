import type { Role, TreeNode } from "../../api/types";
import { t } from "../../i18n";

/** RoleChip says which side of a switch a ReplicaSet is: by a word, and by the colour that side has everywhere. */
export function RoleChip({ role }: { role?: Role }) {
  if (!role) return null;
  return (
    <span className="chip role" data-role={role}>
      {t(`app.role.${role}`)}
    </span>
  );
}

export const info = (node: TreeNode, name: string) => node.info.find((i) => i.name === name)?.value;

/** running reports whether an operation of a phase goes on. */
export const running = (phase?: string) => phase === "Running" || phase === "Terminating";
