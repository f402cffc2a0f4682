import { useQuery } from "@tanstack/react-query";
import { CircleAlert, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { post } from "../../api/client";
import type { Preview as Data } from "../../api/settings";
import { Card, Copyable, Problem } from "../../design/parts";
import { t } from "../../i18n";
import { command } from "./command";
import type { Fields } from "./document";
import { useLater } from "./later";
import { Told } from "../../design/Told";

const most = 200;

/** Preview shows what an Application would render to, a moment after it stays as it is. */
export function Preview({ app, ready }: { app: Fields; ready: boolean }) {
  const late = useLater(JSON.stringify({ apiVersion: app["apiVersion"], kind: app["kind"], metadata: app["metadata"], spec: app["spec"] }), 700);
  const preview = useQuery({ queryKey: ["preview", late], queryFn: () => post<Data>("api/v1/view/preview", JSON.parse(late)), enabled: ready, staleTime: 30_000, retry: false, placeholderData: (old: Data | undefined) => old });
  const data = ready ? preview.data : undefined;
  return (
    <Card title={t("create.preview")} aside={<span className="muted small" role="status">{ready && preview.isFetching ? t("create.rendering") : data ? t("create.objects", { count: data.objects.length }) : ""}</span>} className="preview">
      {!ready && <p className="muted quiet-text">{t("create.previewWaits")}</p>}
      {ready && preview.isError && <Problem error={preview.error} again={() => void preview.refetch()} />}
      {data && !preview.isError && (
        <div aria-busy={preview.isFetching || undefined} className="rendered">
          {data.findings.length > 0 && (
            <ul className="findings">
              {data.findings.map((f, i) => (
                <li key={i} data-tone={f.severity === "error" ? "bad" : "warn"} className="name">
                  {f.severity === "error" ? <CircleAlert size={16} aria-label={t("create.error")} /> : <TriangleAlert size={16} aria-label={t("create.warning")} />}
                  <span>
                    {f.object && <strong>{f.object}: </strong>}
                    <Told message={f.message} />
                  </span>
                </li>
              ))}
            </ul>
          )}
          {data.objects.slice(0, most).map((o) => (
            <Rendered key={`${o.group}/${o.kind}/${o.namespace ?? ""}/${o.name}`} kind={o.kind} name={o.namespace ? `${o.namespace}/${o.name}` : o.name} yaml={o.yaml} />
          ))}
          {data.objects.length > most && <p className="muted quiet-text">{t("more", { count: data.objects.length - most })}</p>}
          {data.objects.length === 0 && <p className="muted quiet-text">{t("create.nothing")}</p>}
        </div>
      )}
    </Card>
  );
}

function Rendered({ kind, name, yaml }: { kind: string; name: string; yaml: string }) {
  const [open, set] = useState(false);
  return (
    <details className="object" onToggle={(e) => set(e.currentTarget.open)}>
      <summary>
        <span className="kind">{kind}</span> <span className="name">{name}</span>
      </summary>
      {open && <pre tabIndex={0}>{yaml}</pre>}
    </details>
  );
}

/** Commands shows the lines that do the same from a terminal. */
export function Commands({ app, home }: { app: Fields; home: string }) {
  const [program, set] = useState<"cyan" | "argocd">("cyan");
  const line = command(program, app, home);
  return (
    <Card
      title={t("create.command")}
      className="commands"
      aside={
        <span className="pair" role="group" aria-label={t("create.command")}>
          {(["cyan", "argocd"] as const).map((p) => (
            <button key={p} type="button" className={`button small ${p === program ? "plain" : "quiet"}`} aria-pressed={p === program} onClick={() => set(p)}>
              {p}
            </button>
          ))}
        </span>
      }
    >
      <div className="line">
        <Copyable text={line.text} label={t("create.copyCommand")} />
        {line.left.length > 0 && <p className="small muted name">{t("create.left", { program, fields: line.left.join(", ") })}</p>}
      </div>
    </Card>
  );
}
