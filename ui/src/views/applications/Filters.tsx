import { useMemo } from "react";
import { Checkbox, CheckboxGroup, Label } from "react-aria-components";
import type { Row } from "../../api/types";
import { collator, t, word } from "../../i18n";
import { list, type Search } from "../../shell/search";
import { type Counts, counted, type Facet, facets } from "./filter";

const most = 50;

/** Filters has each value that there is, with how many applications have it. */
export function Filters({ rows, favorites, search, choose }: { rows: Row[]; favorites: ReadonlySet<string>; search: Search; choose: (change: Search) => void }) {
  const counts = useMemo(() => counted(rows, search, favorites), [rows, search, favorites]);
  return (
    <div className="filters card noprint">
      {facets.map((facet) => (
        <One key={facet} facet={facet} counts={counts} search={search} choose={choose} />
      ))}
      <Labels labels={counts.labels} search={search} choose={choose} />
    </div>
  );
}

/** Labels has the values of each label; those that say the most, by few values that many have, come first. */
function Labels({ labels, search, choose }: { labels: Counts["labels"]; search: Search; choose: (change: Search) => void }) {
  const chosen = list(search.labels);
  const counts = new Map(chosen.map((c) => [c, 0]));
  for (const [name, values] of [...labels].sort((a, b) => a[1].size - b[1].size || collator().compare(a[0], b[0]))) {
    for (const [value, count] of [...values].sort((a, b) => b[1] - a[1] || collator().compare(a[0], b[0]))) counts.set(`${name}=${value}`, count);
  }
  const values = [...counts];
  if (values.length === 0) return null;
  return (
    <CheckboxGroup className="filter" value={chosen} onChange={(v) => choose({ labels: v.length === 0 ? undefined : v.join(",") })}>
      <Label>{t("apps.filter.labels")}</Label>
      {values.slice(0, most).map(([value, count]) => (
        <Checkbox key={value} value={value} className="check">
          <i aria-hidden />
          <span className="name">{value}</span>
          <span className="muted">{count}</span>
        </Checkbox>
      ))}
      {values.length > most && <span className="muted small">{t("more", { count: values.length - most })}</span>}
    </CheckboxGroup>
  );
}

function One({ facet, counts: all, search, choose }: { facet: Facet; counts: Counts; search: Search; choose: (change: Search) => void }) {
  const chosen = list(search[facet]);
  const counts = new Map(all.facets[facet]);
  for (const c of chosen) if (!counts.has(c)) counts.set(c, 0);
  const values = [...counts].sort((a, b) => Number(chosen.includes(b[0])) - Number(chosen.includes(a[0])) || b[1] - a[1] || collator().compare(a[0], b[0]));
  if (values.length === 0) return null;
  return (
    <CheckboxGroup className="filter" value={chosen} onChange={(v) => choose({ [facet]: v.length === 0 ? undefined : v.join(",") })}>
      <Label>{t(`apps.filter.${facet}`)}</Label>
      {values.slice(0, most).map(([value, count]) => (
        <Checkbox key={value} value={value} className="check">
          <i aria-hidden />
          <span className="name">{facet === "sync" || facet === "health" ? word(facet, value) : value}</span>
          <span className="muted">{count}</span>
        </Checkbox>
      ))}
      {values.length > most && <span className="muted small">{t("more", { count: values.length - most })}</span>}
    </CheckboxGroup>
  );
}
