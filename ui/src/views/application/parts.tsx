import type { Result, Role, TreeNode } from "../../api/types";
import { Told } from "../../design/Told";
import { t, useLanguage, word } from "../../i18n";
import { inWords } from "../rollout/sentences";

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

/** resultWord is what an operation has made of an object, or the phase of a hook. */
export const resultWord = (r: Result) => (r.status ? word("result", r.status) : word("phase", r.phase ?? ""));

/** Reason shows why an object is as it is. Rollouts have codes for that, such as BlueGreenPause, and the page words. */
export function Reason({ node, message }: { node: TreeNode; message: string }) {
  useLanguage();
  const words = node.kind === "Rollout" ? inWords(message) : message;
  return words === message ? <Told message={message} /> : <span>{words}</span>;
}
