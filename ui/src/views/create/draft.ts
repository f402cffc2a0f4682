// What is being written is kept for as long as the tab is open: neither a session that ends nor a reload loses it.

/** Draft is a text that is being written; begun is what it began from, so that what changed meanwhile is seen. */
export interface Draft {
  text: string;
  begun?: string;
  version?: string;
}

const key = (of: string) => `cyan.draft.${of}`;
type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;
const store = (): Store => sessionStorage;

export function keep(of: string, draft: Draft, to: () => Store = store) {
  try {
    to().setItem(key(of), JSON.stringify(draft));
  } catch {
    // A browser that keeps nothing, or no more, has the draft in the page alone.
  }
}

export function kept(of: string, from: () => Store = store): Draft | undefined {
  try {
    const draft = JSON.parse(from().getItem(key(of)) ?? "null") as Draft | null;
    return draft && typeof draft.text === "string" ? draft : undefined;
  } catch {
    return undefined;
  }
}

export function forget(of: string, from: () => Store = store) {
  try {
    from().removeItem(key(of));
  } catch {
    // As above.
  }
}
