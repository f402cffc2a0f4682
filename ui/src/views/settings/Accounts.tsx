import { useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { del, post, put } from "../../api/client";
import { meQuery } from "../../api/queries";
import { accountsQuery, one, serverSettingsQuery } from "../../api/settings";
import { Button, Card, Problem } from "../../design/parts";
import { Ago } from "../../design/Time";
import { t } from "../../i18n";
import { Expiry, NewToken } from "./Tokens";
import { Ask, Line, Loaded } from "./shared";

export function Accounts() {
  const accounts = useQuery(accountsQuery);
  const me = useQuery(meQuery).data;
  const queries = useQueryClient();
  const [asked, ask] = useState<{ token?: string; revoke?: { name: string; id: string } }>({});
  const again = () => queries.invalidateQueries({ queryKey: accountsQuery.queryKey });
  return (
    <Card title={t("settings.accounts")}>
      <Loaded query={accounts}>
        {(all) => (
          <ul className="rows accounts">
            {all.map((a) => {
              const may = me?.may.accounts || me?.name === a.name;
              const denied = !may ? t("denied", { right: "accounts, update" }) : undefined;
              return (
                <li key={a.name}>
                  <div className="row-main">
                    <strong className="name">{a.name}</strong>{" "}
                    {!a.enabled && <span className="chip" data-tone="warn">{t("settings.disabled")}</span>}
                    <p className="muted small">{(a.capabilities ?? []).map((c) => t(c === "login" ? "settings.mayLogin" : "settings.mayToken")).join(" · ")}</p>
                    {(a.tokens ?? []).map((token) => (
                      <p key={token.id} className="token small">
                        <KeyRound size={14} aria-hidden /> <span className="name">{token.id}</span> <span className="muted">{t("settings.issued")} <Ago at={token.issuedAt ? new Date(token.issuedAt * 1000).toISOString() : undefined} /></span> <Expiry at={token.expiresAt} />
                        <Button look="quiet" why={denied} aria-label={`${t("settings.revoke")}: ${token.id}`} onPress={() => ask({ revoke: { name: a.name, id: token.id } })}>{t("settings.revoke")}</Button>
                      </p>
                    ))}
                  </div>
                  <div className="row-do">
                    <Button icon={<Plus size={15} aria-hidden />} why={denied ?? (!(a.capabilities ?? []).includes("apiKey") ? t("settings.noApiKey", { name: a.name }) : undefined)} onPress={() => ask({ token: a.name })}>{t("settings.newToken")}</Button>
                  </div>
                </li>
              );
            })}
          </ul>
        )}
      </Loaded>
      <p className="empty-note muted small">{t("settings.accountsNote")}</p>
      {asked.token && <NewToken title={t("settings.newTokenOf", { name: asked.token })} close={() => ask({})} make={async (id, expiresIn) => { const made = await post<{ token: string }>(`api/v1/account/${one(asked.token!)}/token`, { id: id || undefined, expiresIn: expiresIn || undefined }); void again(); return made.token; }} />}
      {asked.revoke && <Ask title={t("settings.revoke")} text={t("settings.revokeText", { name: asked.revoke.id })} action={t("settings.revoke")} danger close={() => ask({})} run={async () => { await del(`api/v1/account/${one(asked.revoke!.name)}/token/${one(asked.revoke!.id)}`); await again(); }} />}
    </Card>
  );
}

/** Own is what the one who is logged in may see and change of themselves. */
export function Own() {
  const me = useQuery(meQuery);
  const pattern = useQuery(serverSettingsQuery).data?.passwordPattern;
  const [f, setF] = useState({ now: "", next: "", again: "" });
  const [state, set] = useState<{ busy?: boolean; error?: unknown; done?: boolean }>({});
  const on = (key: keyof typeof f) => ({ value: f[key], type: "password", onChange: (e: { target: { value: string } }) => { setF({ ...f, [key]: e.target.value }); set({}); } });
  const differs = f.again !== "" && f.again !== f.next;
  const change = async () => {
    set({ busy: true });
    try {
      await put("api/v1/account/password", { name: me.data?.account, currentPassword: f.now, newPassword: f.next });
      setF({ now: "", next: "", again: "" });
      set({ done: true });
    } catch (error) {
      set({ error });
    }
  };
  return (
    <Loaded query={me}>
      {(who) => (
        <>
          <Card title={t("settings.account")}>
            <dl className="facts">
              <dt>{t("settings.loggedInAs")}</dt>
              <dd className="name">{who.name}</dd>
              <dt>{t("settings.groupsOf")}</dt>
              <dd className="name">{who.groups?.length ? who.groups.join(", ") : "–"}</dd>
              <dt>{t("settings.mayCreate")}</dt>
              <dd className="name">{who.may.createApplication.length ? who.may.createApplication.join(", ") : "–"}</dd>
            </dl>
          </Card>
          {who.account && (
            <Card title={t("settings.password")}>
              <form className="fields" onSubmit={(e) => { e.preventDefault(); void change(); }}>
                <input type="text" autoComplete="username" value={who.account} readOnly hidden />
                <Line label={t("settings.passwordNow")} autoComplete="current-password" {...on("now")} />
                <Line label={t("settings.passwordNew")} autoComplete="new-password" {...on("next")} hint={pattern && t("settings.passwordPattern", { pattern })} />
                <Line label={t("settings.passwordAgain")} autoComplete="new-password" {...on("again")} fault={differs ? t("settings.passwordDiffers") : undefined} />
                {state.error !== undefined && <Problem error={state.error} />}
                {state.done && <p className="notice" data-tone="ok" role="status">{t("settings.passwordDone")}</p>}
                <div className="actions">
                  <Button look="main" type="submit" isPending={state.busy} isDisabled={f.now === "" || f.next === "" || f.next !== f.again}>{t("settings.passwordDo")}</Button>
                </div>
                <p className="muted small">{t("settings.passwordNote")}</p>
              </form>
            </Card>
          )}
        </>
      )}
    </Loaded>
  );
}
