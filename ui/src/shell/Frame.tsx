import { Link as To, Outlet, useNavigate, useRouter, useRouterState } from "@tanstack/react-router";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleUserRound, GitCommitHorizontal, Languages, LayoutGrid, Lightbulb, Search as SearchIcon, Settings, SplitSquareVertical, SunMoon, WifiOff } from "lucide-react";
import { lazy, Suspense, useEffect, useState, useSyncExternalStore } from "react";
import { Button as AriaButton, I18nProvider, RouterProvider } from "react-aria-components";
import { base, del, onSessionEnd } from "../api/client";
import { meQuery, visit } from "../api/queries";
import { stream } from "../api/stream";
import type { Cluster } from "../api/types";
import { useNow } from "../design/Time";
import { Hint, Link, Menu, Waiting } from "../design/parts";
import { Told } from "../design/Told";
import { setExact, useExact } from "../design/exact";
import { duration, exact, since } from "../design/time";
import { chooseLanguage, t, useLanguage } from "../i18n";
import { Login } from "./Login";
import { returnTo } from "./returning";
import { Mark } from "./Mark";
import { setTheme, type Theme, useTheme } from "./theme";
import "./frame.css";

const Palette = lazy(() => import("./Palette"));

const places = [
  { to: "/", text: "nav.overview", icon: Lightbulb },
  { to: "/applications", text: "nav.apps", icon: LayoutGrid },
  { to: "/rollouts", text: "nav.rollouts", icon: SplitSquareVertical },
  { to: "/deliveries", text: "nav.deliveries", icon: GitCommitHorizontal },
  { to: "/settings", text: "nav.settings", icon: Settings },
] as const;

export function Frame() {
  const language = useLanguage();
  const me = useQuery(meQuery);
  const [ended, setEnded] = useState(false);
  const queries = useQueryClient();
  const navigate = useNavigate();
  useEffect(() => onSessionEnd(() => setEnded(true)), []);
  useEffect(() => stream.on("cluster", (event) => event.type === "end" && setEnded(true)), []);
  const router = useRouter();
  useFocus();
  const again = () => {
    const back = first ? returnTo(location, base) : undefined;
    if (back) router.history.replace(back);
    setEnded(false);
    void queries.invalidateQueries();
  };
  // Who was logged in goes on where they were: the view stays below the question who they are.
  const first = me.data?.loggedIn === false && !visit.known;
  return (
    <I18nProvider locale={language === "ja" ? "ja-JP" : "en-US"}>
      <RouterProvider navigate={(to) => void navigate({ to })}>
        {/* A link to #content would lead to the base of the page. */}
        <button type="button" className="skip button noprint" onClick={() => document.getElementById("content")?.focus()}>
          {t("skip")}
        </button>
        {first ? <Login me={me.data!} done={again} whole menus={<><LanguageMenu /><LookMenu /></>} /> : <Bar />}
        {!first && (
          <main id="content" tabIndex={-1}>
            <Printed />
            <Banner />
            {me.isPending ? (
              <Waiting />
            ) : (
              <Suspense fallback={<Waiting />}>
                <Outlet />
              </Suspense>
            )}
          </main>
        )}
        {(ended || me.data?.loggedIn === false) && !first && <Login me={me.data} done={again} />}
        <Announcer />
      </RouterProvider>
    </I18nProvider>
  );
}

function Bar() {
  const path = useRouterState({ select: (s) => s.location.pathname });
  return (
    <header className="bar noprint">
      <To to="/" className="brand" aria-label="Cyan">
        <Mark />
        <span>Cyan</span>
      </To>
      <nav aria-label={t("nav.label")}>
        {places.map(({ to, text, icon: Icon }) => (
          <To key={to} to={to} aria-current={(to === "/" ? path === "/" : path.startsWith(to)) ? "page" : undefined}>
            <Icon size={18} aria-hidden />
            <span>{t(text)}</span>
          </To>
        ))}
      </nav>
      <div className="tools">
        <Going />
        <Live />
        <LanguageMenu />
        <LookMenu />
        <UserMenu />
      </div>
    </header>
  );
}

/** isThere reports whether the palette is there to take what is typed. */
const isThere = () => document.querySelector("[role=dialog] input") !== null;

