// One way to ask the server something: relative to where the page is served, JSON only, errors in the server's own words.

export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** base is where the page is served, with any prefix of a proxy. */
export const base = new URL(document.baseURI);

export function address(path: string, query: Record<string, string | number | boolean | undefined> = {}): URL {
  const url = new URL(path.replace(/^\//, ""), base);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "" && value !== false) url.searchParams.set(name, String(value));
  }
  return url;
}

type Listener = () => void;
const ended = new Set<Listener>();

/** onSessionEnd calls a listener when the server no longer knows who asks. */
export function onSessionEnd(listener: Listener): () => void {
  ended.add(listener);
  return () => ended.delete(listener);
}

async function ask<T>(method: string, path: string, query: Record<string, string | number | boolean | undefined>, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(address(path, query), { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal, credentials: "same-origin" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refusal(0, "");
  }
  if (response.status === 401 && !path.endsWith("/session")) ended.forEach((listener) => listener());
  const text = await response.text();
  let answer: unknown;
  try {
    answer = text === "" ? undefined : JSON.parse(text);
  } catch {
    answer = undefined;
  }
  if (!response.ok) {
    const told = answer as { error?: string; message?: string } | undefined;
    throw new Refusal(response.status, told?.error ?? told?.message ?? `${response.status} ${response.statusText}`);
  }
  return answer as T;
}

export const get = <T>(path: string, query = {}, signal?: AbortSignal) => ask<T>("GET", path, query, undefined, signal);
export const post = <T>(path: string, body: unknown = {}, query = {}) => ask<T>("POST", path, query, body);
export const put = <T>(path: string, body: unknown = {}, query = {}) => ask<T>("PUT", path, query, body);
export const patch = <T>(path: string, body: unknown = {}, query = {}) => ask<T>("PATCH", path, query, body);
export const del = <T>(path: string, query = {}) => ask<T>("DELETE", path, query);
