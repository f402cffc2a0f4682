import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Ban, Check, FileCode2, KeyRound, Plus, Trash2 } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { del, post } from "../../api/client";
import { meQuery } from "../../api/queries";
import { one, type Project, projectsQuery, type SyncWindow } from "../../api/settings";
import { Button, Card, Waiting } from "../../design/parts";
import { Ago } from "../../design/Time";
import { exact } from "../../design/time";
import { collator, t } from "../../i18n";
import type { Search } from "../../shell/search";
import { Expiry, NewToken } from "./Tokens";
import { from, policyOf, type Statement, to, what, who } from "./project";
import { Ask, Loaded } from "./shared";

const ProjectEdit = lazy(() => import("./ProjectEdit"));

export function Projects() {
  const projects = useQuery(projectsQuery);
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const me = useQuery(meQuery).data;
  const [edit, setEdit] = useState<{ project?: Project }>();
  const denied = me && !me.may.projects ? t("denied", { right: "projects" }) : undefined;
  return (
    <Card title={t("settings.projects")} aside={<Button icon={<Plus size={16} aria-hidden />} why={denied} onPress={() => setEdit({})}>{t("settings.newProject")}</Button>}>
      <Loaded query={projects}>
        {(all) => {
          const chosen = search.project ? all.find((p) => p.metadata.name === search.project) : all[0];
          return (
            <div className="projects">
              <ul className="names" aria-label={t("settings.projects")}>
                {all.slice().sort((a, b) => collator().compare(a.metadata.name, b.metadata.name)).map((p) => (
                  <li key={p.metadata.name}>
                    <button type="button" className="button quiet name" aria-current={p === chosen ? "true" : undefined} onClick={() => void navigate({ to: ".", search: (old: Search) => ({ ...old, project: p.metadata.name }), replace: true })}>
                      {p.metadata.name}
                    </button>
                  </li>
                ))}
              </ul>
              {!chosen && <p className="empty-note muted name">{search.project ? t("notfound.project", { name: search.project }) : t("settings.projectsNone")}</p>}
              {chosen && <Detail project={chosen} denied={denied} edit={() => setEdit({ project: chosen })} />}
            </div>
          );
        }}
      </Loaded>
      {edit && (
        <Suspense fallback={<Waiting />}>
          <ProjectEdit project={edit.project} close={() => setEdit(undefined)} />
        </Suspense>
      )}
    </Card>
  );
}

function Detail({ project, denied, edit }: { project: Project; denied?: string; edit: () => void }) {
  const { name } = project.metadata;
  const queries = useQueryClient();
  const [asked, ask] = useState<{ remove?: boolean; token?: string; revoke?: { role: string; iat: number; id?: string } }>({});
  const again = () => queries.invalidateQueries({ queryKey: projectsQuery.queryKey });
  return (
    <section className="project" aria-label={name}>
      <div className="view-head">
        <h3 className="name">{name}</h3>
        {project.spec.description && <span className="muted name">{project.spec.description}</span>}
        <div className="actions">
          <Button icon={<FileCode2 size={16} aria-hidden />} why={denied} onPress={edit}>{t("settings.editYaml")}</Button>
          <Button look="quiet" aria-label={t("settings.removeOf", { name })} why={denied ?? (name === "default" ? t("settings.defaultStays") : undefined)} icon={<Trash2 size={16} aria-hidden />} onPress={() => ask({ remove: true })} />
        </div>
      </div>
      <Statements title={t("settings.from")} all={from(project.spec)} />
      <Statements title={t("settings.to")} all={to(project.spec)} />
      <Statements title={t("settings.what")} all={what(project.spec)} />
      {who(project.spec).length > 0 && <Statements title={t("settings.who")} all={who(project.spec)} />}
      <h4>{t("settings.roles")}</h4>
      {(project.spec.roles ?? []).length === 0 && <p className="muted">{t("settings.rolesNone")}</p>}
      {(project.spec.roles ?? []).map((role) => (
        <div key={role.name} className="role">
          <div className="view-head">
            <strong className="name">{role.name}</strong>
            <span className="muted small name">{role.description}</span>
            <div className="actions">
              <Button look="quiet" aria-label={t("settings.newTokenOf", { name: `${name}/${role.name}` })} why={denied} icon={<KeyRound size={15} aria-hidden />} onPress={() => ask({ token: role.name })}>{t("settings.newToken")}</Button>
            </div>
          </div>
          <ul className="statements">
            {(role.policies ?? []).map((line) => {
              const p = policyOf(line);
              return p ? <Said key={line} allows={p.allows} text={t("settings.policy", { action: p.action, resource: p.resource, object: p.object })} /> : <li key={line} className="name mono">{line}</li>;
            })}
          </ul>
          {(role.groups ?? []).length > 0 && <p className="small name">{t("settings.groups", { names: role.groups!.join(", ") })}</p>}
          {tokensOf(project, role.name).map((token) => (
            <p key={token.iat} className="token small">
              <KeyRound size={14} aria-hidden /> {token.id && <span className="name">{token.id}</span>} <span className="muted">{t("settings.issued")} <Ago at={new Date(token.iat * 1000).toISOString()} /></span> <Expiry at={token.exp} />
              <Button look="quiet" aria-label={`${t("settings.revoke")}: ${token.id ?? exact(token.iat * 1000)}`} why={denied} onPress={() => ask({ revoke: { role: role.name, iat: token.iat, id: token.id } })}>{t("settings.revoke")}</Button>
            </p>
          ))}
        </div>
      ))}
      <h4>{t("settings.windows")}</h4>
      <WindowList all={project.spec.syncWindows ?? []} />
      {asked.remove && <Ask title={t("settings.remove")} text={t("settings.removeProject", { name })} action={t("settings.remove")} danger close={() => ask({})} run={async () => { await del(`api/v1/projects/${one(name)}`); await again(); }} />}
      {asked.token && <NewToken title={t("settings.newTokenOf", { name: `${name}/${asked.token}` })} close={() => ask({})} make={async (id, expiresIn) => { const made = await post<{ token: string }>(`api/v1/projects/${one(name)}/roles/${one(asked.token!)}/token`, { project: name, role: asked.token, id: id || undefined, expiresIn: expiresIn || undefined }); void again(); return made.token; }} />}
      {asked.revoke && <Ask title={t("settings.revoke")} text={t("settings.revokeText", { name: asked.revoke.id ?? exact(asked.revoke.iat * 1000) })} action={t("settings.revoke")} danger close={() => ask({})} run={async () => { await del(`api/v1/projects/${one(name)}/roles/${one(asked.revoke!.role)}/token/${asked.revoke!.iat}`, { id: asked.revoke!.id }); await again(); }} />}
    </section>
  );
}

