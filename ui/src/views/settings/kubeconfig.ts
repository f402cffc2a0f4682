// What a kubeconfig that somebody pastes says of a cluster. It is read here and not sent: only what the form shows is.

import { parse } from "yaml";
import type { ClusterFields } from "./cluster";

/** most is how long a kubeconfig may be. */
const most = 1 << 20;

/** Gap is what of a kubeconfig cannot be taken over. */
export type Gap = "file" | "program" | "password" | "proxy" | "nothing";

export interface Kubeconfig {
  contexts: string[];
  /** current is the context that is taken where none is chosen. */
  current: string;
}

type Mapping = Record<string, unknown>;

const mapping = (value: unknown): Mapping => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Mapping) : {});
const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** named returns what a list has under a name. */
function named(list: unknown, name: string, field: string): Mapping {
  return mapping(mapping(Array.isArray(list) ? list.find((one) => mapping(one)["name"] === name) : undefined)[field]);
}

/** decoded returns the text of base64; empty where it is none. */
function decoded(data: unknown): string {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(text(data).replace(/\s/g, "")), (c) => c.charCodeAt(0))).trim();
  } catch {
    return "";
  }
}

function read(source: string): Mapping | undefined {
  if (source.length > most) return undefined;
  try {
    const whole = mapping(parse(source));
    return Array.isArray(whole["clusters"]) && Array.isArray(whole["contexts"]) ? whole : undefined;
  } catch {
    return undefined;
  }
}

/** contextsOf returns the contexts of a kubeconfig; undefined where a text is none. */
export function contextsOf(source: string): Kubeconfig | undefined {
  const whole = read(source);
  if (!whole) return undefined;
  const contexts = (whole["contexts"] as unknown[]).map((one) => text(mapping(one)["name"])).filter(Boolean);
  if (contexts.length === 0) return undefined;
  const current = text(whole["current-context"]);
  return { contexts, current: contexts.includes(current) ? current : contexts[0]! };
}

const set = (value: unknown) => value !== undefined && value !== null && value !== "";

/** gapsOf returns what of a cluster and its user the form has no place for. */
function gapsOf(cluster: Mapping, user: Mapping, opens: boolean): Gap[] {
  const files = set(cluster["certificate-authority"]) || ["client-certificate", "client-key", "tokenFile"].some((key) => set(user[key]));
  const gaps: [Gap, boolean][] = [
    ["file", files],
    ["program", set(user["exec"]) || set(user["auth-provider"])],
    ["password", set(user["username"]) || set(user["password"])],
    ["proxy", set(cluster["proxy-url"])],
  ];
  const found = gaps.filter(([, has]) => has).map(([gap]) => gap);
  return found.length === 0 && !opens ? ["nothing"] : found;
}

/** filledFrom returns the fields that a context of a kubeconfig fills, and what of it cannot be taken over. */
export function filledFrom(source: string, context: string): { fields: Partial<ClusterFields>; gaps: Gap[] } {
  const whole = read(source) ?? {};
  const of = named(whole["contexts"], context, "context");
  const cluster = named(whole["clusters"], text(of["cluster"]), "cluster");
  const user = named(whole["users"], text(of["user"]), "user");
  const [token, cert, key] = [text(user["token"]), decoded(user["client-certificate-data"]), decoded(user["client-key-data"])];
  const byCertificate = token === "" && cert !== "" && key !== "";
  const fields: Partial<ClusterFields> = {
    server: text(cluster["server"]), name: text(of["cluster"]), by: byCertificate ? "certificate" : "token",
    token, cert: byCertificate ? cert : "", key: byCertificate ? key : "",
    ca: decoded(cluster["certificate-authority-data"]), insecure: cluster["insecure-skip-tls-verify"] === true, serverName: text(cluster["tls-server-name"]),
  };
  return { fields, gaps: gapsOf(cluster, user, token !== "" || byCertificate) };
}
