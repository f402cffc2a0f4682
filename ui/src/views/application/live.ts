import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { merged, type Update } from "../../api/detail";
import { detailQuery } from "../../api/queries";
import { stream } from "../../api/stream";
import type { Detail } from "../../api/types";

/** useDetail returns an application, kept current: an event has all of it, or what has changed since what the page has. */
export function useDetail(namespace: string, name: string) {
  const queries = useQueryClient();
  const detail = useQuery(detailQuery(namespace, name));
  useEffect(() => {
    const { queryKey } = detailQuery(namespace, name);
    const have = () => queries.getQueryData<Detail>(queryKey);
    stream.start("");
    return stream.on(
      `application:${namespace}/${name}`,
      (event) => {
        if (event.type === "reset") void queries.invalidateQueries({ queryKey });
        if (event.type !== "application" && event.type !== "gone") return;
        const update = event.data as Update;
        if (update.name !== name || update.namespace !== namespace) return;
        // Deleted, or no longer for who looks: what the server says of that takes the place of what was seen.
        if (event.type === "gone") return void queries.resetQueries({ queryKey, exact: true });
        const next = merged(have(), update);
        if (next) queries.setQueryData<Detail>(queryKey, next);
        // It goes on from what this page does not have: another tab has opened the stream.
        else void queries.invalidateQueries({ queryKey });
      },
      () => have()?.version,
    );
  }, [namespace, name, queries]);
  return detail;
}