/** Going opens the palette, and keeps what is typed until the palette is there to take it. */
function Going() {
  const [open, set] = useState(false);
  const [text, setText] = useState("");
  const [entered, enter] = useState(false);
  const close = () => set(false);
  const logout = useLogout();
  const start = () => {
    setText("");
    enter(false);
    set(true);
  };
  useEffect(() => {
    const listen = (e: KeyboardEvent) => {
      if (e.isComposing) return;
      const command = e.ctrlKey || e.metaKey;
      if (command && e.key.toLowerCase() === "k") {
        e.preventDefault();
        if (!open) start();
      } else if (open && e.key === "Escape") {
        // Of the palette itself the first Escape would empty the field, and only the second close it.
        set(false);
        e.preventDefault();
        e.stopPropagation();
      } else if (open && !isThere() && !command && !e.altKey) {
        const typed = e.key.length === 1;
        if (typed) setText((before) => before + e.key);
        else if (e.key === "Backspace") setText((before) => before.slice(0, -1));
        else if (e.key === "Enter") enter(true);
        else return;
        e.preventDefault();
        e.stopPropagation();
      }
    };
    addEventListener("keydown", listen, true);
    return () => removeEventListener("keydown", listen, true);
  }, [open]);
  return (
    <>
      <AriaButton aria-label={`${t("palette.open")} Ctrl K`} className="button going" onPress={start}>
        <SearchIcon size={16} aria-hidden />
        <span>{t("palette.open")}</span>
        <kbd aria-hidden>Ctrl K</kbd>
      </AriaButton>
      {open && (
        <Suspense>
          <Palette text={text} onText={setText} entered={entered} logout={logout} onClose={close} />
        </Suspense>
      )}
    </>
  );
}

/** patience is how long a server may take to answer for the first time. */
const patience = 5000;

/** Live shows whether changes arrive; since when not, where they do not. */
function Live() {
  const state = useSyncExternalStore(
    (l) => stream.onState(l),
    () => stream.state,
  );
  const me = useQuery(meQuery);
  // A view without changes is as live as the server that has answered for it.
  const connected = state.connected ?? (stream.begun ? undefined : me.data ? true : me.failureCount > 0 ? false : undefined);
  if (connected === undefined) return <Begins from={state.since} />;
  if (!connected) return <Off from={state.since} />;
  return <Dot tone="ok" text={t("live.on")} />;
}

const Dot = ({ tone, text }: { tone: "ok" | "none"; text: string }) => (
  <span className="live" data-tone={tone}>
    <i aria-hidden />
    <span>{text}</span>
  </span>
);

/** Begins stands until the server has answered for the first time; where it goes on not to, that is said. */
function Begins({ from }: { from: number }) {
  return useNow() - from > patience ? <Off from={from} /> : <Dot tone="none" text={t("live.begins")} />;
}

function Off({ from }: { from: number }) {
  const at = useNow();
  return (
    <Hint text={t("live.explain", { time: duration(Math.floor((Math.max(at, from) - from) / 1000)) })}>
      <AriaButton className="live off button quiet" data-tone="bad">
        <WifiOff size={16} aria-hidden />
        <span>{t("live.off", { time: since(from, at) })}</span>
      </AriaButton>
    </Hint>
  );
}

