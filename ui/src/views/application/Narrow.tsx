import { Boxes, ListFilter, ListTree, Network as NetworkIcon, Rows3, Workflow, X } from "lucide-react";
import { useDeferredValue, useEffect, useRef, useState } from "react";
import { Button, Menu } from "../../design/parts";
import { t, word } from "../../i18n";
import { type Search, toggled } from "../../shell/search";
import { cleared, filterOf, narrowed, type View, views, withFacet } from "./address";
import { type Counts, type Facet, facets } from "./tree";

const icons: Record<View, typeof ListTree> = { tree: ListTree, list: Rows3, pods: Boxes, network: NetworkIcon };

interface Props {
  search: Search;
  view: View;
  counts: Counts;
  left: Map<string, number>;
  go: (change: Search, replace?: boolean) => void;
}

/** Narrow chooses how the objects are shown, and which of them. */
export function Narrow({ search, view, counts, left, go }: Props) {
  const filter = filterOf(search);
  const quiet = [...left.values()].reduce((a, b) => a + b, 0);
  return (
    <div className="app-tools noprint">
      <div role="group" aria-label={t("app.view")} className="pair segments">
        {views.map((v) => {
          const Icon = icons[v];
          return (
            <Button key={v} look={v === view ? "plain" : "quiet"} aria-pressed={v === view} aria-label={t(`app.view.${v}`)} icon={<Icon size={16} aria-hidden />} onPress={() => go({ view: v === "tree" ? undefined : v })}>
              <span className="wide-only">{t(`app.view.${v}`)}</span>
            </Button>
          );
        })}
      </div>
      {view !== "network" && <Text search={search} go={go} />}
      {(view === "network" ? [] : view === "pods" ? (["health"] as const) : facets).map((f) => (
        <One key={f} facet={f} chosen={filter[f]} counts={counts} choose={(values) => go({ resource: withFacet(search, f, values) })} />
      ))}
      {view !== "network" && narrowed(search) && (
        <Button look="quiet" icon={<X size={16} aria-hidden />} onPress={() => go(cleared)}>
          {t("apps.clear")}
        </Button>
      )}
      <span className="spring" />
      {quiet > 0 && (view === "tree" || view === "list") && (
        <Button look="quiet" onPress={() => go({ quiet: toggled(search.quiet, "true") })}>
          {filter.quiet ? t("app.quiet.hide") : t("app.quiet.show", { what: [...left].map(([kind, count]) => `${count} ${kind}`).join(", ") })}
        </Button>
      )}
      {view === "tree" && (
        <Button look={search.graph === "true" ? "plain" : "quiet"} aria-pressed={search.graph === "true"} icon={<Workflow size={16} aria-hidden />} onPress={() => go({ graph: toggled(search.graph, "true") })}>
          {t("app.graph")}
        </Button>
      )}
    </div>
  );
}

function Text({ search, go }: Pick<Props, "search" | "go">) {
  const [text, set] = useState(search.search ?? "");
  const typed = useDeferredValue(text);
  const last = useRef(search.search ?? "");
  useEffect(() => {
    if (typed === last.current) return;
    last.current = typed;
    go({ search: typed || undefined }, true);
  }, [typed, go]);
  useEffect(() => {
    if ((search.search ?? "") === last.current) return;
    last.current = search.search ?? "";
    set(last.current);
  }, [search.search]);
  return <input className="input" type="search" aria-label={t("app.search")} placeholder={t("app.search")} value={text} onChange={(e) => set(e.target.value)} />;
}

function One({ facet, chosen, counts, choose }: { facet: Facet; chosen: string[]; counts: Counts; choose: (values: string[]) => void }) {
  const values = new Map(counts[facet]);
  for (const c of chosen) if (!values.has(c)) values.set(c, 0);
  if (values.size === 0) return null;
  const name = (v: string) => (facet === "kind" ? v : word(facet, v));
  return (
    <Menu
      label={[t(`app.filter.${facet}`), ...(chosen.length === 1 ? [name(chosen[0]!)] : chosen.length > 1 ? [chosen.length] : [])].join(" ")}
      many
      look={chosen.length > 0 ? "plain" : "quiet"}
      items={[...values]
        .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
        .map(([v, count]) => ({
          id: v,
          text: name(v),
          chosen: chosen.includes(v),
          label: (
            <>
              {name(v)} <span className="muted">{count}</span>
            </>
          ),
        }))}
      onAction={(id) => choose(chosen.includes(id) ? chosen.filter((c) => c !== id) : [...chosen, id])}
    >
      {facet === "kind" && <ListFilter size={16} aria-hidden />}
      {t(`app.filter.${facet}`)}
      {chosen.length > 0 && <span className="chip">{chosen.length === 1 ? name(chosen[0]!) : chosen.length}</span>}
    </Menu>
  );
}
