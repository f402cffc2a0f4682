import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link as To } from "@tanstack/react-router";
import { useEffect } from "react";
import { someQuery } from "../../api/queries";
import { key } from "../../api/rows";
import { stream } from "../../api/stream";
import type { Row, Rows } from "../../api/types";
import { Ago } from "../../design/Time";
import { Card } from "../../design/parts";
import { Status, toneOf } from "../../design/Status";
import { ToApplication } from "../../design/To";
import { t } from "../../i18n";

/** Some are the applications that are worst off, as they are now: as many as a second screen has room for. */
export function Some({ total }: { total: number }) {
  const queries = useQueryClient();
  const some = useQuery(someQuery).data;
  const from = some?.stream;
  useEffect(() => {
    if (from === undefined) return;
    stream.start(from);
    return stream.on("applications", (event) => {
      if (event.type !== "row" && event.type !== "gone") return;
      const row = event.data as Row;
      const now = (r: Row) => (key(r) !== key(row) ? [r] : event.type === "gone" ? [] : [row]);
      queries.setQueryData<Rows>(someQuery.queryKey, (old) => old && { ...old, items: old.items.flatMap(now) });
    });
  }, [from, queries]);
  if (!some || some.items.length === 0) return null;
  return (
    <Card title={t("nav.applications")} aside={<To to="/applications">{t("overview.all", { count: total })}</To>} className="some">
      <ul>
        {some.items.map((row) => (
          <li key={key(row)} data-tone={toneOf("health", row.health)}>
            <Status kind="health" value={row.health} bare />
            <ToApplication namespace={row.namespace} name={row.name}>
              {row.name}
            </ToApplication>
            {row.operation?.phase === "Running" ? <Status kind="phase" value="Running" bare /> : row.sync !== "Synced" && <Status kind="sync" value={row.sync} bare />}
            <span className="muted small">
              <Ago at={row.lastSync} />
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}
