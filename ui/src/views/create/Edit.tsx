import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { get, put, Refusal } from "../../api/client";
import { detailQuery, meQuery } from "../../api/queries";
import { one } from "../../api/settings";
import { Missing } from "../../design/Missing";
import { Button, Dialog, Problem, Waiting } from "../../design/parts";
import { t, useLanguage } from "../../i18n";
import { announce } from "../../shell/Frame";
import { useTitle } from "../../shell/title";
import { type Difference, differences, same } from "./difference";
import { type Fields, read, textAt, yamlOf } from "./document";
import { forget, keep, kept } from "./draft";
import { rebased } from "./edit";
import { written } from "./start";
import { useWriting, Writer } from "./Writer";

const versionOf = (app: Fields) => textAt(app, ["metadata", "resourceVersion"]);

export default function Edit() {
  const { namespace = "", name = "" } = useParams({ strict: false }) as { namespace?: string; name?: string };
  useTitle(t("edit.title", { name }));
  const stored = useQuery({ queryKey: ["edit", namespace, name], queryFn: ({ signal }) => load(namespace, name, signal), staleTime: Infinity, gcTime: 0 });
  if (stored.isPending) return <Waiting />;
  if (!stored.data) return <Missing error={stored.error} again={() => void stored.refetch()} list="/applications" />;
  return <Page key={`${namespace}/${name}`} namespace={namespace} name={name} stored={stored.data} />;
}

const load = (namespace: string, name: string, signal?: AbortSignal) => get<Fields>(`api/v1/applications/${one(name)}`, { appNamespace: namespace }, signal);

function Page({ namespace, name, stored }: { namespace: string; name: string; stored: Fields }) {
  useLanguage();
  const id = `edit.${namespace}/${name}`;
  const me = useQuery(meQuery).data;
  const rights = useQuery(detailQuery(namespace, name)).data?.row.rights;
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [old] = useState(() => kept(id));
  const [begun, setBegun] = useState(() => ({ text: old?.begun ?? yamlOf(written(stored)), version: old?.version ?? versionOf(stored) }));
  const [text, setText] = useState(() => old?.text ?? begun.text);
  const [tried, setTried] = useState(0);
  const [state, setState] = useState<{ busy?: boolean; refusal?: Error; review?: boolean; theirs?: Fields }>({});
  const writing = useWriting(text, setText);
  const from = useMemo(() => read(begun.text).value ?? {}, [begun.text]);
  const changes = useMemo(() => differences(from, writing.app), [from, writing.app]);
  useEffect(() => {
    if (text === begun.text) forget(id);
    else keep(id, { text, begun: begun.text, version: begun.version });
  }, [text, begun, id]);
  const leave = () => void navigate({ to: "/applications/$namespace/$name", params: { namespace, name } });
  const fail = (error: unknown) => setState({ refusal: error instanceof Error ? error : new Error(String(error)) });
  const conflict = async () => setState({ theirs: await load(namespace, name) });
  const save = async () => {
    setState({ busy: true, review: true });
    try {
      const now = await load(namespace, name);
      // Status and operation change all the time: only what people write can be in the way.
      if (!same(written(now), from)) return setState({ theirs: now });
      const metadata = { ...(writing.app["metadata"] as Fields), name, namespace, resourceVersion: versionOf(now) };
      await put(`api/v1/applications/${one(name)}`, { ...writing.app, metadata }, { appNamespace: namespace, project: textAt(now, ["spec", "project"]) });
      forget(id);
      void queries.invalidateQueries({ queryKey: ["application", namespace, name] });
      void queries.invalidateQueries({ queryKey: ["rows"] });
      leave();
    } catch (error) {
      if (error instanceof Refusal && error.status === 409) await conflict().catch(fail);
      else fail(error);
    }
  };
  const review = () => {
    setTried(tried + 1);
    if (writing.errors > 0) return announce(t("create.faults", { count: writing.errors }));
    setState({ review: true });
  };
  const renamed = textAt(writing.app, ["metadata", "name"]) !== name || textAt(writing.app, ["metadata", "namespace"]) !== namespace;
  const denied = rights && !rights.includes("update") ? t("denied", { right: "update" }) : renamed ? t("edit.renamed", { name: `${namespace}/${name}` }) : changes.length === 0 ? t("edit.nothing") : undefined;
  return (
    <div className="create" data-ready>
      <div className="view-head">
        <h1 className="name">{t("edit.title", { name })}</h1>
        {text !== begun.text && (
          <Button look="quiet" onPress={() => setText(begun.text)}>
            {t("edit.undo")}
          </Button>
        )}
      </div>
      {old && (
        <p className="notice across" data-tone="busy">
          {t("edit.draft")}
        </p>
      )}
      <Writer
        writing={writing}
        me={me}
        existing
        tried={tried}
        refusal={state.refusal}
        home={namespace}
        foot={
          <div className="foot">
            {state.refusal && !(state.refusal instanceof Refusal && state.refusal.status === 401) && <Problem error={state.refusal} />}
            {tried > 0 && writing.errors > 0 && <p className="fault" data-tone="bad">{t("create.faults", { count: writing.errors })}</p>}
            <div className="actions">
              <Button look="main" why={denied} onPress={review}>
                {t("edit.review", { count: changes.length })}
              </Button>
              <Button onPress={leave}>{t("cancel")}</Button>
              <span className="muted small">{t("create.keptNote")}</span>
            </div>
          </div>
        }
      />
      {state.review && (
        <Dialog title={t("edit.changes", { name })} wide onClose={() => setState({})}>
          <Changes all={changes} />
          <footer>
            <Button onPress={() => setState({})}>{t("cancel")}</Button>
            <Button look="main" isPending={state.busy} onPress={() => void save()}>
              {t("edit.save")}
            </Button>
          </footer>
        </Dialog>
      )}
      {state.theirs && (
        <Conflict
          begun={from}
          mine={writing.app}
          theirs={written(state.theirs)}
          close={() => setState({})}
          choose={(next) => {
            setBegun({ text: yamlOf(written(state.theirs!)), version: versionOf(state.theirs!) });
            setText(next);
            setState({});
          }}
        />
      )}
    </div>
  );
}

