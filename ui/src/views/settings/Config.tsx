import { useQuery } from "@tanstack/react-query";
import { CheckCircle2, CircleHelp, CircleSlash, OctagonAlert, TriangleAlert } from "lucide-react";
import { meQuery } from "../../api/queries";
import { settingsViewQuery } from "../../api/settings";
import { Card, Copyable } from "../../design/parts";
import { t } from "../../i18n";
import { Loaded } from "./shared";
import { Told } from "../../design/Told";

const states = { inForce: ["ok", CheckCircle2], notServed: ["warn", CircleSlash], unknown: ["bad", CircleHelp] } as const;
const hints = { ok: ["ok", CheckCircle2], warning: ["warn", TriangleAlert], failed: ["bad", OctagonAlert] } as const;

/** Config shows what of the argocd-* ConfigMaps is in force, and what is written and not honoured: that first. */
export function Config() {
  const view = useQuery(settingsViewQuery);
  return (
    <Loaded query={view}>
      {(data) =>
        data.maps.map((map) => (
          <Card key={map.name} title={<code>{map.name}</code>} aside={<span className="muted small">{map.found ? t("settings.keys", { count: map.keys.length }) : t("settings.mapAbsent")}</span>}>
            {map.keys.length === 0 && <p className="empty-note muted">{map.found ? t("settings.mapEmpty") : t("settings.mapDefaults")}</p>}
            <ul className="rows">
              {[...map.keys].sort((a, b) => Number(a.state === "inForce") - Number(b.state === "inForce")).map((k) => {
                const [tone, Icon] = states[k.state];
                return (
                  <li key={k.key} className="key">
                    <div className="row-main">
                      <code className="name">{k.key}</code>
                      <p className="small name"><Told message={k.meaning} /></p>
                      {k.value && <pre className="value" tabIndex={0}>{k.value}</pre>}
                    </div>
                    <span className="status" data-tone={tone}>
                      <Icon size={16} aria-hidden />
                      {t(`settings.state.${k.state}`)}
                    </span>
                  </li>
                );
              })}
            </ul>
          </Card>
        ))
      }
    </Loaded>
  );
}

export function About() {
  const me = useQuery(meQuery).data;
  const view = useQuery(settingsViewQuery);
  return (
    <>
      <Card title={t("settings.about")}>
        <dl className="facts">
          <dt>Cyan</dt>
          <dd className="name">{me?.version}</dd>
          {view.data?.kubernetes && (
            <>
              <dt>Kubernetes</dt>
              <dd>{view.data.kubernetes}</dd>
            </>
          )}
          <dt>API</dt>
          <dd>
            <a href="openapi.json">openapi.json</a>
          </dd>
          <dt>{t("settings.help")}</dt>
          <dd className="helps">
            <Copyable text="cyan --help" />
            <Copyable text="cyan doctor" />
          </dd>
        </dl>
      </Card>
      {view.data?.doctor && (
        <Card title={t("settings.doctor")}>
          <ul className="rows">
            {view.data.doctor.map((d) => {
              const [tone, Icon] = hints[d.state];
              return (
                <li key={d.name}>
                  <div className="row-main">
                    <span className="status" data-tone={tone}>
                      <Icon size={16} aria-label={t(`settings.doctor.${d.state}`)} />
                      {d.name}
                    </span>
                    <p className="name"><Told message={d.message} /></p>
                    {d.remedy && <p className="name muted"><Told message={d.remedy} /></p>}
                  </div>
                </li>
              );
            })}
          </ul>
        </Card>
      )}
    </>
  );
}
