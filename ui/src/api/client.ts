// One way to ask the server something: relative to where the page is served, JSON only, errors in the server's own words.

import { heardTime } from "./clock";
import { Refusal } from "./refusal";

export { Refusal };

/** base is where the page is served, with any prefix of a proxy. */
export const base = new URL(document.baseURI);

type Query = Record<string, string | number | boolean | readonly string[] | undefined>;

export function address(path: string, query: Query = {}): URL {
  const url = new URL(path.replace(/^\//, ""), base);
  for (const [name, value] of Object.entries(query)) {
    if (Array.isArray(value)) for (const one of value) url.searchParams.append(name, String(one));
    else if (value !== undefined && value !== "" && value !== false) url.searchParams.set(name, String(value));
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

async function open(method: string, path: string, query: Query, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(address(path, query), { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal, credentials: "same-origin" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refusal(0, "");
  }
  heardTime(Date.parse(response.headers.get("Date") ?? ""), 30_000);
  if (response.status === 401 && !path.endsWith("/session")) ended.forEach((listener) => listener());
  if (response.ok) return response;
  const told = parsed(await response.text()) as { error?: string; message?: string } | undefined;
  throw new Refusal(response.status, told?.error ?? told?.message ?? `${response.status} ${response.statusText}`);
}

function parsed(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

const ask = async <T>(method: string, path: string, query: Query, body?: unknown, signal?: AbortSignal) => parsed(await (await open(method, path, query, body, signal)).text()) as T;

/** pieces yields what a call that goes on answers, piece by piece; first an empty one, as soon as the call is answered. */
export async function* pieces(path: string, query: Query, signal: AbortSignal): AsyncGenerator<string> {
  const response = await open("GET", path, query, undefined, signal);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  yield "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

/** getPlaced gets what a stream of changes goes on from, with the place in the stream. */
export async function getPlaced<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T & { stream: string }> {
  const response = await open("GET", path, query, undefined, signal);
  return { ...(parsed(await response.text()) as T), stream: response.headers.get("Stream-Position") ?? "" };
}

export const get = <T>(path: string, query = {}, signal?: AbortSignal) => ask<T>("GET", path, query, undefined, signal);
export const post = <T>(path: string, body: unknown = {}, query = {}) => ask<T>("POST", path, query, body);
export const put = <T>(path: string, body: unknown = {}, query = {}) => ask<T>("PUT", path, query, body);
export const patch = <T>(path: string, body: unknown = {}, query = {}) => ask<T>("PATCH", path, query, body);
export const del = <T>(path: string, query = {}) => ask<T>("DELETE", path, query);
