import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { rolloutsQuery } from "../../api/queries";
import { stream, type StreamEvent } from "../../api/stream";
import type { RolloutView, Row } from "../../api/types";
import { key } from "./filter";
import { moves } from "./picture";

/** most is how many rollouts that move are followed one by one. */
const most = 12;

/** useRollouts returns all rollouts, kept current: those that move by their own events, the rest by those of their applications. */
export function useRollouts() {
  const queries = useQueryClient();
  const rollouts = useQuery({ ...rolloutsQuery, refetchInterval: 30_000 });
  const items = rollouts.data?.items ?? [];
  const followed = items.filter(moves).slice(0, most).map(key).sort().join(",");
  useEffect(() => {
    stream.start("");
    const phases = new Map<string, string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void queries.invalidateQueries({ queryKey: rolloutsQuery.queryKey });
      }, 1000);
    };
    const heard = (event: StreamEvent) => {
      if (event.type === "reset" || event.type === "gone") return again();
      if (event.type !== "row") return;
      for (const r of (event.data as Row).rollouts) {
        if ((phases.get(key(r)) ?? r.phase) !== r.phase) again();
        phases.set(key(r), r.phase);
      }
    };
    const off = stream.on("applications", heard);
    return () => {
      clearTimeout(timer);
      off();
    };
  }, [queries]);
  useEffect(() => {
    const heard = (event: StreamEvent) => {
      if (event.type === "rolloutGone") return void queries.invalidateQueries({ queryKey: rolloutsQuery.queryKey });
      if (event.type !== "rollout") return;
      const one = event.data as RolloutView;
      queries.setQueryData<{ items: RolloutView[] }>(rolloutsQuery.queryKey, (old) => old && { ...old, items: old.items.map((r) => (key(r) === key(one) ? one : r)) });
    };
    // Each listener hears all events: one is enough to listen, the others keep their topics open.
    const offs = followed.split(",").filter(Boolean).map((k, i) => stream.on(`rollout:${k}`, i === 0 ? heard : () => undefined));
    return () => offs.forEach((off) => off());
  }, [followed, queries]);
  return rollouts;
}
