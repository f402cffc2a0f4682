import { Navigate, useParams, useSearch } from "@tanstack/react-router";
import { Refusal } from "../../api/refusal";
import { useRows } from "../../api/queries";
import { Missing } from "../../design/Missing";
import { Waiting } from "../../design/parts";
import { t } from "../../i18n";
import type { Search } from "../../shell/search";

/** Named is an application at the address without its namespace, as bookmarks and notifications have it. */
export default function Named() {
  const { name } = useParams({ strict: false }) as { name: string };
  const search = useSearch({ strict: false });
  const rows = useRows();
  if (rows.isPending) return <Waiting />;
  const found = rows.data?.items.filter((r) => r.name === name) ?? [];
  const one = found[0];
  if (!one) return <Missing error={rows.error ?? new Refusal(404, t("notfound.app", { name }))} again={() => void rows.refetch()} list="/applications" />;
  return <Navigate to="/applications/$namespace/$name" params={{ namespace: one.namespace, name }} search={search as Search} replace />;
}
