import { Link as To, useNavigate, useSearch } from "@tanstack/react-router";
import { Eye, Globe, Hand, X } from "lucide-react";
import { memo, useEffect, useMemo } from "react";
import type { RolloutView } from "../../api/types";
import { Until } from "../../design/Time";
import { Button, Card, Menu, Problem, Waiting } from "../../design/parts";
import { Lines } from "../../design/Lines";
import { Status } from "../../design/Status";
import { collator, t, useLanguage } from "../../i18n";
import { announce } from "../../shell/Frame";
import { list, type Search, toggled } from "../../shell/search";
import { useTitle } from "../../shell/title";
import { useTyped } from "../../shell/typed";
import { Act, useAsking } from "./Actions";
import { key, phases, show } from "./filter";
import { activeOf, picture, type PictureLane, sides, tagOf } from "./picture";
import { inWords, laneName, roleWord, sentences } from "./sentences";
import { useRollouts } from "./useRollouts";
import "./stage.css";
import "../../design/list.css";
import "./rollouts.css";
import { inLanguage } from "../../i18n/said";

export default function Rollouts() {
  useTitle(t("rollouts.title"));
  const language = useLanguage();
  const rollouts = useRollouts();
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const to = (change: Search, replace = false) => void navigate({ to: ".", search: (old: Search) => ({ ...old, ...change }), replace });
  const { text, set, typed } = useTyped(search.search, (value) => to({ search: value }, true));
  const compare = useMemo(() => collator().compare, [language]);
  const shown = useMemo(() => show(rollouts.data?.items ?? [], { ...search, search: typed }, compare), [rollouts.data, search, typed, compare]);
  const count = shown.items.length;
  useEffect(() => {
    if (rollouts.data) announce(t("rollouts.all", { count }), "view");
  }, [count, rollouts.data === undefined]);
  if (rollouts.isPending) return <Waiting />;
  if (!rollouts.data) return <Problem error={rollouts.error} again={() => void rollouts.refetch()} />;
  const total = rollouts.data.items.length;
  const filtered = Boolean(search.phase || search.namespace || search.waiting || text);
  const chosen = list(search.phase);
  const namespaces = [...shown.namespaces].sort((a, b) => compare(a[0], b[0]));
  return (
    <div className="rollouts" data-ready>
      <div className="view-head">
        <h1>{t("rollouts.title")}</h1>
        <span className="muted">{filtered ? t("rollouts.count", { shown: count, total }) : t("rollouts.all", { count: total })}</span>
      </div>
      {total === 0 ? (
        <Card className="none-yet">
          <h2>{t("rollouts.none.title")}</h2>
          <p>{t("rollouts.none.text")}</p>
        </Card>
      ) : (
        <>
          <div className="list-tools noprint">
            <input className="input" type="search" aria-label={t("rollouts.search")} placeholder={t("rollouts.searchHint")} value={text} onChange={(e) => set(e.target.value)} />
            <div className="list-chips" role="group" aria-label={t("rollouts.filter.phase")}>
              {phases
                .filter((p) => shown.phases.has(p) || chosen.includes(p))
                .map((p) => (
                  <Button key={p} look={chosen.includes(p) ? "plain" : "quiet"} aria-pressed={chosen.includes(p)} onPress={() => to({ phase: toggled(search.phase, p) })}>
                    <Status kind="rollout" value={p} /> <span className="muted">{shown.phases.get(p) ?? 0}</span>
                  </Button>
                ))}
              <Button look={search.waiting ? "plain" : "quiet"} aria-pressed={search.waiting === "true"} icon={<Hand size={16} aria-hidden />} onPress={() => to({ waiting: toggled(search.waiting, "true") })}>
                {t("rollouts.filter.waiting")} <span className="muted">{shown.waiting}</span>
              </Button>
            </div>
            <Menu
              label={`${t("rollouts.filter.namespace")}: ${search.namespace ?? t("rollouts.any")}`}
              items={[
                { id: "", label: t("rollouts.any"), text: t("rollouts.any"), chosen: !search.namespace },
                ...namespaces.map(([n, c]) => ({ id: n, text: n, label: <span className="name">{n} <span className="muted">{c}</span></span>, chosen: list(search.namespace).includes(n) })),
              ]}
              onAction={(id) => to({ namespace: id || undefined })}
            >
              {t("rollouts.filter.namespace")}: {search.namespace ?? t("rollouts.any")}
            </Menu>
            <Menu
              label={`${t("apps.sort")}: ${search.sort === "phase" ? t("rollouts.filter.phase") : t("apps.sort.name")}`}
              items={(["name", "phase"] as const).map((id) => ({ id, label: id === "name" ? t("apps.sort.name") : t("rollouts.filter.phase"), text: id, chosen: (search.sort ?? "name") === id }))}
              onAction={(id) => to({ sort: id === "name" ? undefined : id })}
            >
              {t("apps.sort")}: {search.sort === "phase" ? t("rollouts.filter.phase") : t("apps.sort.name")}
            </Menu>
            {filtered && (
              <Button
                look="quiet"
                icon={<X size={16} aria-hidden />}
                onPress={() => {
                  set("");
                  to({ phase: undefined, namespace: undefined, waiting: undefined, search: undefined });
                }}
              >
                {t("apps.clear")}
              </Button>
            )}
          </div>
          {count === 0 ? <p className="muted none-matches">{t("rollouts.nomatch")}</p> : <Lines items={shown.items} keyOf={key} height={72} label={t("rollouts.list")} className="rollout-lines" line={(r) => <Line view={r} />} />}
        </>
      )}
    </div>
  );
}

