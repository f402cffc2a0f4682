import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useRef } from "react";
import { Autocomplete, Input, Menu, MenuItem, SearchField } from "react-aria-components";
import { rowsQuery } from "../api/queries";
import { Status } from "../design/Status";
import { sections } from "../views/settings/project";
import { Dialog } from "../design/parts";
import { setExact } from "../design/exact";
import { chooseLanguage, t } from "../i18n";
import { setTheme } from "./theme";

const most = 30;
const mostRollouts = 10;

/** actions are what can be done from anywhere, by the words that the menus of the bar have. */
const actions = (logout: () => void) => [
  ...(["system", "light", "dark"] as const).map((id) => ({ id: `theme.${id}`, text: `${t("theme.label")}: ${t(`theme.${id}`)}`, run: () => setTheme(id) })),
  ...(["ago", "exact"] as const).map((id) => ({ id: `times.${id}`, text: `${t("times.label")}: ${t(`times.${id}`)}`, run: () => setExact(id === "exact") })),
  ...([["en", "English"], ["ja", "日本語"]] as const).map(([id, name]) => ({ id: `language.${id}`, text: `${t("language.label")}: ${name}`, run: () => void chooseLanguage(id) })),
  { id: "logout", text: t("user.logout"), run: logout },
];

const addressOf = (r: { namespace: string; name: string }) => `/applications/${r.namespace}/${r.name}`;

/** Palette goes anywhere by a few letters; to the first place that fits, where Enter was pressed before it was there. */
export default function Palette({ text, onText, entered, logout, onClose }: { text: string; onText: (text: string) => void; entered: boolean; logout: () => void; onClose: () => void }) {
  const navigate = useNavigate();
  const rows = useQuery(rowsQuery).data?.items;
  const places = [
    { id: "/", text: t("nav.overview") },
    { id: "/applications", text: t("nav.applications") },
    { id: "/rollouts", text: t("nav.rollouts") },
    { id: "/deliveries", text: t("nav.deliveries") },
    { id: "/settings", text: t("nav.settings") },
    { id: "/new", text: t("nav.new") },
    ...sections.map((s) => ({ id: `/settings/${s}`, text: `${t("nav.settings")}: ${t(`settings.${s}`)}` })),
  ];
  const wanted = text.trim().toLowerCase();
  const shown = places.filter((p) => p.text.toLowerCase().includes(wanted) && (wanted !== "" || !p.id.startsWith("/settings/")));
  const doing = wanted === "" ? [] : actions(logout).filter((a) => a.text.toLowerCase().includes(wanted));
  const apps = useMemo(() => {
    const found = (rows ?? []).filter((r) => r.name.toLowerCase().includes(wanted));
    found.sort((a, b) => Number(b.name.toLowerCase().startsWith(wanted)) - Number(a.name.toLowerCase().startsWith(wanted)) || a.name.length - b.name.length);
    return found.slice(0, most);
  }, [rows, wanted]);
  const rollouts = useMemo(() => {
    if (wanted === "") return [];
    const found = (rows ?? []).flatMap((r) => r.rollouts).filter((r) => r.name.toLowerCase().includes(wanted));
    return [...new Map(found.map((r) => [`${r.namespace}/${r.name}`, r])).values()].sort((a, b) => a.name.length - b.name.length).slice(0, mostRollouts);
  }, [rows, wanted]);
  const go = (to: string) => {
    onClose();
    void navigate({ to });
  };
  const first = shown[0]?.id ?? (apps[0] && addressOf(apps[0]));
  const early = useRef(entered);
  useEffect(() => {
    if (!early.current || !rows) return;
    early.current = false;
    if (wanted !== "" && first) go(first);
  });
  return (
    <Dialog title={t("palette.label")} onClose={onClose}>
      <Autocomplete inputValue={text} onInputChange={onText}>
        <SearchField aria-label={t("palette.placeholder")} autoFocus>
          <Input className="input" placeholder={t("palette.placeholder")} />
        </SearchField>
        <Menu className="menu palette" onAction={(id) => (String(id).startsWith("/") ? go(String(id)) : onClose())} renderEmptyState={() => <p className="muted">{t("palette.none")}</p>}>
          {shown.map((p) => (
            <MenuItem key={p.id} id={p.id} textValue={p.text} className="menu-item">
              {p.text}
            </MenuItem>
          ))}
          {doing.map((a) => (
            <MenuItem key={a.id} id={a.id} textValue={a.text} className="menu-item" onAction={a.run}>
              {a.text}
            </MenuItem>
          ))}
          {apps.map((r) => (
            <MenuItem key={`${r.namespace}/${r.name}`} id={addressOf(r)} textValue={r.name} className="menu-item">
              <span className="name">{r.name}</span>
              <Status kind="health" value={r.health} />
            </MenuItem>
          ))}
          {rollouts.map((r) => (
            <MenuItem key={`rollout ${r.namespace}/${r.name}`} id={`/rollouts/${encodeURIComponent(r.namespace)}/${encodeURIComponent(r.name)}`} textValue={`Rollout ${r.name}`} className="menu-item">
              <span className="name">
                <span className="muted">Rollout</span> {r.name}
              </span>
              <Status kind="rollout" value={r.phase} />
            </MenuItem>
          ))}
        </Menu>
      </Autocomplete>
    </Dialog>
  );
}
