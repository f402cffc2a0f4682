import { useNavigate } from "@tanstack/react-router";
import { Bookmark, X } from "lucide-react";
import { type FormEvent, useId, useRef, useState } from "react";
import { Button, Dialog, Menu } from "../../design/parts";
import { t } from "../../i18n";
import { type Search, stringifySearch } from "../../shell/search";
import { keep, searchOf, useSaved, withView } from "./saved";

/** SavedViews are the views that somebody has given a name: each is an address, and is gone to by its name. */
export function SavedViews({ search }: { search: Search }) {
  const navigate = useNavigate();
  const saved = useSaved();
  const [naming, setNaming] = useState(false);
  const now = stringifySearch(search);
  const items = [...saved.map((v, i) => ({ id: `${i}`, label: <span className="name">{v.name}</span>, text: v.name, chosen: v.search === now })), { id: "save", label: t("apps.views.save"), text: t("apps.views.save") }];
  return (
    <>
      <Menu label={t("apps.views")} items={items} onAction={(id) => (id === "save" ? setNaming(true) : void navigate({ to: ".", search: searchOf(saved[Number(id)]!) }))}>
        <Bookmark size={16} aria-hidden />
        <span className="wide-only">{t("apps.views")}</span>
      </Menu>
      {naming && <Naming search={search} close={() => setNaming(false)} />}
    </>
  );
}

function Naming({ search, close }: { search: Search; close: () => void }) {
  const saved = useSaved();
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  // The button that forgets a view goes with it; without the focus somewhere in the dialog, Escape would not close it.
  const forget = (name: string) => {
    keep(saved.filter((v) => v.name !== name));
    field.current?.focus();
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("name") ?? "").trim();
    if (name === "") return;
    keep(withView(saved, name, search));
    close();
  };
  return (
    <Dialog title={t("apps.views.save")} onClose={close}>
      <form className="naming" onSubmit={submit}>
        <label htmlFor={id}>{t("apps.views.name")}</label>
        <input ref={field} id={id} name="name" className="input" autoFocus autoComplete="off" maxLength={100} />
        <p className="muted small">
          <code className="name">{stringifySearch(search) || "?"}</code>
        </p>
        {saved.length > 0 && (
          <ul className="saved">
            {saved.map((v) => (
              <li key={v.name}>
                <span className="name">{v.name}</span>
                <Button look="quiet" aria-label={t("apps.views.forget", { name: v.name })} icon={<X size={15} aria-hidden />} onPress={() => forget(v.name)} />
              </li>
            ))}
          </ul>
        )}
        <footer className="actions">
          <Button onPress={close}>{t("cancel")}</Button>
          <Button look="main" type="submit">
            {t("apps.views.keep")}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