const tokensOf = (project: Project, role: string) => project.status?.jwtTokensByRole?.[role]?.items ?? project.spec.roles?.find((r) => r.name === role)?.jwtTokens ?? [];

function Statements({ title, all }: { title: string; all: Statement[] }) {
  return (
    <>
      <h4>{title}</h4>
      <ul className="statements">
        {all.map((s, i) => (
          <Said key={i} allows={s.allows} text={t(`settings.say.${s.word}`, s.values)} />
        ))}
      </ul>
    </>
  );
}

function Said({ allows, text }: { allows: boolean; text: string }) {
  return (
    <li className="name">
      <span className="status" data-tone={allows ? "ok" : "bad"}>
        {allows ? <Check size={16} aria-label={t("settings.allowed")} /> : <Ban size={15} aria-label={t("settings.denied")} />}
      </span>
      <span>{text}</span>
    </li>
  );
}

export function WindowList({ all }: { all: SyncWindow[] }) {
  if (all.length === 0) return <p className="muted">{t("settings.windowsNone")}</p>;
  return (
    <ul className="windows">
      {all.map((w, i) => (
        <li key={i}>
          <span className="chip" data-tone={w.kind === "deny" ? "bad" : "ok"}>{w.kind === "deny" ? t("settings.windowDeny") : t("settings.windowAllow")}</span>
          <code>{w.schedule}</code>
          <span>{t("settings.windowFor", { duration: w.duration ?? "", zone: w.timeZone || "UTC" })}</span>
          <span className="muted small name">
            {[w.applications?.length && `${t("nav.applications")}: ${w.applications.join(", ")}`, w.namespaces?.length && `Namespace: ${w.namespaces.join(", ")}`, w.clusters?.length && `${t("create.cluster")}: ${w.clusters.join(", ")}`, w.andOperator && t("settings.windowAnd"), w.manualSync && t("settings.windowManual"), w.description].filter(Boolean).join(" · ")}
          </span>
        </li>
      ))}
    </ul>
  );
}

export function Windows() {
  const projects = useQuery(projectsQuery);
  return (
    <Card title={t("settings.windows")}>
      <p className="empty-note muted small">{t("settings.windowsText")}</p>
      <Loaded query={projects}>
        {(all) => {
          const having = all.filter((p) => (p.spec.syncWindows ?? []).length > 0);
          if (having.length === 0) return <p className="empty-note muted">{t("settings.windowsNone")}</p>;
          return (
            <div className="fields">
              {having.map((p) => (
                <section key={p.metadata.name}>
                  <h3 className="name">{p.metadata.name}</h3>
                  <WindowList all={p.spec.syncWindows ?? []} />
                </section>
              ))}
            </div>
          );
        }}
      </Loaded>
    </Card>
  );
}
