import { useRouter } from "@tanstack/react-router";
import type { MouseEvent, ReactNode } from "react";
import { base } from "../api/client";

/**
 * ToApplication leads to an application. The router's own link follows every change of the address to know whether it is
 * where one is, and lists have many of them.
 */
export function ToApplication({ namespace, name, className, children }: { namespace: string; name: string; className?: string; children: ReactNode }) {
  const router = useRouter();
  const href = new URL(`applications/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`, base).pathname;
  const go = (e: MouseEvent) => {
    // With a key or another button the browser opens it where it is asked to.
    if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    void router.navigate({ to: "/applications/$namespace/$name", params: { namespace, name } });
  };
  return (
    <a href={href} onClick={go} className={className} title={name}>
      {children}
    </a>
  );
}
