import { useSyncExternalStore } from "react";

const storage = "cyan.favorites";
const listeners = new Set<() => void>();

function read(): ReadonlySet<string> {
  try {
    return new Set(JSON.parse(localStorage.getItem(storage) ?? "[]") as string[]);
  } catch {
    return new Set();
  }
}
let current = read();
addEventListener("storage", (event) => {
  if (event.key !== storage) return;
  current = read();
  listeners.forEach((l) => l());
});

export function toggleFavorite(key: string) {
  const next = new Set(current);
  if (!next.delete(key)) next.add(key);
  current = next;
  try {
    localStorage.setItem(storage, JSON.stringify([...next]));
  } catch {
    // Kept for this page alone.
  }
  listeners.forEach((l) => l());
}

export const useFavorites = () =>
  useSyncExternalStore(
    (l) => {
      listeners.add(l);
      return () => listeners.delete(l);
    },
    () => current,
  );
