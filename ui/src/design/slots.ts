import { type FocusEvent, useLayoutEffect, useRef } from "react";

/** Held is the item of a list that has the focus, and the element that shows it. */
export interface Held {
  slot: number;
  key: string;
}

/**
 * slots returns which element shows which item of those in sight, from an index on. An element stays where it is and
 * shows what comes to its place, which costs a fraction of a new one; but the one with the focus goes with its item, so
 * that a key that is pressed never meets another.
 */
export function slots(keys: readonly string[], from: number, held?: Held): number[] {
  const ids = keys.map((_, i) => from + i);
  if (!held) return ids;
  const left = held.slot - from;
  const now = keys.indexOf(held.key);
  // Who takes the place of the focused one takes its element's place too; a new one where it is gone.
  if (left >= 0 && left < ids.length) ids[left] = now < 0 ? -1 - held.slot : from + now;
  if (now >= 0) ids[now] = held.slot;
  return ids;
}

/** useSlots returns the elements for the items in sight, and what follows the focus among them: each has its data-slot. */
export function useSlots(keys: readonly string[], from: number) {
  const held = useRef<Held>(undefined);
  const ids = slots(keys, from, held.current);
  useLayoutEffect(() => {
    if (held.current && !keys.includes(held.current.key)) held.current = undefined;
  });
  const onFocus = (e: FocusEvent) => {
    const slot = Number(e.target.closest<HTMLElement>("[data-slot]")?.dataset.slot);
    const key = keys[ids.indexOf(slot)];
    held.current = key === undefined ? undefined : { slot, key };
  };
  const onBlur = () => {
    held.current = undefined;
  };
  return { ids, follow: { onFocus, onBlur } };
}