/** Changes are the fields that an edit changes, as they were and as they will be. */
export function Changes({ all }: { all: Difference[] }) {
  if (all.length === 0) return <p className="muted">{t("edit.nothing")}</p>;
  return (
    <div className="changes-scroll" tabIndex={0}>
      <table className="changes">
        <thead>
          <tr>
            <th scope="col">{t("edit.field")}</th>
            <th scope="col">{t("edit.before")}</th>
            <th scope="col">{t("edit.after")}</th>
          </tr>
        </thead>
        <tbody>
          {all.map((d) => (
            <tr key={d.path}>
              <th scope="row" className="name mono">
                {d.path}
              </th>
              <td className="name mono">{d.from === undefined ? <span className="muted">{t("edit.absent")}</span> : <del>{d.from}</del>}</td>
              <td className="name mono">{d.to === undefined ? <span className="muted">{t("edit.absent")}</span> : <ins>{d.to}</ins>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Conflict({ begun, mine, theirs, close, choose }: { begun: Fields; mine: Fields; theirs: Fields; close: () => void; choose: (text: string) => void }) {
  const both = rebased(begun, mine, theirs);
  return (
    <Dialog title={t("edit.conflict")} wide onClose={close}>
      <p>{t("edit.conflictText")}</p>
      <Changes all={differences(begun, theirs)} />
      {both.conflicts.length > 0 && (
        <p className="notice name" data-tone="warn">
          {t("edit.conflicts", { fields: both.conflicts.join(", ") })}
        </p>
      )}
      <footer>
        <Button onPress={() => choose(yamlOf(theirs))}>{t("edit.theirs")}</Button>
        <Button look="main" onPress={() => choose(both.text)}>
          {t("edit.both")}
        </Button>
      </footer>
    </Dialog>
  );
}
