import { useState } from "react";
import type { ClusterInfo } from "../../api/settings";
import { t } from "../../i18n";
import { type ClusterFields, emptyCluster, fieldsOf } from "./cluster";
import { contextsOf, filledFrom, type Gap } from "./kubeconfig";
import { Ask, Line } from "./shared";

type Text = Exclude<keyof ClusterFields, "insecure" | "by">;

export default function ClusterForm({ title, action, there, ready, run, close }: { title: string; action: string; there?: ClusterInfo; ready: (f: ClusterFields) => boolean; run: (f: ClusterFields) => Promise<unknown>; close: () => void }) {
  const [f, set] = useState(there ? fieldsOf(there) : emptyCluster);
  const on = (key: Text) => ({ value: f[key], onChange: (e: { target: { value: string } }) => set({ ...f, [key]: e.target.value }) });
  const kept = there ? t("settings.bearerTokenKept") : undefined;
  return (
    <Ask title={title} action={action} ready={ready(f)} run={() => run(f)} close={close}>
      {!there && <Paste fill={(fields) => set((before) => ({ ...before, ...fields }))} />}
      <div className="two">
        <Line label={t("settings.server")} {...on("server")} placeholder="https://10.0.0.1:6443" autoFocus={!there} readOnly={there !== undefined} />
        <Line label={t("settings.clusterName")} {...on("name")} placeholder="tokyo" autoFocus={there !== undefined} />
      </div>
      <fieldset className="choice">
        <legend className="label">{t("settings.openedBy")}</legend>
        {(["token", "certificate"] as const).map((by) => (
          <label key={by} className="check">
            <input type="radio" name="opened-by" checked={f.by === by} onChange={() => set({ ...f, by })} />
            <span>{t(by === "token" ? "settings.byToken" : "settings.clientCertificate")}</span>
          </label>
        ))}
      </fieldset>
      {f.by === "token" ? (
        <Line label={t("settings.bearerToken")} type="password" autoComplete="new-password" {...on("token")} hint={kept ?? t("settings.bearerTokenHint")} />
      ) : (
        <>
          <Pem label={t("settings.clientCertificatePem")} what="CERTIFICATE" {...on("cert")} hint={kept} />
          <Pem label={t("settings.clientKeyPem")} what="PRIVATE KEY" masked {...on("key")} />
        </>
      )}
      <Pem label={t("settings.authority")} what="CERTIFICATE" disabled={f.insecure} {...on("ca")} hint={t("settings.authorityHint")} />
      <label className="check">
        <input type="checkbox" checked={f.insecure} onChange={(e) => set({ ...f, insecure: e.target.checked })} />
        <span>{t("settings.insecureDo")}</span>
      </label>
      <Line label={t("settings.serverName")} {...on("serverName")} hint={t("settings.serverNameHint")} />
      <div className="two">
        <Line label={t("settings.namespaces")} {...on("namespaces")} hint={t("settings.namespacesHint")} />
        <Line label={t("create.project")} {...on("project")} hint={t("settings.projectScoped")} />
      </div>
      <p className="muted small">{t("settings.secretNote")}</p>
    </Ask>
  );
}

function Pem({ label, what, hint, masked, ...rest }: { label: string; what: string; hint?: string; masked?: boolean } & React.TextareaHTMLAttributes<HTMLTextAreaElement>) {
  return (
    <label className="field">
      <span className="label">{label}</span>
      <textarea className={`input mono${masked ? " masked" : ""}`} rows={3} spellCheck={false} autoComplete="off" placeholder={`-----BEGIN ${what}-----`} {...rest} />
      {hint && <span className="muted small">{hint}</span>}
    </label>
  );
}

/** Paste fills the form from a kubeconfig. What was pasted goes out of sight at once. */
function Paste({ fill }: { fill: (fields: Partial<ClusterFields>) => void }) {
  const [pasted, set] = useState<{ source: string; context: string; gaps: Gap[] }>();
  const [text, setText] = useState("");
  const choose = (source: string, context: string) => {
    const { fields, gaps } = filledFrom(source, context);
    fill(fields);
    set({ source, context, gaps });
  };
  const take = (source: string) => {
    const found = contextsOf(source);
    setText(found ? "" : source);
    if (found) choose(source, found.current);
    else set(undefined);
  };
  const contexts = pasted ? contextsOf(pasted.source)!.contexts : [];
  return (
    <details className="paste">
      <summary>{t("settings.kubeconfig")}</summary>
      <label className="field">
        <span className="label">{t("settings.kubeconfigPaste")}</span>
        <textarea className="input mono masked" rows={3} spellCheck={false} autoComplete="off" value={text} onChange={(e) => take(e.target.value)} />
        <span className="muted small">{t("settings.kubeconfigHint")}</span>
      </label>
      {contexts.length > 1 && (
        <label className="field">
          <span className="label">{t("settings.context")}</span>
          <select className="input" value={pasted!.context} onChange={(e) => choose(pasted!.source, e.target.value)}>
            {contexts.map((c) => (
              <option key={c}>{c}</option>
            ))}
          </select>
        </label>
      )}
      <div role="status">
        {pasted && <p className="small">{t("settings.kubeconfigTaken", { context: pasted.context })}</p>}
        {pasted?.gaps.map((gap) => (
          <p key={gap} className="fault small" data-tone="warn">
            {t(`settings.kubeconfig.${gap}`)}
          </p>
        ))}
        {text.trim() !== "" && (
          <p className="fault small" data-tone="bad">
            {t("settings.kubeconfigNone")}
          </p>
        )}
      </div>
    </details>
  );
}
