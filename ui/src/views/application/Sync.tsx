import { RefreshCw } from "lucide-react";
import { useMemo, useState } from "react";
import { post } from "../../api/client";
import type { Detail, TreeNode } from "../../api/types";
import { Button, Dialog, Failure } from "../../design/parts";
import { t } from "../../i18n";
import { named, nodeKey, nodeOf } from "./address";
import { appPath, missing } from "./calls";
import { Preview, usePlan } from "./Preview";
import { type Choices, options, outOfSync, request, usual } from "./sync";

interface Props {
  detail: Detail;
  /** wanted is what the address has: all, or one object. */
  wanted: string;
  close: () => void;
  started: () => void;
}

/** Sync asks how to sync, and shows beside it what exactly that will do. */
export default function Sync({ detail, wanted, close, started }: Props) {
  const { row, nodes } = detail;
  const managed = useMemo(() => nodes.filter((n) => n.managed), [nodes]);
  const [choices, setChoices] = useState<Choices>(() => {
    const one = nodeOf(managed, named(wanted));
    return { ...usual, only: one ? [one] : undefined };
  });
  const [failed, setFailed] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const body = request(row, choices);
  const plan = usePlan(row, { ...body, dryRun: undefined });
  const set = (change: Partial<Choices>) => setChoices((old) => ({ ...old, ...change }));
  const nothing = choices.only?.length === 0;
  const go = async () => {
    setBusy(true);
    setFailed(undefined);
    try {
      await post(`${appPath(row)}/sync`, body);
      started();
    } catch (error) {
      setFailed(error);
      setBusy(false);
    }
  };
  return (
    <Dialog title={t("app.sync.title", { name: row.name })} onClose={close} wide>
      <div className="sync">
        <form
          className="stack sync-choices"
          onSubmit={(e) => {
            e.preventDefault();
            if (!nothing) void go();
          }}
        >
          <div className="field">
            <label htmlFor="revision">{t("app.sync.revision")}</label>
            <input className="input" id="revision" placeholder={row.targetRevision || "HEAD"} value={choices.revision} spellCheck={false} autoCapitalize="none" onChange={(e) => set({ revision: e.target.value })} />
          </div>
          <fieldset>
            <legend>{t("app.sync.how")}</legend>
            {(["prune", "dryRun", "force", "skipHooks"] as const).map((c) => (
              <label key={c} className="tick">
                <input type="checkbox" checked={choices[c]} onChange={(e) => set({ [c]: e.target.checked })} />
                <span>
                  {t(`app.sync.${c}`)} <span className="muted small">{t(`app.sync.${c}.explain`)}</span>
                </span>
              </label>
            ))}
          </fieldset>
          <details>
            <summary>
              {t("app.sync.options")} {choices.options.length > 0 && <span className="chip">{choices.options.length}</span>}
            </summary>
            {options.map((o) => (
              <label key={o} className="tick">
                <input type="checkbox" checked={choices.options.includes(o)} onChange={(e) => set({ options: e.target.checked ? [...choices.options, o] : choices.options.filter((c) => c !== o) })} />
                <code>{o}</code>
              </label>
            ))}
          </details>
          <Which managed={managed} only={choices.only} set={(only) => set({ only })} />
        </form>
        <section aria-label={t("app.plan")} className="sync-plan">
          <h3>{t("app.plan")}</h3>
          {nothing ? <p className="muted">{t("app.sync.noneChosen")}</p> : <Preview plan={plan} />}
        </section>
      </div>
      {failed !== undefined && (
        <p className="notice name" data-tone="bad" role="alert">
          <Failure error={failed} />
        </p>
      )}
      <footer>
        <Button onPress={close}>{t("cancel")}</Button>
        <Button look="main" icon={<RefreshCw size={16} aria-hidden />} isPending={busy} why={missing(row, "sync") ?? (nothing ? t("app.sync.noneChosen") : undefined)} onPress={() => void go()}>
          {t(choices.dryRun ? "app.sync.dry" : "app.sync.now")}
        </Button>
      </footer>
    </Dialog>
  );
}

const most = 200;

/** Which chooses the objects of a sync: all, those that differ, or some. */
function Which({ managed, only, set }: { managed: TreeNode[]; only: Choices["only"]; set: (only: Choices["only"]) => void }) {
  const [text, setText] = useState("");
  const differing = useMemo(() => outOfSync(managed), [managed]);
  const chosen = new Set(only?.map(nodeKey));
  const found = useMemo(() => managed.filter((n) => `${n.kind} ${n.name}`.toLowerCase().includes(text.toLowerCase())), [managed, text]);
  return (
    <fieldset>
      <legend>{t("app.sync.which")}</legend>
      <div className="actions">
        <Button look={only ? "quiet" : "plain"} aria-pressed={!only} onPress={() => set(undefined)}>
          {t("app.sync.all", { count: managed.length })}
        </Button>
        <Button look="quiet" onPress={() => set(differing)}>
          {t("app.sync.differing", { count: differing.length })}
        </Button>
        <Button look={only ? "plain" : "quiet"} aria-pressed={only !== undefined} onPress={() => set(only ?? [])}>
          {t("app.sync.some", { count: only?.length ?? 0 })}
        </Button>
      </div>
      {only && (
        <>
          <input className="input" type="search" aria-label={t("app.search")} placeholder={t("app.search")} value={text} onChange={(e) => setText(e.target.value)} />
          <div className="which">
            {found.slice(0, most).map((n) => (
              <label key={n.id} className="tick">
                <input type="checkbox" checked={chosen.has(nodeKey(n))} onChange={(e) => set(e.target.checked ? [...only, n] : only.filter((o) => nodeKey(o) !== nodeKey(n)))} />
                <span className="o-kind">{n.kind}</span> <span className="name">{n.name}</span>
              </label>
            ))}
            {found.length > most && <p className="muted small">{t("more", { count: found.length - most })}</p>}
          </div>
        </>
      )}
    </fieldset>
  );
}