/** Printed is what a sheet of paper has to say of where and when it was printed. */
function Printed() {
  const at = useNow(60_000);
  const address = useRouterState({ select: (s) => s.location.href });
  return (
    <p className="printed" aria-hidden>
      <span className="name">{new URL(address.replace(/^\//, ""), base).href}</span>
      <time>{exact(at)}</time>
    </p>
  );
}

/** Banner shows what concerns the whole page: the cluster does not answer, or what the installation has to say. */
function Banner() {
  const me = useQuery(meQuery).data;
  const [cluster, set] = useState<Cluster>({ reachable: true });
  useEffect(() => stream.on("cluster", (event) => event.type === "cluster" && set(event.data as Cluster)), []);
  return (
    <>
      {!cluster.reachable && (
        <div className="notice across" data-tone="bad" role="status">
          <strong>
            <Away from={cluster.since} />
          </strong>{" "}
          {t("cluster.explain")}{" "}
          {cluster.message && (
            <span className="muted name">
              <Told message={cluster.message} />
            </span>
          )}
        </div>
      )}
      {me?.banner && (
        <div className="notice across" data-tone="busy">
          {me.banner.url ? <Link href={me.banner.url}>{me.banner.text}</Link> : me.banner.text}
        </div>
      )}
    </>
  );
}

function Away({ from }: { from?: string }) {
  const at = useNow();
  const time = from ? Date.parse(from) : at;
  return (
    <time dateTime={from} title={exact(time)}>
      {t("cluster.away", { time: since(time, at), lasting: duration(Math.floor((at - time) / 1000)) })}
    </time>
  );
}

function LanguageMenu() {
  const language = useLanguage();
  return (
    <Menu
      label={t("language.label")}
      items={[
        { id: "en", label: <span lang="en">English</span>, text: "English", chosen: language === "en" },
        { id: "ja", label: <span lang="ja">日本語</span>, text: "日本語", chosen: language === "ja" },
      ]}
      onAction={(id) => void chooseLanguage(id === "ja" ? "ja" : "en")}
    >
      <Languages size={18} aria-hidden />
    </Menu>
  );
}

/** LookMenu has the theme, and how times are shown: on a touch screen nothing can be pointed at. */
function LookMenu() {
  const theme = useTheme();
  const whole = useExact();
  const themes = (["system", "light", "dark"] as const).map((id) => ({ id: id as string, group: t("theme.label"), label: t(`theme.${id}`), text: t(`theme.${id}`), chosen: theme === id }));
  const times = (["ago", "exact"] as const).map((id) => ({ id: id as string, group: t("times.label"), label: t(`times.${id}`), text: t(`times.${id}`), chosen: whole === (id === "exact") }));
  const choose = (id: string) => (id === "ago" || id === "exact" ? setExact(id === "exact") : setTheme(id as Theme));
  return (
    <Menu label={t("theme.label")} items={[...themes, ...times]} onAction={choose}>
      <SunMoon size={18} aria-hidden />
    </Menu>
  );
}

/** useLogout returns what ends the session; who logs in next sees nothing of what was seen before. */
function useLogout() {
  const queries = useQueryClient();
  const forget = async () => {
    visit.known = false;
    await queries.invalidateQueries({ queryKey: meQuery.queryKey });
    if (queries.getQueryData(meQuery.queryKey)?.loggedIn === false) queries.removeQueries({ predicate: (q) => q.queryKey[0] !== meQuery.queryKey[0] });
  };
  return () => void del("api/v1/session").finally(() => void forget());
}

function UserMenu() {
  const me = useQuery(meQuery).data;
  const navigate = useNavigate();
  const logout = useLogout();
  if (!me?.loggedIn) return null;
  return (
    <Menu
      label={`${t("user.menu")}: ${me.name ?? ""}`}
      items={[{ id: "account", label: t("settings.account"), text: t("settings.account") }, { id: "logout", label: t("user.logout"), text: t("user.logout") }]}
      onAction={(id) => (id === "logout" ? logout() : void navigate({ to: "/settings/$section", params: { section: "account" } }))}
    >
      <CircleUserRound size={18} aria-hidden />
      <span className="who">{me.name}</span>
    </Menu>
  );
}

/** useFocus gives the focus to the content of a view that has come, where what had it has gone with the view before. */
function useFocus() {
  const router = useRouter();
  useEffect(() => {
    let asked = 0;
    const take = () => {
      if (document.activeElement === document.body) document.getElementById("content")?.focus({ preventScroll: true });
    };
    const off = router.subscribe("onRendered", (event) => {
      if (!event.fromLocation || !event.pathChanged) return;
      cancelAnimationFrame(asked);
      // A dialog that closes on the way gives the focus back in the next frame, if to anything.
      asked = requestAnimationFrame(() => (asked = requestAnimationFrame(take)));
    });
    return () => {
      cancelAnimationFrame(asked);
      off();
    };
  }, [router]);
}

const kinds = ["done", "title", "view"] as const;
type Kind = (typeof kinds)[number];
let say: (words: string, kind: Kind) => void = () => {};

/**
 * announce has words read out to who does not see the page: what was done, the name of a view that has come, or what it
 * shows. What follows quickly replaces what was said of the same kind, and nothing of another.
 */
export const announce = (words: string, kind: Kind = "done") => say(words, kind);

function Announcer() {
  const [words, set] = useState("");
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let next: Partial<Record<Kind, string>> = {};
    const flush = () => {
      const said = kinds.flatMap((k) => next[k] ?? []);
      next = {};
      // What a view shows begins with its name as a rule.
      set(said.filter((w) => !said.some((other) => other !== w && other.startsWith(w))).join(". "));
    };
    say = (words, kind) => {
      next[kind] = words;
      clearTimeout(timer);
      timer = setTimeout(flush, 400);
    };
    return () => clearTimeout(timer);
  }, []);
  return (
    <div role="status" className="unseen">
      {words}
    </div>
  );
}
