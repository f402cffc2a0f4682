import { useNavigate, useSearch } from "@tanstack/react-router";
import { FileCode2, ListChecks } from "lucide-react";
import { lazy, type ReactNode, Suspense, useEffect, useMemo, useRef, useState } from "react";
import type { Me } from "../../api/types";
import { Button, Waiting } from "../../design/parts";
import { t } from "../../i18n";
import type { Search } from "../../shell/search";
import { check, type Problem } from "./check";
import { fieldOf } from "./difference";
import { type Fields, read, type Text, write } from "./document";
import { type Form, FormContext } from "./form";
import { Commands, Preview } from "./Preview";
import "./create.css";
import { failure } from "../../i18n/said";

const Editor = lazy(() => import("./Editor"));
const Sections = lazy(() => import("./Sections"));

/** words returns what is wrong with a field, in the language of the page. */
export const words = (p: Problem) => t(`create.fault.${p.word}`, p.values);

// What the server says of the whole of these, it says of the field that the form shows for it.
const shownAs: Record<string, string> = { "spec.destination": "spec.destination.server", "spec.source": "spec.source.repoURL", "spec.syncPolicy": "spec.syncPolicy.automated" };
const fields = ["metadata.name", "metadata.namespace", "spec.project", "spec.source", "spec.source.repoURL", "spec.source.path", "spec.source.chart", "spec.source.targetRevision", "spec.destination", "spec.destination.server", "spec.destination.name", "spec.destination.namespace", "spec.syncPolicy", "spec.syncPolicy.retry.limit", "spec.syncPolicy.retry.backoff.duration", "spec.syncPolicy.retry.backoff.factor", "spec.syncPolicy.retry.backoff.maxDuration", "spec.source.kustomize.images", "spec.source.directory.include", "spec.source.directory.exclude"];

/** told returns the field that an error of the server belongs to. */
function told(error: Error | undefined): { field: string; text: string } | undefined {
  if (!error?.message) return undefined;
  const field = fieldOf(error.message, fields) ?? (/already exists|existing application spec is different/i.test(error.message) ? "metadata.name" : /^project\b/i.test(error.message) ? "spec.project" : undefined);
  return field ? { field: shownAs[field] ?? field, text: failure(error) } : undefined;
}

/** Writing is an Application that is being written: its text, what the text holds, and what is wrong with it. */
export interface Writing {
  text: string;
  setText: (text: string) => void;
  parsed: Text;
  app: Fields;
  problems: Problem[];
  errors: number;
}

export function useWriting(text: string, setText: (text: string | ((old: string) => string)) => void): Writing & { set: Form["set"] } {
  const parsed = useMemo(() => read(text), [text]);
  const last = useRef<Fields>({});
  if (parsed.value) last.current = parsed.value;
  const app = parsed.value ?? last.current;
  const problems = useMemo(() => (parsed.value ? check(parsed.value) : []), [parsed]);
  const errors = problems.filter((p) => p.severity === "error").length + (parsed.fault ? 1 : 0);
  return { text, setText, parsed, app, problems, errors, set: (path, value) => setText((old) => write(old, path, value)) };
}

/** Writer shows an Application as a form or as YAML, with what it would render to and the line that does the same. */
export function Writer({ writing, me, existing, tried, refusal, home, foot }: { writing: Writing & { set: Form["set"] }; me?: Me; existing?: boolean; tried: number; refusal?: Error; home: string; foot: ReactNode }) {
  const { text, setText, parsed, app, problems, set } = writing;
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const asYaml = search.as === "yaml";
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const body = useRef<HTMLDivElement>(null);
  const said = told(refusal);
  const form: Form = {
    app,
    set,
    off: parsed.fault !== undefined,
    touch: (path) => setTouched((old) => (old.has(path.join(".")) ? old : new Set(old).add(path.join(".")))),
    fault: (path) => {
      const id = path.join(".");
      if (said?.field === id) return { text: said.text, warning: false };
      const problem = problems.find((p) => p.path.join(".") === id);
      if (!problem || (problem.word === "required" && tried === 0 && !touched.has(id))) return undefined;
      return { text: words(problem), warning: problem.severity === "warning" };
    },
  };
  // Who asked to save is taken to the first field that keeps it from being saved.
  useEffect(() => {
    if (tried === 0 && !said) return;
    const wrong = said?.field ?? problems.find((p) => p.severity === "error")?.path.join(".");
    if (wrong) body.current?.querySelector<HTMLElement>(`[data-path="${CSS.escape(wrong)}"]`)?.focus();
    // Only when it is asked, not while it is mended.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [tried, refusal]);
  const marks = useMemo(() => marksOf(parsed, problems, said, text), [parsed, problems, said?.field, said?.text, text]);
  const lines = parsed.fault ? [{ line: parsed.fault.line, text: parsed.fault.message, warning: false }] : problems.map((p) => ({ line: parsed.at(p.path).line, text: `${p.path.join(".")}: ${words(p)}`, warning: p.severity === "warning" }));
  const ready = parsed.fault === undefined && !problems.some((p) => p.severity === "error" && p.path[0] === "spec");
  const as = (to: string | undefined) => void navigate({ to: ".", search: (old: Search) => ({ ...old, as: to }), replace: true });
  return (
    <div className="writer">
      <div className="written" ref={body}>
        <div className="pair noprint" role="group" aria-label={t("create.as")}>
          <Button look={asYaml ? "quiet" : "plain"} aria-pressed={!asYaml} icon={<ListChecks size={16} aria-hidden />} onPress={() => as(undefined)}>
            {t("create.form")}
          </Button>
          <Button look={asYaml ? "plain" : "quiet"} aria-pressed={asYaml} icon={<FileCode2 size={16} aria-hidden />} onPress={() => as("yaml")}>
            YAML
          </Button>
        </div>
        {asYaml ? (
          <div className="card yaml">
            <Suspense fallback={<Waiting />}>
              <Editor text={text} onChange={setText} marks={marks} label={t("create.yamlLabel")} />
            </Suspense>
            {lines.length > 0 && (
              <ul className="lines" role="status">
                {lines.slice(0, 20).map((l, i) => (
                  <li key={i} data-tone={l.warning ? "warn" : "bad"} className="name">
                    <strong>{t("create.line", { line: l.line })}</strong> {l.text}
                  </li>
                ))}
              </ul>
            )}
          </div>
        ) : (
          <FormContext value={form}>
            {parsed.fault && (
              <p className="notice" data-tone="bad" role="alert">
                {t("create.yamlFault", { line: parsed.fault.line, message: parsed.fault.message })}
              </p>
            )}
            <Suspense fallback={<Waiting />}>
              <Sections me={me} existing={existing} />
            </Suspense>
          </FormContext>
        )}
        {foot}
      </div>
      <aside className="beside">
        <Preview app={app} ready={ready} />
        {!existing && <Commands app={app} home={home} />}
      </aside>
    </div>
  );
}

function marksOf(parsed: Text, problems: Problem[], said: { field: string; text: string } | undefined, text: string) {
  if (parsed.fault) {
    const lines = text.split("\n");
    const from = lines.slice(0, parsed.fault.line - 1).reduce((n, l) => n + l.length + 1, 0) + parsed.fault.column - 1;
    return [{ from, to: from + 1, severity: "error" as const, message: parsed.fault.message }];
  }
  const all = problems.map((p) => ({ ...parsed.at(p.path), severity: p.severity, message: words(p) }));
  return said ? [...all, { ...parsed.at(said.field.split(".")), severity: "error" as const, message: said.text }] : all;
}
