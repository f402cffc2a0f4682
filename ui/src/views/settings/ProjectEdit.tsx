import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { get, post, put, Refusal } from "../../api/client";
import { one, type Project, projectsQuery } from "../../api/settings";
import { Button, Dialog, Problem } from "../../design/parts";
import { t } from "../../i18n";
import { differences } from "../create/difference";
import { type Fields, read, yamlOf } from "../create/document";
import { forget, keep, kept } from "../create/draft";
import { Changes } from "../create/Edit";
import Editor from "../create/Editor";

const own = (project: Project): Fields => ({ apiVersion: "argoproj.io/v1alpha1", kind: "AppProject", metadata: { name: project.metadata.name, ...Object.fromEntries(Object.entries(project.metadata).filter(([k]) => ["labels", "annotations", "finalizers"].includes(k))) }, spec: project.spec as unknown as Fields });
const blank: Fields = { apiVersion: "argoproj.io/v1alpha1", kind: "AppProject", metadata: { name: "" }, spec: { description: "", sourceRepos: ["https://git.example/team/*"], destinations: [{ server: "https://kubernetes.default.svc", namespace: "team-*" }], clusterResourceWhitelist: [] } };

/** ProjectEdit changes a project as YAML, with what changes beside it. */
export default function ProjectEdit({ project, close }: { project?: Project; close: () => void }) {
  const queries = useQueryClient();
  const name = project?.metadata.name ?? "";
  const id = `project.${name}`;
  const [begun] = useState(() => yamlOf(project ? own(project) : blank));
  const [text, setText] = useState(() => kept(id)?.text ?? begun);
  const [state, set] = useState<{ busy?: boolean; error?: unknown }>({});
  const parsed = useMemo(() => read(text), [text]);
  const marks = useMemo(() => (parsed.fault ? [{ from: offset(text, parsed.fault.line), to: offset(text, parsed.fault.line) + 1, severity: "error" as const, message: parsed.fault.message }] : []), [parsed, text]);
  useEffect(() => {
    if (text === begun) forget(id);
    else keep(id, { text });
  }, [text, begun, id]);
  const changes = parsed.value && project ? differences(read(begun).value, parsed.value) : [];
  const metadata = (parsed.value?.["metadata"] ?? {}) as Fields;
  const why = parsed.fault ? t("create.line", { line: parsed.fault.line }) + " " + parsed.fault.message : project && metadata["name"] !== name ? t("edit.renamed", { name }) : text === begun ? t("edit.nothing") : undefined;
  const save = async () => {
    set({ busy: true });
    try {
      if (project) {
        const now = await get<Project>(`api/v1/projects/${one(name)}`);
        if (differences(own(project), own(now)).length > 0) throw new Refusal(409, t("settings.projectChanged", { name }));
        await put(`api/v1/projects/${one(name)}`, { project: { ...parsed.value, metadata: { ...metadata, namespace: now.metadata.namespace, resourceVersion: now.metadata.resourceVersion } } });
      } else await post("api/v1/projects", { project: parsed.value });
      forget(id);
      await queries.invalidateQueries({ queryKey: projectsQuery.queryKey });
      close();
    } catch (error) {
      set({ error });
    }
  };
  return (
    <Dialog title={project ? t("edit.title", { name }) : t("settings.newProject")} wide onClose={close}>
      <div className="card yaml">
        <Editor text={text} onChange={setText} marks={marks} label={t("settings.projectYaml")} />
      </div>
      {project && changes.length > 0 && <Changes all={changes} />}
      {state.error !== undefined && <Problem error={state.error} />}
      <footer>
        <Button onPress={close}>{t("cancel")}</Button>
        <Button look="main" why={why} isPending={state.busy} onPress={() => void save()}>
          {project ? t("edit.save") : t("create.do")}
        </Button>
      </footer>
    </Dialog>
  );
}

const offset = (text: string, line: number) => text.split("\n").slice(0, line - 1).reduce((n, l) => n + l.length + 1, 0);
