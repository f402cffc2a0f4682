import { useQuery } from "@tanstack/react-query";
import { get } from "../../api/client";
import type { Row, TreeNode } from "../../api/types";
import { Ago } from "../../design/Time";
import { Problem, Waiting } from "../../design/parts";
import { Told } from "../../design/Told";
import { t } from "../../i18n";
import { appPath, scope } from "./calls";

interface Event {
  metadata?: { name?: string; creationTimestamp?: string };
  type?: string;
  reason?: string;
  message?: string;
  count?: number;
  lastTimestamp?: string;
  eventTime?: string;
}

const time = (e: Event) => e.lastTimestamp ?? e.eventTime ?? e.metadata?.creationTimestamp;

/** Events is what the cluster noted of an object, newest first. */
export function Events({ row, node }: { row: Row; node: TreeNode }) {
  const events = useQuery({
    queryKey: ["events", row.namespace, row.name, node.id],
    queryFn: ({ signal }) => get<{ items?: Event[] | null }>(`${appPath(row)}/events`, { ...scope(row), resourceName: node.name, resourceNamespace: node.namespace, resourceUID: /^[0-9a-f-]{36}$/.test(node.id) ? node.id : undefined }, signal),
    refetchInterval: 5000,
    staleTime: 2000,
  });
  if (events.isPending) return <Waiting />;
  if (!events.data) return <Problem error={events.error} again={() => void events.refetch()} />;
  const items = (events.data.items ?? []).slice().sort((a, b) => (time(b) ?? "").localeCompare(time(a) ?? ""));
  if (items.length === 0) return <p className="muted">{t("app.events.none")}</p>;
  return (
    <ul className="events">
      {items.slice(0, 200).map((e, i) => (
        <li key={e.metadata?.name ?? i} data-tone={e.type === "Normal" ? "none" : "bad"}>
          <div>
            <strong>{e.reason}</strong>
            {e.type && e.type !== "Normal" && <span className="chip">{e.type}</span>}
            <span className="muted small">
              <Ago at={time(e)} />
              {(e.count ?? 1) > 1 && <> · {t("app.events.times", { count: e.count! })}</>}
            </span>
          </div>
          <p className="name">{e.message && <Told message={e.message} />}</p>
        </li>
      ))}
    </ul>
  );
}
