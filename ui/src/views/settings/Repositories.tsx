import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { del, get, post } from "../../api/client";
import { meQuery } from "../../api/queries";
import { one, repositoriesQuery, type Repository } from "../../api/settings";
import { Button, Card } from "../../design/parts";
import { t } from "../../i18n";
import { Ask, Connection, Line, Loaded, Test } from "./shared";

export function Repositories() {
  const repositories = useQuery(repositoriesQuery);
  const me = useQuery(meQuery).data;
  const queries = useQueryClient();
  const [asked, ask] = useState<{ add?: boolean; remove?: Repository }>({});
  const denied = me && !me.may.repositories ? t("denied", { right: "repositories" }) : undefined;
  const again = () => queries.invalidateQueries({ queryKey: repositoriesQuery.queryKey });
  return (
    <Card title={t("settings.repositories")} aside={<Button icon={<Plus size={16} aria-hidden />} why={denied} onPress={() => ask({ add: true })}>{t("settings.add")}</Button>}>
      <Loaded query={repositories}>
        {(all) =>
          all.length === 0 ? (
            <p className="empty-note muted">{t("settings.repositoriesNone")}</p>
          ) : (
            <ul className="rows">
              {all.map((r) => (
                <li key={`${r.repo} ${r.project ?? ""}`}>
                  <div className="row-main">
                    <strong className="name">{r.repo}</strong>
                    <p className="muted small name">{[r.name, r.project && `${t("create.project")}: ${r.project}`, r.username && t("settings.as", { name: r.username }), r.inheritedCreds && t("settings.inherited"), r.insecure && t("settings.insecure")].filter(Boolean).join(" · ")}</p>
                  </div>
                  <Connection state={r.connectionState} />
                  <div className="row-do">
                    <Test label={t("settings.testOf", { name: r.repo })} run={async () => {
                      const now = await get<Repository>(`api/v1/repositories/${one(r.repo)}`, { forceRefresh: true, appProject: r.project });
                      if (now.connectionState?.status === "Unknown") throw new Error(t("settings.notTested"));
                      queries.setQueryData(repositoriesQuery.queryKey, (old: Repository[] | undefined) => old?.map((o) => (o.repo === r.repo && o.project === r.project ? { ...o, connectionState: now.connectionState } : o)));
                    }} />
                    <Button look="quiet" aria-label={t("settings.removeOf", { name: r.repo })} why={denied} icon={<Trash2 size={16} aria-hidden />} onPress={() => ask({ remove: r })} />
                  </div>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      {asked.add && <AddRepository close={() => ask({})} added={again} />}
      {asked.remove && <Ask title={t("settings.remove")} text={t("settings.removeRepository", { name: asked.remove.repo })} action={t("settings.remove")} danger close={() => ask({})} run={async () => { await del(`api/v1/repositories/${one(asked.remove!.repo)}`, { appProject: asked.remove!.project }); await again(); }} />}
    </Card>
  );
}

function AddRepository({ close, added }: { close: () => void; added: () => Promise<unknown> }) {
  const [f, set] = useState({ repo: "", name: "", project: "", username: "", password: "", sshPrivateKey: "" });
  const on = (key: keyof typeof f) => ({ value: f[key], onChange: (e: { target: { value: string } }) => set({ ...f, [key]: e.target.value }) });
  const ssh = /^(ssh:\/\/|[^/\s]+@[^/\s]+:)/.test(f.repo);
  const sent = () => Object.fromEntries(Object.entries(f).filter(([k, v]) => v !== "" && !(ssh ? ["username", "password"] : ["sshPrivateKey"]).includes(k)));
  const run = async () => {
    await post("api/v1/repositories", sent());
    await added();
  };
  return (
    <Ask title={t("settings.addRepository")} action={t("settings.add")} ready={f.repo !== ""} run={run} close={close}>
      <Line label="URL" {...on("repo")} placeholder="https://git.example/shop/deploy.git" hint={t("settings.repoUrlHint")} autoFocus />
      <div className="two">
        <Line label={t("settings.shortName")} {...on("name")} />
        <Line label={t("create.project")} {...on("project")} hint={t("settings.projectScoped")} />
      </div>
      {ssh ? (
        <label className="field">
          <span className="label">{t("settings.sshKey")}</span>
          <textarea className="input mono" rows={4} spellCheck={false} value={f.sshPrivateKey} onChange={(e) => set({ ...f, sshPrivateKey: e.target.value })} />
        </label>
      ) : (
        <div className="two">
          <Line label={t("settings.username")} {...on("username")} />
          <Line label={t("settings.passwordOrToken")} type="password" autoComplete="new-password" {...on("password")} />
        </div>
      )}
      <div className="tried">
        <Test key={JSON.stringify(f)} tells off={f.repo === "" ? t("settings.urlFirst") : undefined} label={t("settings.testOf", { name: f.repo || "URL" })} run={() => post(`api/v1/repositories/${one(f.repo)}/validate`, sent())} />
      </div>
      <p className="muted small">{t("settings.secretNote")}</p>
    </Ask>
  );
}
