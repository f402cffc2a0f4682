import { useNavigate } from "@tanstack/react-router";
import { Trash2 } from "lucide-react";
import { useState } from "react";
import { Label, Radio, RadioGroup } from "react-aria-components";
import { del } from "../../api/client";
import type { Detail } from "../../api/types";
import { Button, Dialog, Failure } from "../../design/parts";
import { t } from "../../i18n";
import { announce } from "../../shell/Frame";
import { appPath, missing, scope } from "./calls";
import { kinds } from "./sync";

const ways = ["foreground", "background", "orphan"] as const;

/** Delete says what goes with an application; where that is what runs, its name has to be typed. */
export default function Delete({ detail, close }: { detail: Detail; close: () => void }) {
  const { row, nodes } = detail;
  const navigate = useNavigate();
  const [way, setWay] = useState<string>("foreground");
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<unknown>();
  const cascade = way !== "orphan";
  const place = `${row.cluster}/${row.destination}`;
  const open = !cascade || typed === row.name;
  const go = async () => {
    setBusy(true);
    setFailed(undefined);
    try {
      await del(appPath(row), { ...scope(row), cascade: String(cascade), propagationPolicy: cascade ? way : undefined });
      announce(t("app.delete.done", { name: row.name }));
      void navigate({ to: "/applications" });
    } catch (error) {
      setFailed(error);
      setBusy(false);
    }
  };
  return (
    <Dialog title={t("app.delete.title", { name: row.name })} onClose={close} role="alertdialog">
      <RadioGroup value={way} onChange={setWay} className="field">
        <Label>{t("app.delete.way")}</Label>
        {ways.map((w) => (
          <Radio key={w} value={w} className="radio">
            <i aria-hidden />
            {t(`app.delete.way.${w}`)}
          </Radio>
        ))}
      </RadioGroup>
      {cascade ? (
        <div className="notice stack" data-tone="bad">
          <strong>{detail.trouble ? t("app.delete.unknown", { place }) : t("app.delete.goes", { count: nodes.length, place })}</strong>
          <ul className="goes">
            {kinds(nodes)
              .slice(0, 30)
              .map(([kind, count]) => (
                <li key={kind}>
                  <span className="o-kind">{kind}</span> {count}
                </li>
              ))}
          </ul>
          {detail.urls.length > 0 && <p className="name">{t("app.delete.urls", { urls: detail.urls.join(", ") })}</p>}
        </div>
      ) : (
        <p className="notice">{detail.trouble ? t("app.delete.stays.unknown") : t("app.delete.stays", { count: nodes.length })}</p>
      )}
      <form
        className="stack"
        onSubmit={(e) => {
          e.preventDefault();
          if (open && !missing(row, "delete")) void go();
        }}
      >
        {cascade && (
          <div className="field">
            <label htmlFor="delete-name">{t("app.delete.type", { name: row.name })}</label>
            <input className="input" id="delete-name" autoComplete="off" autoCapitalize="none" spellCheck={false} value={typed} onChange={(e) => setTyped(e.target.value)} />
          </div>
        )}
        {failed !== undefined && (
          <p className="notice name" data-tone="bad" role="alert">
            <Failure error={failed} />
          </p>
        )}
        <footer>
          <Button onPress={close}>{t("cancel")}</Button>
          <Button look="danger" type="submit" icon={<Trash2 size={15} aria-hidden />} isPending={busy} why={missing(row, "delete") ?? (open ? undefined : t("app.delete.type", { name: row.name }))}>
            {t("app.object.deleteNow")}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
