import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Ban, Check, Minus } from "lucide-react";
import { useState } from "react";
import { meQuery } from "../../api/queries";
import { accountsQuery, rightsQuery } from "../../api/settings";
import { Card } from "../../design/parts";
import { t } from "../../i18n";
import type { Search } from "../../shell/search";
import { Pick } from "../create/fields";
import { useLater } from "../create/later";
import { Loaded } from "./shared";
import { Told } from "../../design/Told";

const looks = { allow: ["ok", Check], deny: ["bad", Ban], none: ["none", Minus] } as const;

/** Roles explains who may do what: for one subject each resource and action, and the line that decides. */
export function Roles() {
  const me = useQuery(meQuery).data;
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const accounts = useQuery(accountsQuery);
  const own = me?.name ?? "";
  const [text, setText] = useState(search.subject ?? own);
  const subject = useLater(text, 400);
  const rights = useQuery(rightsQuery(subject.trim()));
  const known = [...new Set([own, ...(accounts.data ?? []).map((a) => a.name), ...(me?.groups ?? []), "role:admin", "role:readonly"])].filter((n) => n !== "");
  return (
    <Card title={t("settings.roles")}>
      <div className="fields">
        <Pick label={t("settings.subject")} text={text} onChange={(to) => { setText(to); void navigate({ to: ".", search: (old: Search) => ({ ...old, subject: to || undefined }), replace: true }); }} items={known.map((id) => ({ id }))}>
          <p className="muted small">{t("settings.subjectHint")}</p>
        </Pick>
        <Loaded query={rights}>
          {(data) => (
            <>
              {data.roles.length > 0 && <p className="name">{t("settings.hasRoles", { names: data.roles.join(", ") })}</p>}
              {data.findings.map((f, i) => (
                <p key={i} className="notice name" data-tone="warn">
                  {f.object && <span className="mono">{f.object}: </span>}
                  <Told message={f.message} />
                </p>
              ))}
              <div className="changes-scroll rights" tabIndex={0}>
                <table className="changes" role="table">
                  <thead role="rowgroup">
                    <tr role="row">
                      <th role="columnheader" scope="col">{t("settings.resource")}</th>
                      <th role="columnheader" scope="col">{t("settings.action")}</th>
                      <th role="columnheader" scope="col">{t("settings.object")}</th>
                      <th role="columnheader" scope="col">{t("settings.effect")}</th>
                      <th role="columnheader" scope="col">{t("settings.by")}</th>
                    </tr>
                  </thead>
                  <tbody role="rowgroup">
                    {data.rows.map((r, i) => {
                      const [tone, Icon] = looks[r.effect];
                      return (
                        <tr key={i} role="row">
                          <th role="rowheader" scope="row">{data.rows[i - 1]?.resource === r.resource ? <span className="unseen">{r.resource}</span> : r.resource}</th>
                          <td role="cell">{r.action}</td>
                          <td role="cell" className="mono name">{r.object}</td>
                          <td role="cell">
                            <span className="status" data-tone={tone}>
                              <Icon size={15} aria-hidden />
                              {t(`settings.effect.${r.effect}`)}
                            </span>
                          </td>
                          <td role="cell">
                            {r.by && <code className="name">{r.by}</code>}
                            {r.from && <p className="muted small name">{r.as ? t("settings.fromAs", { from: r.from, name: r.as }) : r.from}</p>}
                          </td>
                        </tr>
                      );
                    })}
                  </tbody>
                </table>
              </div>
            </>
          )}
        </Loaded>
      </div>
    </Card>
  );
}
