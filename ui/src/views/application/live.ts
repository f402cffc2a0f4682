import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { detailQuery } from "../../api/queries";
import { stream } from "../../api/stream";
import type { Detail } from "../../api/types";

/** useDetail returns an application, kept current: an event has all of it, or the parts that have changed. */
export function useDetail(namespace: string, name: string) {
  const queries = useQueryClient();
  const detail = useQuery(detailQuery(namespace, name));
  useEffect(() => {
    const { queryKey } = detailQuery(namespace, name);
    stream.start("");
    return stream.on(`application:${namespace}/${name}`, (event) => {
      if (event.type === "reset") void queries.invalidateQueries({ queryKey });
      if (event.type !== "application") return;
      const data = event.data as Detail;
      if (data.row?.name !== name || data.row.namespace !== namespace) return;
      queries.setQueryData<Detail>(queryKey, (old) => ({ ...old, ...data }));
    });
  }, [namespace, name, queries]);
  return detail;
}
