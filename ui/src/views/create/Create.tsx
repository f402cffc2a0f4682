import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { post, Refusal } from "../../api/client";
import { meQuery } from "../../api/queries";
import { serverSettingsQuery } from "../../api/settings";
import { Button, Problem, Waiting } from "../../design/parts";
import { t, useLanguage } from "../../i18n";
import { announce } from "../../shell/Frame";
import type { Search } from "../../shell/search";
import { useTitle } from "../../shell/title";
import { textAt } from "./document";
import { forget, keep, kept } from "./draft";
import { fromLink } from "./start";
import { useWriting, Writer } from "./Writer";

const draft = "new";

export default function Create() {
  useTitle(t("nav.new"));
  const settings = useQuery(serverSettingsQuery);
  if (settings.isPending) return <Waiting />;
  return <Page home={settings.data?.controllerNamespace || "argocd"} />;
}

function begin(link: string | undefined, home: string): string {
  const old = kept(draft);
  // A reload of a link has what was written since; another link begins anew.
  return old && (link === undefined || old.begun === link) ? old.text : fromLink(link, home);
}

function Page({ home }: { home: string }) {
  useLanguage();
  const search = useSearch({ strict: false }) as Search;
  const me = useQuery(meQuery).data;
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [text, setText] = useState(() => begin(search.new, home));
  const [tried, setTried] = useState(0);
  const [state, setState] = useState<{ busy?: boolean; refusal?: Error }>({});
  const writing = useWriting(text, setText);
  const blank = text === fromLink(undefined, home);
  useEffect(() => {
    if (blank) forget(draft);
    else keep(draft, { text, begun: search.new });
  }, [text, blank, search.new]);
  const project = textAt(writing.app, ["spec", "project"]);
  const may = me?.may.createApplication ?? [];
  const denied = me && may.length === 0 ? t("denied", { right: "create" }) : undefined;
  const create = async () => {
    setTried(tried + 1);
    setState({});
    if (writing.errors > 0) return announce(t("create.faults", { count: writing.errors }));
    setState({ busy: true });
    try {
      const made = await post<{ metadata: { name: string; namespace: string } }>("api/v1/applications", { ...writing.app });
      forget(draft);
      void queries.invalidateQueries({ queryKey: ["rows"] });
      await navigate({ to: "/applications/$namespace/$name", params: { namespace: made.metadata.namespace || home, name: made.metadata.name } });
    } catch (error) {
      setState({ refusal: error instanceof Error ? error : new Error(String(error)) });
    }
  };
  const ended = state.refusal instanceof Refusal && state.refusal.status === 401;
  return (
    <div className="create" data-ready>
      <div className="view-head">
        <h1>{t("nav.new")}</h1>
        {!blank && (
          <Button look="quiet" onPress={() => {
            setText(fromLink(undefined, home));
            setTried(0);
            setState({});
            void navigate({ to: ".", search: (old: Search) => ({ as: old.as }), replace: true });
          }}>
            {t("create.anew")}
          </Button>
        )}
      </div>
      <Writer
        writing={writing}
        me={me}
        tried={tried}
        refusal={state.refusal}
        home={home}
        foot={
          <div className="foot">
            {state.refusal && !ended && <Problem error={state.refusal} />}
            {tried > 0 && writing.errors > 0 && <p className="fault" data-tone="bad">{t("create.faults", { count: writing.errors })}</p>}
            <div className="actions">
              <Button look="main" why={denied} isPending={state.busy} onPress={() => void create()}>
                {t("create.do", { project })}
              </Button>
              <Button onPress={() => void navigate({ to: "/applications" })}>{t("cancel")}</Button>
              <span className="muted small">{t("create.keptNote")}</span>
            </div>
          </div>
        }
      />
    </div>
  );
}
