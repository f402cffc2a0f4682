import { useQuery } from "@tanstack/react-query";
import { Copy } from "lucide-react";
import { memo, useMemo } from "react";
import { get } from "../../api/client";
import type { ObjectChanges, Row, TreeNode } from "../../api/types";
import { Button, Problem, Waiting } from "../../design/parts";
import { t } from "../../i18n";
import { announce } from "../../shell/Frame";
import { appPath, ofObject, viewPath } from "./calls";
import { pieces, withoutManagers, yaml } from "./yaml";

/** useLiveManifest returns the manifest that an object has in the cluster. */
export function useLiveManifest(row: Row, node: TreeNode) {
  return useQuery({
    queryKey: ["manifest", row.namespace, row.name, node.id],
    queryFn: async ({ signal }) => {
      const answer = await get<{ manifest?: string }>(`${appPath(row)}/resource?${ofObject(row, node)}`, {}, signal);
      return JSON.parse(answer.manifest ?? "null") as unknown;
    },
    staleTime: 2000,
  });
}

/** useChanges returns how an object differs from what git has. */
export function useChanges(row: Row, node: TreeNode, enabled = true) {
  return useQuery({
    queryKey: ["changes", row.namespace, row.name, node.id],
    queryFn: async ({ signal }) => {
      const found = await get<{ items: ObjectChanges[] }>(`${viewPath(row)}/changes`, { group: node.group, kind: node.kind, namespace: node.namespace, objectName: node.name }, signal);
      return found.items.find((i) => i.name === node.name && i.kind === node.kind) ?? null;
    },
    staleTime: 2000,
    enabled,
  });
}

/** Manifest is an object as YAML: as it is in the cluster, or as git has it. */
export function Manifest({ row, node, desired, choose }: { row: Row; node: TreeNode; desired: boolean; choose?: (which: string | undefined) => void }) {
  const want = desired && choose !== undefined;
  const live = useLiveManifest(row, node);
  const changes = useChanges(row, node, want);
  const asked = want ? changes : live;
  const text = useMemo(() => (want ? (changes.data?.desired ?? "") : live.data === undefined || live.data === null ? "" : yaml(withoutManagers(live.data))), [want, changes.data, live.data]);
  return (
    <div className="stack">
      <div className="actions">
        {choose && (
          <div className="pair segments" role="group" aria-label={t("app.tab.manifest")}>
            <Button look={want ? "quiet" : "plain"} aria-pressed={!want} onPress={() => choose(undefined)}>
              {t("app.manifest.live")}
            </Button>
            <Button look={want ? "plain" : "quiet"} aria-pressed={want} onPress={() => choose("desired")}>
              {t("app.manifest.desired")}
            </Button>
          </div>
        )}
        <span className="spring" />
        <Button
          look="quiet"
          icon={<Copy size={15} aria-hidden />}
          onPress={() => {
            void navigator.clipboard?.writeText(text);
            announce(t("copied"));
          }}
        >
          {t("copy")}
        </Button>
      </div>
      {asked.isPending ? <Waiting /> : asked.error ? <Problem error={asked.error} again={() => void asked.refetch()} /> : text === "" ? <p className="muted">{t(want ? "app.manifest.noDesired" : "app.manifest.noLive")}</p> : <Code text={text} />}
    </div>
  );
}

/** block is how many lines are laid out together: those out of sight are not. */
const block = 100;
const coloured = 3000;

export const Code = memo(function Code({ text }: { text: string }) {
  const all = text.replace(/\n$/, "").split("\n");
  const blocks = Array.from({ length: Math.ceil(all.length / block) }, (_, i) => all.slice(i * block, (i + 1) * block));
  return (
    <div className="code" tabIndex={0} role="region" aria-label="YAML">
      {blocks.map((of, i) => (
        <pre key={i} style={{ containIntrinsicBlockSize: `${of.length * 1.45}em` }}>
          {all.length > coloured
            ? of.join("\n")
            : of.map((line, n) => (
                <span key={n} className="code-line">
                  {pieces(line).map((p, at) => (p.is ? <span key={at} className={`y-${p.is}`}>{p.text}</span> : p.text))}
                  {"\n"}
                </span>
              ))}
        </pre>
      ))}
    </div>
  );
});
