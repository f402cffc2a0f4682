import { QueryClient, queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { get, getPlaced, Refusal } from "./client";
import { heardTime } from "./clock";
import { reaches } from "./detail";
import { key, withAll } from "./rows";
import { stream } from "./stream";
import type { Delivery, Detail, Me, Overview, RolloutView, Row, Rows, RowsBody } from "./types";

export const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      // What the server refuses, it refuses again; what it did not answer, it may answer the next time.
      retry: (failures, error) => !(error instanceof Refusal && error.status >= 400 && error.status < 500) && failures < 3,
      refetchOnWindowFocus: false,
    },
  },
});

/** visit has whether somebody has been known to be logged in, who did not log out themselves. */
export const visit = { known: false };

export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: async ({ signal }) => {
    const me = await get<Me>("api/v1/view/me", {}, signal);
    heardTime(Date.parse(me.serverTime));
    visit.known ||= me.loggedIn;
    return me;
  },
  staleTime: 5 * 60_000,
});
export const rowsQuery = queryOptions({ queryKey: ["rows"], queryFn: ({ signal }) => getPlaced<RowsBody>("api/v1/view/applications", {}, signal), staleTime: Infinity, structuralSharing: false });
/** someQuery are the applications that are worst off, for where there is no room for all. */
export const someQuery = queryOptions({ queryKey: ["some"], queryFn: ({ signal }) => getPlaced<RowsBody>("api/v1/view/applications", { sort: "health", limit: 36 }, signal), staleTime: 10_000, refetchInterval: 30_000 });
export const overviewQuery = queryOptions({ queryKey: ["overview"], queryFn: ({ signal }) => get<Overview>("api/v1/view/overview", {}, signal), staleTime: Infinity });
export const detailQuery = (namespace: string, name: string) =>
  queryOptions({
    queryKey: ["application", namespace, name],
    queryFn: async ({ signal, queryKey }) => {
      const read = await get<Detail>(`api/v1/view/applications/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`, {}, signal);
      // The stream may have brought more meanwhile.
      const have = client.getQueryData<Detail>(queryKey);
      return have && reaches(have.version, read.version) ? { ...have, row: { ...have.row, rights: read.row.rights } } : read;
    },
    staleTime: Infinity,
    structuralSharing: false,
  });
export const rolloutsQuery = queryOptions({ queryKey: ["rollouts"], queryFn: ({ signal }) => get<{ items: RolloutView[] }>("api/v1/view/rollouts", {}, signal) });
export const rolloutQuery = (namespace: string, name: string) =>
  queryOptions({ queryKey: ["rollout", namespace, name], queryFn: ({ signal }) => get<RolloutView>(`api/v1/view/rollouts/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`, {}, signal), staleTime: Infinity });
export const deliveriesQuery = (of: { namespace?: string; application?: string } = {}) =>
  queryOptions({ queryKey: ["deliveries", of], queryFn: ({ signal }) => get<{ items: Delivery[] }>("api/v1/view/deliveries", of, signal) });
export const deliveryQuery = (namespace: string, application: string, id: string) =>
  queryOptions({ queryKey: ["delivery", namespace, application, id], queryFn: ({ signal }) => get<Delivery>(`api/v1/view/deliveries/${encodeURIComponent(namespace)}/${encodeURIComponent(application)}/${encodeURIComponent(id)}`, {}, signal) });
export const leadQuery = (namespace: string, application: string) =>
  queryOptions({ queryKey: ["lead", namespace, application], queryFn: ({ signal }) => get<{ points: { at: string; seconds: number; id: string }[] }>("api/v1/view/deliveries/lead", { namespace, application }, signal), staleTime: 60_000 });

/** useRows returns all rows, kept current by the stream: changes are taken up together, at most four times a second. */
export function useRows() {
  const queries = useQueryClient();
  const rows = useQuery(rowsQuery);
  const from = rows.data?.stream;
  useEffect(() => {
    if (from === undefined) return;
    stream.start(from);
    const changed = new Map<string, Row | null>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const take = () => {
      timer = undefined;
      const now = new Map(changed);
      changed.clear();
      queries.setQueryData<Rows>(rowsQuery.queryKey, (old) => old && { ...old, items: withAll(old.items, now) });
    };
    const off = stream.on("applications", (event) => {
      if (event.type === "row") changed.set(key(event.data as Row), event.data as Row);
      else if (event.type === "gone") changed.set(key(event.data as Row), null);
      else if (event.type === "reset") void queries.invalidateQueries();
      else return;
      timer ??= setTimeout(take, 250);
    });
    return () => {
      clearTimeout(timer);
      off();
    };
  }, [from, queries]);
  return rows;
}

/** useLive keeps what a query has current by the events of a topic; what is gone, or may not be seen any more, is asked for again. */
export function useLive<T>(topic: string, type: string, queryKey: readonly unknown[], matches: (data: T) => boolean = () => true) {
  const queries = useQueryClient();
  const id = JSON.stringify(queryKey);
  useEffect(() => {
    stream.start("");
    return stream.on(topic, (event) => {
      if (event.type === type && matches(event.data as T)) queries.setQueryData(JSON.parse(id), event.data);
      if (event.type === `${type}Gone` && matches(event.data as T)) void queries.resetQueries({ queryKey: JSON.parse(id) });
    });
    // What matches follows from the topic.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [topic, type, id, queries]);
}
