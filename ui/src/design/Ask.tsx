import { type ReactNode, useState } from "react";
import { t } from "../i18n";
import { Button, Dialog, Problem } from "./parts";

/** Ask asks before something is done, and shows what kept it from being done. */
export function Ask({ title, text, action, danger, run, close, children, ready = true }: { title: string; text?: string; action: string; danger?: boolean; run: () => Promise<unknown>; close: () => void; children?: ReactNode; ready?: boolean }) {
  const [state, set] = useState<{ busy?: boolean; error?: unknown }>({});
  const go = async () => {
    if (!ready || state.busy) return;
    set({ busy: true });
    try {
      await run();
      close();
    } catch (error) {
      set({ error });
    }
  };
  return (
    <Dialog title={title} onClose={close} role={danger ? "alertdialog" : undefined}>
      {text && <p className="name">{text}</p>}
      {children}
      {state.error !== undefined && <Problem error={state.error} />}
      <footer>
        <Button onPress={close}>{t("cancel")}</Button>
        <Button look={danger ? "danger" : "main"} isDisabled={!ready} isPending={state.busy} onPress={() => void go()}>
          {action}
        </Button>
      </footer>
    </Dialog>
  );
}
