import { type FormEvent, type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { address, get, post, Refusal } from "../api/client";
import type { Me } from "../api/types";
import { Button, Dialog } from "../design/parts";
import { t } from "../i18n";
import { Mark } from "./Mark";
import { failure } from "../i18n/said";

/** Login asks who somebody is: as a page of its own, or over the view that goes on afterwards. */
export function Login({ me, done, whole, menus }: { me?: Me; done: () => void; whole?: boolean; menus?: ReactNode }) {
  const [failed, setFailed] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [capitals, setCapitals] = useState(false);
  const password = useRef<HTMLInputElement>(null);
  const capsLock = (event: KeyboardEvent) => setCapitals(event.getModifierState("CapsLock"));
  const code = new URLSearchParams(location.search).get("error");
  const finish = useRef(done);
  useEffect(() => {
    finish.current = done;
  });
  useEffect(() => {
    if (whole) return;
    const look = () => {
      if (document.visibilityState === "visible") void get<Me>("api/v1/view/me").then((now) => now.loggedIn && finish.current(), () => {});
    };
    addEventListener("focus", look);
    document.addEventListener("visibilitychange", look);
    return () => {
      removeEventListener("focus", look);
      document.removeEventListener("visibilitychange", look);
    };
  }, [whole]);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    setBusy(true);
    setFailed(undefined);
    try {
      await post("api/v1/session", { username: data.get("username"), password: data.get("password") });
      done();
    } catch (error) {
      const refused = error as Refusal;
      // Whoever has mistyped types again: what was typed is taken by the next letter.
      password.current?.select();
      setFailed(refused.status === 401 ? t("login.error.credentials") : failure(refused));
    } finally {
      setBusy(false);
    }
  };
  const back = location.pathname.endsWith("/login") ? (new URLSearchParams(location.search).get("return_url") ?? "/") : location.pathname + location.search;
  const form = (
    <form className="login-form" onSubmit={(e) => void submit(e)}>
      {me?.methods.sso && (
        <a className="button main" href={address(me.methods.sso.loginUrl, { return_url: back }).href} target={whole ? undefined : "_blank"} rel="noreferrer">
          {t("login.sso", { name: me.methods.sso.name })}
        </a>
      )}
      {/* What is typed is in this tab, and would go with it. */}
      {me?.methods.sso && !whole && <p className="muted small">{t("login.elsewhere")}</p>}
      {me?.methods.sso && me.methods.password !== false && <p className="login-or small">{t("login.or")}</p>}
      {me?.methods.password !== false && (
        <>
          <div className="field">
            <label htmlFor="username">{t("login.name")}</label>
            <input className="input" id="username" name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} required defaultValue={me?.name || "admin"} />
          </div>
          <div className="field">
            <label htmlFor="password">{t("login.password")}</label>
            {/* Somebody who has to log in came here to type a password. */}
            <input className="input" id="password" name="password" type="password" autoComplete="current-password" required autoFocus ref={password} onKeyDown={capsLock} onKeyUp={capsLock} aria-invalid={failed ? true : undefined} aria-describedby={[capitals && "capitals", failed && "refused"].filter(Boolean).join(" ") || undefined} />
            {capitals && (
              <p id="capitals" className="small" role="status">
                {t("login.capitals")}
              </p>
            )}
          </div>
          {failed && (
            <p id="refused" className="notice" data-tone="bad" role="alert">
              {failed}
            </p>
          )}
          <Button type="submit" look={me?.methods.sso ? "plain" : "main"} isPending={busy}>
            {t("login.do")}
          </Button>
        </>
      )}
      {code && !failed && (
        <p className="notice" data-tone="bad" role="alert">
          {t("login.error.sso", { code: code.slice(0, 32).replace(/[^\w.-]/g, "") })}
        </p>
      )}
    </form>
  );
  if (!whole) {
    return (
      <Dialog title={t("login.again")}>
        <p>{t("login.againText")}</p>
        {form}
      </Dialog>
    );
  }
  return (
    <main className="login" id="content" tabIndex={-1}>
      <div className="corner">{menus}</div>
      <section aria-label={t("login.title")}>
        <div className="top">
          <Mark size={56} />
          <h1>{t("login.title")}</h1>
        </div>
        {form}
        {me?.methods.password !== false && (
          <p className="muted small" style={{ marginTop: "1.25rem" }}>
            {t("login.help", { command: "" })} <code className="unbroken">cyan admin initial-password</code>
          </p>
        )}
      </section>
    </main>
  );
}
