import { useSyncExternalStore } from "react";

// Whether times are shown as they are, and not by how long ago they were: for who points at nothing.
const place = "cyan.times";
const listeners = new Set<() => void>();

function kept(): boolean {
  try {
    return localStorage.getItem(place) === "exact";
  } catch {
    return false;
  }
}

let shown = kept();

/** setExact has times shown exactly from now on, in this browser. */
export function setExact(exact: boolean) {
  shown = exact;
  try {
    if (exact) localStorage.setItem(place, "exact");
    else localStorage.removeItem(place);
  } catch {
    // Without storage the choice is for this page alone.
  }
  listeners.forEach((l) => l());
}

export const useExact = () =>
  useSyncExternalStore((l) => {
    listeners.add(l);
    return () => listeners.delete(l);
  }, () => shown);
