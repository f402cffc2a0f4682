import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link as To } from "@tanstack/react-router";
import { Pencil, Plus, Trash2 } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { del, post, put } from "../../api/client";
import { meQuery } from "../../api/queries";
import { clustersQuery, one, type ClusterInfo } from "../../api/settings";
import { Button, Card, Waiting } from "../../design/parts";
import { t } from "../../i18n";
import { changed, created, isHome, readyToChange, readyToCreate } from "./cluster";
import { Ask, Connection, Loaded, Test } from "./shared";

const ClusterForm = lazy(() => import("./ClusterForm"));

export function Clusters() {
  const clusters = useQuery(clustersQuery);
  const me = useQuery(meQuery).data;
  const queries = useQueryClient();
  const [asked, ask] = useState<{ add?: boolean; edit?: ClusterInfo; remove?: ClusterInfo }>({});
  const denied = me && !me.may.clusters ? t("denied", { right: "clusters" }) : undefined;
  const again = () => queries.invalidateQueries({ queryKey: clustersQuery.queryKey });
  const close = () => ask({});
  return (
    <Card title={t("settings.clusters")} aside={<Button icon={<Plus size={16} aria-hidden />} why={denied} onPress={() => ask({ add: true })}>{t("settings.add")}</Button>}>
      <Loaded query={clusters}>
        {(all) => (
          <ul className="rows">
            {all.length === 0 && <li className="muted">{t("settings.clustersNone")}</li>}
            {all.map((c) => {
              const why = denied ?? (isHome(c) ? t("settings.homeCluster") : undefined);
              return (
                <li key={c.server}>
                  <div className="row-main">
                    <strong className="name">{c.name}</strong>
                    <p className="muted small name">{[c.server, c.info?.serverVersion && `Kubernetes ${c.info.serverVersion}`, c.project && `${t("create.project")}: ${c.project}`, c.namespaces?.length && t("settings.onlyNamespaces", { names: c.namespaces.join(", ") })].filter(Boolean).join(" · ")}</p>
                    <To className="small" to="/applications" search={{ cluster: c.name }}>
                      {t("overview.summary", { count: c.info?.applicationsCount ?? 0 })}
                    </To>
                  </div>
                  <Connection state={c.info?.connectionState} />
                  <div className="row-do">
                    <Test label={t("settings.testOf", { name: c.name })} run={async () => { await post(`api/v1/clusters/${one(c.server)}/invalidate-cache`); await again(); }} />
                    <Button look="quiet" aria-label={t("settings.editOf", { name: c.name })} why={why} icon={<Pencil size={16} aria-hidden />} onPress={() => ask({ edit: c })} />
                    <Button look="quiet" aria-label={t("settings.removeOf", { name: c.name })} why={why} icon={<Trash2 size={16} aria-hidden />} onPress={() => ask({ remove: c })} />
                  </div>
                </li>
              );
            })}
          </ul>
        )}
      </Loaded>
      <Suspense fallback={<Waiting />}>
        {asked.add && <ClusterForm title={t("settings.addCluster")} action={t("settings.testAndAdd")} ready={readyToCreate} close={close} run={async (f) => { await post("api/v1/clusters", created(f)); await again(); }} />}
        {asked.edit && (
          <ClusterForm
            title={t("settings.editOf", { name: asked.edit.name })}
            action={t("settings.testAndSave")}
            there={asked.edit}
            ready={readyToChange}
            close={close}
            run={async (f) => {
              const { body, updatedFields } = changed(f);
              await put(`api/v1/clusters/${one(f.server)}`, body, { updatedFields });
              await again();
            }}
          />
        )}
      </Suspense>
      {asked.remove && <Ask title={t("settings.remove")} text={t("settings.removeCluster", { name: asked.remove.name, count: asked.remove.info?.applicationsCount ?? 0 })} action={t("settings.remove")} danger close={close} run={async () => { await del(`api/v1/clusters/${one(asked.remove!.server)}`); await again(); }} />}
    </Card>
  );
}
