/** returnTo is where an address of the log-in asks to go on, below the base of the page; undefined where it asks for nothing, or for another place. */
export function returnTo(at: { pathname: string; search: string; origin: string }, base: URL): string | undefined {
  if (at.pathname !== new URL("login", base).pathname) return undefined;
  const asked = new URLSearchParams(at.search).get("return_url");
  if (!asked || !URL.canParse(asked, base.href)) return undefined;
  const url = new URL(asked, base.href);
  if (url.origin !== at.origin || !url.pathname.startsWith(base.pathname) || url.username || url.password) return undefined;
  return url.pathname + url.search + url.hash;
}
