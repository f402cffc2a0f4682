import { Link as To, useParams, useRouterState } from "@tanstack/react-router";
import { CalendarClock, Folders, GitBranch, Info, ListChecks, Server, ShieldCheck, UserRound, UsersRound } from "lucide-react";
import { lazy, Suspense } from "react";
import { Absent } from "../../design/Missing";
import { Waiting } from "../../design/parts";
import { t, useLanguage } from "../../i18n";
import { useTitle } from "../../shell/title";
import { Accounts, Own } from "./Accounts";
import { About, Config } from "./Config";
import { Clusters } from "./Clusters";
import { Repositories } from "./Repositories";
import { isSection, type Section, sectionOf, sections } from "./project";
import { Projects, Windows } from "./Projects";
import "../create/create.css";
import "./settings.css";

const Roles = lazy(() => import("./Roles").then((m) => ({ default: m.Roles })));

const views: Record<Section, [typeof GitBranch, React.ComponentType]> = {
  repositories: [GitBranch, Repositories],
  clusters: [Server, Clusters],
  projects: [Folders, Projects],
  windows: [CalendarClock, Windows],
  accounts: [UsersRound, Accounts],
  account: [UserRound, Own],
  roles: [ShieldCheck, Roles],
  config: [ListChecks, Config],
  about: [Info, About],
};

/** Nothing stands at the address of a section that is none. */
const Nothing = () => (
  <Absent level="h2" why={t("notfound.text", { path: location.pathname })}>
    <To to="/settings/$section" params={{ section: sections[0] }} className="button">
      {`${t("nav.settings")}: ${t(`settings.${sections[0]}`)}`}
    </To>
  </Absent>
);

export default function Settings() {
  useLanguage();
  const params = useParams({ strict: false }) as { section?: string };
  const path = useRouterState({ select: (s) => s.location.pathname });
  const asked = path.endsWith("/user-info") ? "account" : params.section;
  const section = isSection(asked) ? sectionOf(asked) : undefined;
  useTitle(`${t(section ? `settings.${section}` : "notfound.title")} · ${t("nav.settings")}`);
  const View = section ? views[section][1] : Nothing;
  return (
    <div className="settings" data-ready>
      <div className="view-head">
        <h1>{t("nav.settings")}</h1>
      </div>
      <nav aria-label={t("nav.settings")} className="sections">
        {sections.map((s) => {
          const [Icon] = views[s];
          return (
            <To key={s} to="/settings/$section" params={{ section: s }} aria-current={s === section ? "page" : undefined}>
              <Icon size={17} aria-hidden />
              {t(`settings.${s}`)}
            </To>
          );
        })}
      </nav>
      <div className="section">
        <Suspense fallback={<Waiting />}>
          <View />
        </Suspense>
      </div>
    </div>
  );
}