const Line = memo(function Line({ view }: { view: RolloutView }) {
  useLanguage();
  const asking = useAsking(view);
  const drawn = picture(view);
  const gate = view.gates.find((g) => g.state !== "open");
  const until = view.gates.find((g) => g.until && g.state === "waiting")?.until;
  const waits = inWords(view.message) || (view.phase === "Healthy" ? (view.desired === 0 ? t("rollout.empty") : "") : (gate ? inLanguage(gate.message, gate.said).text : ""));
  const images = activeOf(drawn)?.images ?? [];
  const can = (["promote", "retry", "abort"] as const).filter((n) => view.actions.some((a) => a.name === n && a.enabled));
  return (
    <article className="rollout-line">
      <div className="rollout-line-name">
        <h2 className="name">
          <To to="/rollouts/$namespace/$name" params={{ namespace: view.namespace, name: view.name }} title={view.name}>
            {view.name}
          </To>
        </h2>
        <span className="muted small name">{view.namespace}</span>
      </div>
      <Status kind="rollout" value={view.phase} />
      <div className="minis" aria-hidden>
        {sides(drawn).flatMap(({ lanes }) => lanes.slice(0, 2).map((lane) => <Mini key={lane.replicaSet} lane={lane} service={drawn.services.find((s) => s.hash === lane.hash && lane.hash !== "")?.role} canary={drawn.canary} />))}
      </div>
      <p className="rollout-line-waits name">
        <span className="unseen">{sentences(drawn).join(" ")} </span>
        {waits || <code title={images.join(", ")}>{images.map(tagOf).join(", ")}</code>}
        {until && (
          <b>
            {" "}
            <Until at={until} />
          </b>
        )}
        {asking.problem && <span className="trouble"> {asking.problem}</span>}
      </p>
      <div className="rollout-line-do noprint" role="group" aria-label={`${t("rollout.actions")}: ${view.name}`}>
        {can.map((n) => (
          <Act key={n} view={view} name={n} look={n === "abort" ? "danger" : "main"} asking={asking} small />
        ))}
      </div>
      {asking.dialog}
    </article>
  );
});

const fits = 8;

function Mini({ lane, service, canary }: { lane: PictureLane; service?: "active" | "preview"; canary: boolean }) {
  const role = roleWord(lane.role, canary);
  const Icon = service === "active" ? Globe : service === "preview" ? Eye : undefined;
  const traffic = lane.role === "active" || lane.role === "both";
  return (
    <span className="mini" data-side={lane.side} data-traffic={traffic || undefined} title={`${laneName(lane)} · ${role} · ${t("rollout.ready", { ready: lane.ready, desired: lane.desired })}`}>
      <i className="swatch" />
      <b>{lane.revision}</b>
      <span className="mini-role">
        {Icon && <Icon size={13} />} {role}
      </span>
      {lane.squares.length <= fits && (
        <span className="squares" data-many>
          {lane.squares.map((s, i) => (
            <i key={s.name || i} className="square" data-state={s.state} />
          ))}
        </span>
      )}
      <span className="mini-count">
        {lane.ready}/{lane.desired}
      </span>
    </span>
  );
}

