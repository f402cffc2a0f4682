import { useQuery } from "@tanstack/react-query";
import { Link as To } from "@tanstack/react-router";
import { type ReactNode, useContext, useState } from "react";
import { Refusal } from "../../api/client";
import { clustersQuery, projectsQuery, repositoriesQuery, treeQuery } from "../../api/settings";
import type { Me } from "../../api/types";
import { Card, Failure } from "../../design/parts";
import { t } from "../../i18n";
import { isEmpty, listAt, type Path, textAt, valueAt } from "./document";
import { FormContext } from "./form";
import { useLater } from "./later";
import { optionOf, withOption } from "./edit";
import { Check, CheckField, Choices, LinesField, PickField, TextField } from "./fields";

const spec = (...steps: (string | number)[]): Path => ["spec", ...steps];

/** Sections are the fields of an Application that the form knows. */
export default function Sections({ me, existing }: { me?: Me; existing?: boolean }) {
  return (
    <>
      <General me={me} existing={existing} />
      <Source />
      <Destination />
      <Policy />
      <Options />
      <Retry />
      <Parameters />
    </>
  );
}

function General({ me, existing }: { me?: Me; existing?: boolean }) {
  const projects = useQuery(projectsQuery);
  const may = me?.may.createApplication ?? [];
  const names = [...new Set([...may, ...(projects.data?.map((p) => p.metadata.name) ?? [])])].sort();
  return (
    <Card title={t("create.general")}>
      <div className="fields two">
        {existing ? null : <TextField label={t("create.name")} path={["metadata", "name"]} hint={t("create.nameHint")} />}
        <PickField label={t("create.project")} path={spec("project")} items={names.map((id) => ({ id, note: existing || may.length === 0 || may.includes(id) ? projects.data?.find((p) => p.metadata.name === id)?.spec.description : t("create.projectDenied") }))} hint={t("create.projectHint")} />
      </div>
    </Card>
  );
}

function Source() {
  const { app, set } = useContext(FormContext);
  const several = valueAt(app, spec("sources"));
  const chart = textAt(app, spec("source", "chart"));
  const repo = textAt(app, spec("source", "repoURL"));
  const revision = textAt(app, spec("source", "targetRevision"));
  const repositories = useQuery(repositoriesQuery);
  const asked = useLater(`${repo}\n${revision}\n${textAt(app, spec("project"))}`, 500).split("\n");
  const tree = useQuery(treeQuery(asked[0] ?? "", asked[1] ?? "", asked[2]));
  const [typeOf, setTypeOf] = useState<"path" | "chart">(chart ? "chart" : "path");
  if (Array.isArray(several) && several.length > 0) {
    return (
      <Card title={t("create.source")}>
        <p className="fields">{t("create.several", { count: several.length })}</p>
      </Card>
    );
  }
  const revisions = tree.data ? [{ id: "HEAD", note: t("create.defaultBranch") }, ...tree.data.branches.map((id) => ({ id, note: t("create.branch") })), ...tree.data.tags.map((id) => ({ id, note: t("create.tag") }))] : [];
  return (
    <Card title={t("create.source")}>
      <div className="fields">
        <PickField label={t("create.repo")} path={spec("source", "repoURL")} items={(repositories.data ?? []).map((r) => ({ id: r.repo, note: r.project || undefined }))} hint={tree.isError && asked[0] === repo && !(tree.error instanceof Refusal && tree.error.status === 404) ? <RepositoryAway error={tree.error} /> : t("create.repoHint")} />
        <div className="two">
          <PickField label={t("create.revision")} path={spec("source", "targetRevision")} items={revisions} hint={t("create.revisionHint")} />
          <div className="kind-of-source">
            <PickField
              label={typeOf === "chart" ? t("create.chart") : t("create.path")}
              path={spec("source", typeOf)}
              items={typeOf === "chart" ? [] : (tree.data?.folders ?? []).map((f) => ({ id: f.path, note: f.type }))}
              hint={typeOf === "path" ? (tree.data ? t("create.pathHint", { count: tree.data.folders.length }) : t("create.pathHintNone")) : undefined}
              aside={
                <select aria-label={t("create.sourceKind")} className="input narrow" value={typeOf} onChange={(e) => {
                  const to = e.target.value as "path" | "chart";
                  setTypeOf(to);
                  set(spec("source", to === "path" ? "chart" : "path"), undefined);
                }}>
                  <option value="path">{t("create.path")}</option>
                  <option value="chart">{t("create.chart")}</option>
                </select>
              }
            />
          </div>
        </div>
        {typeOf === "chart" && <p className="notice" data-tone="warn">{t("create.chartNotServed")}</p>}
      </div>
    </Card>
  );
}

