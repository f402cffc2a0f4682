import { Check, ChevronDown, Copy, X } from "lucide-react";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { Button as AriaButton, type ButtonProps, Dialog as AriaDialog, Header, Heading, Menu as AriaMenu, MenuItem, MenuSection, MenuTrigger, Modal, ModalOverlay, Popover, Tooltip, TooltipTrigger } from "react-aria-components";
import { t } from "../i18n";
import { Told } from "./Told";
import "./parts.css";

type Look = "plain" | "main" | "quiet" | "danger";

/** Button is a button that may say why it cannot be pressed: then it takes focus and shows the reason. */
export function Button({ look = "plain", icon, why, children, ...rest }: Omit<ButtonProps, "children"> & { look?: Look; icon?: ReactNode; why?: string; children?: ReactNode }) {
  const id = useId();
  const button = (
    <AriaButton
      {...rest}
      className={`button ${look}`}
      data-off={why ? true : undefined}
      aria-describedby={why ? id : rest["aria-describedby"]}
      onPress={why ? undefined : rest.onPress}
    >
      {icon}
      {children}
      {why && (
        <span id={id} className="unseen">
          {why}
        </span>
      )}
    </AriaButton>
  );
  if (!why) return button;
  return (
    <TooltipTrigger delay={200}>
      {button}
      <Tooltip className="tooltip">{why}</Tooltip>
    </TooltipTrigger>
  );
}

/** Hint shows words beside what is pointed at or focused. */
export function Hint({ text, children }: { text: string; children: ReactNode }) {
  return (
    <TooltipTrigger delay={300}>
      {children}
      <Tooltip className="tooltip">{text}</Tooltip>
    </TooltipTrigger>
  );
}

export type Choice = { id: string; label: ReactNode; text: string; chosen?: boolean; off?: string; group?: string };

/** Menu is a button with a list of things to do or to choose from. */
export function Menu({ label, children, items, onAction, look = "quiet", many }: { label: string; children: ReactNode; items: Choice[]; onAction: (id: string) => void; look?: Look; many?: boolean }) {
  const groups = [...new Set(items.map((i) => i.group))];
  const selection = many ? "multiple" : groups.length === 1 && items.some((i) => i.chosen !== undefined) ? "single" : "none";
  return (
    <MenuTrigger>
      <AriaButton aria-label={label} className={`button ${look}`}>
        {children}
        <ChevronDown size={14} aria-hidden />
      </AriaButton>
      <Popover className="popover">
        <AriaMenu className="menu" onAction={(id) => onAction(String(id))} disabledKeys={items.filter((i) => i.off).map((i) => i.id)} selectionMode={selection} selectedKeys={chosenOf(items)}>
          {groups.length === 1
            ? items.map(choice)
            : groups.map((group) => (
                <MenuSection key={group} selectionMode="single" disallowEmptySelection selectedKeys={chosenOf(items.filter((i) => i.group === group))}>
                  <Header className="menu-group">{group}</Header>
                  {items.filter((i) => i.group === group).map(choice)}
                </MenuSection>
              ))}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}

const chosenOf = (items: Choice[]) => items.filter((i) => i.chosen).map((i) => i.id);

const choice = (item: Choice) => (
  <MenuItem key={item.id} id={item.id} textValue={item.text} className="menu-item">
    <span>{item.label}</span>
    {item.off && <span className="muted small">{item.off}</span>}
    {item.chosen && <Check size={15} aria-hidden />}
  </MenuItem>
);

const dialogs = "[role=dialog], [role=alertdialog]";
let opener: Element | null = null;

/** useOpener gives the focus back to what opened the first of dialogs that followed one another, once the last has closed. */
function useOpener() {
  useState(() => {
    const at = document.activeElement;
    if (at && at !== document.body && !at.closest(dialogs)) opener = at;
  });
  useEffect(
    () => () => {
      const back = () => document.activeElement === document.body && !document.querySelector(dialogs) && opener instanceof HTMLElement && opener.focus({ preventScroll: true });
      requestAnimationFrame(() => requestAnimationFrame(back));
    },
    [],
  );
}

/** Dialog asks something, over the page. */
export function Dialog({ title, onClose, children, wide, role }: { title: string; onClose?: () => void; children: ReactNode; wide?: boolean; role?: "alertdialog" }) {
  useOpener();
  return (
    <ModalOverlay isOpen isDismissable={onClose !== undefined && role !== "alertdialog"} isKeyboardDismissDisabled={onClose === undefined} onOpenChange={(open) => !open && onClose?.()} className="veil">
      <Modal className={wide ? "modal wide" : "modal"}>
        <AriaDialog role={role} className="dialog">
          <header>
            <Heading slot="title">{title}</Heading>
            {onClose && (
              <AriaButton aria-label={t("close")} className="button quiet" onPress={onClose}>
                <X size={18} aria-hidden />
              </AriaButton>
            )}
          </header>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

/** Failure is what went wrong, in the server's words. */
export function Failure({ error }: { error: unknown }) {
  if (!(error instanceof Error) || error.message === "") return t("error.unreachable");
  return <Told message={error.message} />;
}

/** Problem shows what kept something from being shown, which can be asked for again, or from being done. */
export function Problem({ error, again }: { error: unknown; again?: () => void }) {
  return (
    <div className="problem" role="alert">
      <strong>{t(again ? "error.title" : "error.refused")}</strong>
      <p className="name">
        <Failure error={error} />
      </p>
      {again && <Button onPress={again}>{t("error.again")}</Button>}
    </div>
  );
}

/** Waiting stands where something will be; it shows nothing for a moment, since most things come at once. */
export function Waiting() {
  const [late, set] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => set(true), 300);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="waiting" role="status">
      {late && t("loading")}
    </div>
  );
}

/** wordsOf keeps the words of a line whole where they fit: a flag that breaks after its hyphens is read as two. */
const wordsOf = (text: string) => text.split(/(\s+)/).map((part, i) => (i % 2 ? part : <span key={i}>{part}</span>));

/** Copyable is a line that can be copied. */
export function Copyable({ text, label }: { text: string; label?: string }) {
  const [done, set] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <span className="copyable">
      <code className="name words">{wordsOf(text)}</code>
      <AriaButton
        className="button quiet small"
        aria-label={label ?? `${t("copy")}: ${text}`}
        onPress={() => {
          void navigator.clipboard?.writeText(text);
          set(true);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => set(false), 2000);
        }}
      >
        {done ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
        <span className="unseen" role="status">
          {done && t("copied")}
        </span>
      </AriaButton>
    </span>
  );
}

/** Link opens an address of elsewhere: http and https only, whatever a manifest says. */
export function Link({ href, children }: { href: string; children: ReactNode }) {
  const safe = /^https?:\/\//i.test(href);
  return safe ? (
    <a href={href} target="_blank" rel="noopener noreferrer" className="name">
      {children}
    </a>
  ) : (
    <span className="name">{children}</span>
  );
}

/** Card is a part of a view with a heading of its own. */
export function Card({ title, aside, children, className = "" }: { title?: ReactNode; aside?: ReactNode; children: ReactNode; className?: string }) {
  return (
    <section className={`card ${className}`}>
      {title !== undefined && (
        <header>
          <h2>{title}</h2>
          {aside}
        </header>
      )}
      {children}
    </section>
  );
}

/** short returns a revision as people read it. */
export const short = (revision?: string) => (revision && /^[0-9a-f]{40,64}$/.test(revision) ? revision.slice(0, 7) : (revision ?? ""));
