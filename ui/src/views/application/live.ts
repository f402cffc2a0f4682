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
      queries.setQueryData<Detail>(queryKey, (old) => kept(old, data));
    });
  }, [namespace, name, queries]);
  return detail;
}

/** kept returns the new state with the nodes of the old one where none has changed: what is made from them is large. */
export function kept(old: Detail | undefined, data: Detail): Detail {
  if (!old || !data.nodes || data.nodes.length !== old.nodes.length || data.nodes.some((n, i) => !same(n, old.nodes[i]!))) return { ...old, ...data };
  return { ...old, ...data, nodes: old.nodes };
}

/** same compares what changes while an object stays the object that it is. */
function same(a: Detail["nodes"][number], b: Detail["nodes"][number]): boolean {
  return (
    a.id === b.id &&
    a.name === b.name &&
    a.parent === b.parent &&
    a.health === b.health &&
    a.sync === b.sync &&
    a.message === b.message &&
    a.role === b.role &&
    a.created === b.created &&
    a.managed === b.managed &&
    a.hook === b.hook &&
    a.prunes === b.prunes &&
    a.wave === b.wave &&
    a.info.length === b.info.length &&
    a.info.every((x, i) => x.name === b.info[i]!.name && x.value === b.info[i]!.value) &&
    alike(a.images, b.images) &&
    alike(a.targets, b.targets) &&
    alike(a.urls, b.urls)
  );
}

const alike = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((x, i) => x === b[i]);