function RepositoryAway({ error }: { error: unknown }) {
  return (
    <>
      <Failure error={error} /> <To to="/settings/$section" params={{ section: "repositories" }}>{t("create.toRepositories")}</To>
    </>
  );
}

function Destination() {
  const { app, set, off } = useContext(FormContext);
  const clusters = useQuery(clustersQuery);
  const byName = textAt(app, spec("destination", "name")) !== "" && textAt(app, spec("destination", "server")) === "";
  const [by, setBy] = useState<"server" | "name">(byName ? "name" : "server");
  const options = listAt(app, spec("syncPolicy", "syncOptions"));
  return (
    <Card title={t("create.destination")}>
      <div className="fields two">
        <PickField
          label={t("create.cluster")}
          path={spec("destination", by)}
          items={(clusters.data ?? []).map((c) => (by === "server" ? { id: c.server, note: c.name } : { id: c.name, note: c.server }))}
          aside={
            <select aria-label={t("create.clusterBy")} className="input narrow" value={by} disabled={off} onChange={(e) => {
              const to = e.target.value as "server" | "name";
              const now = textAt(app, spec("destination", by));
              const other = clusters.data?.find((c) => (by === "server" ? c.server : c.name) === now);
              setBy(to);
              set(spec("destination", by), undefined);
              set(spec("destination", to), other ? (to === "server" ? other.server : other.name) : undefined);
            }}>
              <option value="server">URL</option>
              <option value="name">{t("create.clusterName")}</option>
            </select>
          }
        />
        <TextField label={t("create.namespace")} path={spec("destination", "namespace")} hint={t("create.namespaceHint")} />
        <Check label={t("create.createNamespace")} hint={t("create.createNamespaceHint")} off={off} checked={optionOf(options, "CreateNamespace") === "true"} onChange={(on) => set(spec("syncPolicy", "syncOptions"), withOption(options, "CreateNamespace", on ? "true" : undefined))} />
      </div>
    </Card>
  );
}

const finalizer = "resources-finalizer.argocd.argoproj.io";

function Policy() {
  const { app, set, off } = useContext(FormContext);
  const automated = valueAt(app, spec("syncPolicy", "automated"));
  const on = automated !== undefined && automated !== null && valueAt(automated, ["enabled"]) !== false;
  const finalizers = listAt(app, ["metadata", "finalizers"]);
  return (
    <Card title={t("create.policy")}>
      <div className="fields">
        <Choices
          label={t("create.policy")}
          value={on ? "automated" : "manual"}
          off={off}
          all={[
            { id: "manual", text: t("create.manual"), hint: t("create.manualHint") },
            { id: "automated", text: t("create.automated"), hint: t("create.automatedHint") },
          ]}
          onChange={(to) => {
            if (to === "manual") set(spec("syncPolicy", "automated"), undefined);
            else if (isEmpty(automated)) set(spec("syncPolicy", "automated"), {});
            else set(spec("syncPolicy", "automated", "enabled"), undefined);
          }}
        />
        {on && (
          <div className="checks">
            <CheckField label="Prune" hint={t("create.pruneHint")} path={spec("syncPolicy", "automated", "prune")} />
            <CheckField label="Self heal" hint={t("create.selfHealHint")} path={spec("syncPolicy", "automated", "selfHeal")} />
            <CheckField label="Allow empty" hint={t("create.allowEmptyHint")} path={spec("syncPolicy", "automated", "allowEmpty")} />
          </div>
        )}
        <Check label={t("create.finalizer")} hint={t("create.finalizerHint")} off={off} checked={finalizers.some((f) => f.startsWith(finalizer))} onChange={(to) => set(["metadata", "finalizers"], to ? [...finalizers, finalizer] : finalizers.filter((f) => !f.startsWith(finalizer)))} />
      </div>
    </Card>
  );
}

const switches = ["PruneLast", "ApplyOutOfSyncOnly", "RespectIgnoreDifferences", "FailOnSharedResource", "SkipDryRunOnMissingResource", "Replace", "Force"] as const;

