import { X } from "lucide-react";
import { type ReactNode, useEffect, useRef, useSyncExternalStore } from "react";
import { Button as AriaButton, Dialog, Modal, ModalOverlay, Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import type { Detail, Named, TreeNode } from "../../api/types";
import { Status } from "../../design/Status";
import { t } from "../../i18n";
import type { Search } from "../../shell/search";
import { Difference } from "./Difference";
import { Events } from "./Events";
import { Logs } from "./Logs";
import { Manifest } from "./Manifest";
import { RoleChip } from "./parts";
import { Summary } from "./Summary";
import "./panel.css";

/** shown brings the tab that is open into view, where there is no room for all. */
const shown = (tab: HTMLElement | null) => tab?.scrollIntoView({ block: "nearest", inline: "nearest" });

const wide = matchMedia("(min-width: 62rem)");
const useWide = () =>
  useSyncExternalStore(
    (l) => {
      wide.addEventListener("change", l);
      return () => wide.removeEventListener("change", l);
    },
    () => wide.matches,
  );

interface Props {
  detail: Detail;
  wanted: Named;
  node?: TreeNode;
  search: Search;
  go: (change: Search, replace?: boolean) => void;
  close: () => void;
}

/** Panel is one object: beside the tree where there is room, over it where there is not. */
export default function Panel(p: Props) {
  const beside = useWide();
  const name = `${p.wanted.kind} ${p.wanted.name}`;
  if (!beside) {
    return (
      <ModalOverlay isOpen onOpenChange={(open) => !open && p.close()} className="sheet-veil">
        <Modal className="sheet">
          <Dialog aria-label={name} className="sheet-inner">
            <Content {...p} />
          </Dialog>
        </Modal>
      </ModalOverlay>
    );
  }
  return (
    <Aside label={name} close={p.close}>
      <Content {...p} />
    </Aside>
  );
}

function Aside({ label, close, children }: { label: string; close: () => void; children: ReactNode }) {
  const ref = useRef<HTMLElement>(null);
  const before = useRef<Element | null>(null);
  useEffect(() => {
    before.current = document.activeElement;
    // Where somebody walks the tree by its keys, the focus stays there.
    if (!(document.activeElement instanceof HTMLElement) || !document.activeElement.closest(".objects")) ref.current?.focus({ preventScroll: true });
  }, []);
  return (
    <aside
      ref={ref}
      tabIndex={-1}
      aria-label={label}
      className="sheet"
      onKeyDown={(e) => {
        if (e.key !== "Escape" || e.defaultPrevented) return;
        close();
        if (before.current instanceof HTMLElement) before.current.focus({ preventScroll: true });
      }}
    >
      <div className="sheet-inner">{children}</div>
    </aside>
  );
}

const logged = new Set(["Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout", "Job", "ReplicationController"]);

function Content({ detail, wanted, node, search, go, close }: Props) {
  const managed = node?.managed ?? detail.row.sync !== "Synced";
  const tabs: Record<string, ReactNode> = node
    ? {
        summary: <Summary detail={detail} node={node} onDeleted={close} />,
        ...(managed ? { diff: <Difference row={detail.row} node={node} style={search.diff} choose={(diff) => go({ diff }, true)} /> } : {}),
        manifest: <Manifest row={detail.row} node={node} desired={search.manifest === "desired"} choose={managed ? (which) => go({ manifest: which }, true) : undefined} />,
        events: <Events row={detail.row} node={node} />,
        ...(logged.has(node.kind) ? { logs: <Logs key={node.id} row={detail.row} node={node} search={search} go={go} /> } : {}),
      }
    : {};
  const tab = search.tab && search.tab in tabs ? search.tab : "summary";
  return (
    <>
      <header className="sheet-head">
        <div>
          <p className="muted small">
            {wanted.kind}
            {wanted.group && <> · {wanted.group}</>}
            {wanted.namespace && <> · {wanted.namespace}</>}
          </p>
          <h2 className="name" slot="title">
            {wanted.name} <RoleChip role={node?.role} />
          </h2>
          {node && (
            <p className="sheet-states">
              {node.health && <Status kind="health" value={node.health} />}
              {node.sync && <Status kind="sync" value={node.sync} />}
            </p>
          )}
        </div>
        <AriaButton aria-label={t("close")} className="button quiet" onPress={close}>
          <X size={18} aria-hidden />
        </AriaButton>
      </header>
      {!node ? (
        <p className="notice" data-tone="warn">
          {t("app.gone")}
        </p>
      ) : (
        <Tabs selectedKey={tab} onSelectionChange={(key) => go({ tab: key === "summary" ? undefined : String(key) }, true)} className="tabs">
          <TabList aria-label={t("app.tabs")} className="tab-list">
            {Object.keys(tabs).map((id) => (
              <Tab key={id} id={id} className="tab" ref={id === tab ? shown : undefined}>
                {t(`app.tab.${id as "summary"}`)}
              </Tab>
            ))}
          </TabList>
          {Object.entries(tabs).map(([id, content]) => (
            <TabPanel key={id} id={id} className="tab-panel">
              {content}
            </TabPanel>
          ))}
        </Tabs>
      )}
    </>
  );
}
