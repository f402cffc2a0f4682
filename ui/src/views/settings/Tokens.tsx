import { useState } from "react";
import { now } from "../../api/clock";
import { Button, Copyable, Dialog, Problem } from "../../design/parts";
import { useExact } from "../../design/exact";
import { Ago } from "../../design/Time";
import { day, exact, stamp } from "../../design/time";
import { t } from "../../i18n";
import { secondsOf } from "./project";
import { Line } from "./shared";

/** NewToken makes a token, and shows it the one time that it can be seen. */
export function NewToken({ title, make, close }: { title: string; make: (id: string, expiresIn: number) => Promise<string>; close: () => void }) {
  const [id, setId] = useState("");
  const [holds, setHolds] = useState("90d");
  const [token, setToken] = useState<string>();
  const [state, set] = useState<{ busy?: boolean; error?: unknown }>({});
  const seconds = secondsOf(holds);
  const go = async () => {
    set({ busy: true });
    try {
      setToken(await make(id.trim(), seconds ?? 0));
      set({});
    } catch (error) {
      set({ error });
    }
  };
  return (
    <Dialog title={title} onClose={close}>
      {token ? (
        <>
          <p className="notice" data-tone="warn">{t("settings.tokenOnce")}</p>
          <Copyable text={token} label={t("settings.copyToken")} />
          <footer>
            <Button look="main" onPress={close}>{t("close")}</Button>
          </footer>
        </>
      ) : (
        <>
          <Line label={t("settings.tokenId")} value={id} onChange={(e) => setId(e.target.value)} hint={t("settings.tokenIdHint")} autoFocus />
          <Line label={t("settings.tokenHolds")} value={holds} onChange={(e) => setHolds(e.target.value)} hint={seconds === 0 ? t("settings.tokenForever") : t("settings.tokenHoldsHint")} fault={seconds === undefined ? t("settings.tokenHoldsFault") : undefined} />
          {state.error !== undefined && <Problem error={state.error} />}
          <footer>
            <Button onPress={close}>{t("cancel")}</Button>
            <Button look="main" isDisabled={seconds === undefined} isPending={state.busy} onPress={() => void go()}>{t("create.do")}</Button>
          </footer>
        </>
      )}
    </Dialog>
  );
}

/** Expiry shows when a token ends. */
export function Expiry({ at }: { at?: number }) {
  if (!at) return <span className="chip" data-tone="warn">{t("settings.neverExpires")}</span>;
  const time = new Date(at * 1000).toISOString();
  return at * 1000 < now() ? <span className="chip" data-tone="none">{t("settings.expired")} <Ago at={time} /></span> : <span className="muted">{t("settings.expires")} <When at={at * 1000} /></span>;
}

/** When shows a day to come, or the second of it where the reader wants that. */
function When({ at }: { at: number }) {
  const whole = useExact();
  return (
    <time dateTime={new Date(at).toISOString()} title={whole ? undefined : exact(at)}>
      {whole ? stamp(at) : day(at)}
    </time>
  );
}