function Options() {
  const { app, set, off, fault } = useContext(FormContext);
  const path = spec("syncPolicy", "syncOptions");
  const all = listAt(app, path);
  const to = (name: string, value: string | undefined) => set(path, withOption(all, name, value));
  const policy = optionOf(all, "PrunePropagationPolicy") ?? "";
  const faults = all.map((_, i) => fault([...path, i])).filter((f) => f !== undefined);
  return (
    <Folded title={t("create.options")} count={all.length} open={all.some((o) => !o.startsWith("CreateNamespace="))}>
      <div className="fields">
        <div className="checks">
          {switches.map((name) => (
            <Check key={name} label={name} hint={t(`create.option.${name}`)} off={off} checked={optionOf(all, name) === "true"} onChange={(on) => to(name, on ? "true" : undefined)} />
          ))}
          <Check label="Validate=false" hint={t("create.option.Validate")} off={off} checked={optionOf(all, "Validate") === "false"} onChange={(on) => to("Validate", on ? "false" : undefined)} />
        </div>
        <label className="field">
          <span className="label">PrunePropagationPolicy</span>
          <select className="input" value={policy} disabled={off} onChange={(e) => to("PrunePropagationPolicy", e.target.value || undefined)}>
            {["", "foreground", "background", "orphan"].map((v) => (
              <option key={v} value={v}>
                {v || t("create.default")}
              </option>
            ))}
          </select>
        </label>
        {faults.map((f) => (
          <p key={f.text} className="fault name" data-tone={f.warning ? "warn" : "bad"}>
            {f.text}
          </p>
        ))}
      </div>
    </Folded>
  );
}

function Retry() {
  const { app, set, off } = useContext(FormContext);
  const path = spec("syncPolicy", "retry");
  const on = valueAt(app, path) !== undefined;
  return (
    <Folded title={t("create.retry")} open={on}>
      <div className="fields">
        <Check label={t("create.retryOn")} off={off} checked={on} onChange={(to) => set(path, to ? { limit: 5, backoff: { duration: "5s", factor: 2, maxDuration: "3m" } } : undefined)} />
        {on && (
          <div className="four">
            <TextField label={t("create.retryLimit")} path={[...path, "limit"]} as="number" hint={t("create.retryLimitHint")} />
            <TextField label={t("create.retryDuration")} path={[...path, "backoff", "duration"]} placeholder="5s" />
            <TextField label={t("create.retryFactor")} path={[...path, "backoff", "factor"]} as="number" placeholder="2" />
            <TextField label={t("create.retryMax")} path={[...path, "backoff", "maxDuration"]} placeholder="3m" />
          </div>
        )}
        {on && <CheckField label={t("create.retryRefresh")} path={[...path, "refresh"]} />}
      </div>
    </Folded>
  );
}

function Parameters() {
  const { app } = useContext(FormContext);
  const kustomize = spec("source", "kustomize");
  const directory = spec("source", "directory");
  const any = !isEmpty(valueAt(app, kustomize)) || !isEmpty(valueAt(app, directory));
  if (!isEmpty(valueAt(app, spec("sources")))) return null;
  return (
    <Folded title={t("create.parameters")} open={any}>
      <div className="fields">
        <h3>Kustomize</h3>
        <LinesField label={t("create.images")} path={[...kustomize, "images"]} placeholder="web=registry.example/web:v2" hint={t("create.perLine")} />
        <div className="two">
          <TextField label={t("create.namePrefix")} path={[...kustomize, "namePrefix"]} />
          <TextField label={t("create.nameSuffix")} path={[...kustomize, "nameSuffix"]} />
          <TextField label={t("create.kustomizeNamespace")} path={[...kustomize, "namespace"]} />
          <LinesField label={t("create.components")} path={[...kustomize, "components"]} hint={t("create.perLine")} />
          <LinesField label={t("create.commonLabels")} path={[...kustomize, "commonLabels"]} as="pairs" placeholder="team=platform" hint={t("create.pairPerLine")} />
          <LinesField label={t("create.commonAnnotations")} path={[...kustomize, "commonAnnotations"]} as="pairs" hint={t("create.pairPerLine")} />
        </div>
        <h3>{t("create.directory")}</h3>
        <CheckField label={t("create.recurse")} path={[...directory, "recurse"]} />
        <div className="two">
          <TextField label={t("create.include")} path={[...directory, "include"]} placeholder="*.yaml" mono />
          <TextField label={t("create.exclude")} path={[...directory, "exclude"]} placeholder="{test,docs}/*" mono />
        </div>
      </div>
    </Folded>
  );
}

function Folded({ title, open, count, children }: { title: string; open: boolean; count?: number; children: ReactNode }) {
  const [first] = useState(open);
  return (
    <details className="card folded" open={first}>
      <summary>
        <h2>{title}</h2>
        {count ? <span className="chip">{count}</span> : null}
      </summary>
      {children}
    </details>
  );
}
