import { ChevronsUpDown } from "lucide-react";
import { type ReactNode, useContext, useId, useState } from "react";
import { Button as AriaButton, ComboBox, Input, Label, ListBox, ListBoxItem, Popover } from "react-aria-components";
import { fieldsAt, listAt, type Path, textAt, valueAt } from "./document";
import { FormContext } from "./form";

function Fault({ id, path }: { id: string; path: Path }) {
  const fault = useContext(FormContext).fault(path);
  return fault ? (
    <p id={id} className="fault name" data-tone={fault.warning ? "warn" : "bad"}>
      {fault.text}
    </p>
  ) : null;
}

function useField(path: Path) {
  const form = useContext(FormContext);
  const id = useId();
  const fault = form.fault(path);
  return { ...form, id, about: { "aria-invalid": fault && !fault.warning ? true : undefined, "aria-describedby": [fault && `${id}-fault`, `${id}-hint`].filter(Boolean).join(" "), onBlur: () => form.touch(path), disabled: form.off, "data-path": path.join(".") } as const };
}

type Common = { label: ReactNode; path: Path; hint?: ReactNode };

function Frame({ id, path, label, hint, children, className = "" }: Common & { id: string; children: ReactNode; className?: string }) {
  return (
    <div className={`field ${className}`}>
      <label htmlFor={id}>{label}</label>
      {children}
      {hint && (
        <p id={`${id}-hint`} className="muted small name">
          {hint}
        </p>
      )}
      <Fault id={`${id}-fault`} path={path} />
    </div>
  );
}

/** TextField is a line; as number it writes what looks like one as one. */
export function TextField({ as, placeholder, mono, ...rest }: Common & { as?: "number"; placeholder?: string; mono?: boolean }) {
  const { id, app, set, about } = useField(rest.path);
  return (
    <Frame {...rest} id={id}>
      <input
        id={id}
        {...about}
        className={mono ? "input mono" : "input"}
        inputMode={as === "number" ? "numeric" : undefined}
        placeholder={placeholder}
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        value={textAt(app, rest.path)}
        onChange={(e) => set(rest.path, as === "number" && /^-?\d{1,9}$/.test(e.target.value) ? Number(e.target.value) : e.target.value)}
      />
    </Frame>
  );
}

/** CheckField is a switch: what is off is not written. */
export function CheckField({ label, path, hint }: Common) {
  const { app, set, off } = useField(path);
  return <Check label={label} hint={hint} checked={valueAt(app, path) === true} off={off} onChange={(on) => set(path, on ? true : undefined)} />;
}

export function Check({ label, hint, checked, off, onChange }: { label: ReactNode; hint?: ReactNode; checked: boolean; off?: boolean; onChange: (on: boolean) => void }) {
  const id = useId();
  return (
    <label className="check">
      <input type="checkbox" checked={checked} disabled={off} aria-describedby={hint ? id : undefined} onChange={(e) => onChange(e.target.checked)} />
      <span>
        {label}
        {hint && (
          <small id={id} className="muted">
            {hint}
          </small>
        )}
      </span>
    </label>
  );
}

/** LinesField is a list, an entry a line; as pairs a mapping, KEY=VALUE a line. */
export function LinesField({ as = "list", placeholder, ...rest }: Common & { as?: "list" | "pairs"; placeholder?: string }) {
  const { id, app, set, about } = useField(rest.path);
  const now = as === "list" ? listAt(app, rest.path).join("\n") : Object.entries(fieldsAt(app, rest.path)).map(([k, v]) => `${k}=${String(v)}`).join("\n");
  // While it is typed, what was typed stands there: half a pair is not a pair yet.
  const [typed, setTyped] = useState<string>();
  const take = (text: string) => {
    setTyped(text);
    const lines = text.split("\n").map((l) => l.trim()).filter((l) => l !== "");
    set(rest.path, as === "list" ? lines : Object.fromEntries(lines.filter((l) => l.indexOf("=") > 0).map((l) => [l.slice(0, l.indexOf("=")), l.slice(l.indexOf("=") + 1)])));
  };
  return (
    <Frame {...rest} id={id}>
      <textarea
        id={id}
        {...about}
        className="input mono"
        rows={Math.min(6, Math.max(2, (typed ?? now).split("\n").length))}
        placeholder={placeholder}
        spellCheck={false}
        value={typed ?? now}
        onChange={(e) => take(e.target.value)}
        onBlur={() => {
          setTyped(undefined);
          about.onBlur();
        }}
      />
    </Frame>
  );
}

const shown = 400;

/** PickField is a line with a list to choose from. */
export function PickField({ items, aside, ...rest }: Common & { items: { id: string; note?: string }[]; aside?: ReactNode }) {
  const { app, set, about, off, id, fault } = useField(rest.path);
  const text = textAt(app, rest.path);
  return (
    <Pick label={rest.label} text={text} onChange={(v) => set(rest.path, v)} items={items} off={off} onBlur={about.onBlur} path={rest.path.join(".")} invalid={about["aria-invalid"] === true} about={fault(rest.path) ? `${id}-fault` : undefined} aside={aside}>
      {rest.hint && <p className="muted small name">{rest.hint}</p>}
      <Fault id={`${id}-fault`} path={rest.path} />
    </Pick>
  );
}

export function Pick({ label, text, onChange, items, off, onBlur, path, invalid, about, aside, children }: { label: ReactNode; text: string; onChange: (text: string) => void; items: { id: string; note?: string }[]; off?: boolean; onBlur?: () => void; path?: string; invalid?: boolean; about?: string; aside?: ReactNode; children?: ReactNode }) {
  const few = items.length <= shown ? items : items.filter((i) => i.id.toLowerCase().includes(text.toLowerCase())).slice(0, shown);
  return (
    <ComboBox className="field" allowsCustomValue menuTrigger={invalid ? "input" : "focus"} inputValue={text} onInputChange={(v) => v !== text && onChange(v)} onSelectionChange={(key) => key !== null && onChange(String(key))} defaultItems={few} isDisabled={off} isInvalid={invalid} onBlur={onBlur} allowsEmptyCollection={false}>
      <Label>{label}</Label>
      <div className="pick">
        <Input className="input" data-path={path} aria-describedby={about} spellCheck={false} autoCapitalize="off" autoComplete="off" />
        {items.length > 0 && (
          <AriaButton className="button quiet">
            <ChevronsUpDown size={15} aria-hidden />
          </AriaButton>
        )}
        {aside}
      </div>
      {children}
      <Popover className="popover wide-popover">
        <ListBox className="menu" items={few}>
          {(item) => (
            <ListBoxItem id={item.id} textValue={item.id} className="menu-item">
              <span className="name">{item.id}</span>
              {item.note && <span className="muted small">{item.note}</span>}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </ComboBox>
  );
}

/** Choices are a few things of which one is chosen. */
export function Choices<T extends string>({ label, value, all, onChange, off }: { label: string; value: T; all: { id: T; text: string; hint?: string }[]; onChange: (id: T) => void; off?: boolean }) {
  const name = useId();
  return (
    <fieldset className="choices">
      <legend className="unseen">{label}</legend>
      {all.map((c) => (
        <label key={c.id} data-chosen={c.id === value || undefined}>
          <input type="radio" name={name} checked={c.id === value} disabled={off} onChange={() => onChange(c.id)} />
          <span>
            <strong>{c.text}</strong>
            {c.hint && <small className="muted">{c.hint}</small>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
