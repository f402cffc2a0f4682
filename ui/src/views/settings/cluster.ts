// What is sent of a cluster that somebody has filled a form with.

import type { ClusterInfo } from "../../api/settings";

export interface ClusterFields {
  server: string;
  name: string;
  project: string;
  /** namespaces are divided by commas or spaces; none are all. */
  namespaces: string;
  /** by is how the cluster is opened: only what belongs to it is sent. */
  by: "token" | "certificate";
  token: string;
  /** cert, key and ca are PEM. */
  cert: string;
  key: string;
  ca: string;
  /** serverName is that in the cluster's certificate, where it is another than in the address. */
  serverName: string;
  insecure: boolean;
}

export const emptyCluster: ClusterFields = { server: "", name: "", project: "", namespaces: "", by: "token", token: "", cert: "", key: "", ca: "", serverName: "", insecure: false };

/** fieldsOf returns the form of a cluster that is there; how it is opened is never shown again. */
export const fieldsOf = (c: ClusterInfo): ClusterFields => ({ ...emptyCluster, server: c.server, name: c.name, project: c.project ?? "", namespaces: (c.namespaces ?? []).join(", ") });

const base64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
const wordsOf = (text: string) => text.split(/[\s,]+/).filter(Boolean);

const pem = (text: string) => base64(`${text.trim()}\n`);

/** configOf returns how a cluster is reached. Whose certificate is not checked has no use for an authority. */
function configOf(f: ClusterFields) {
  const authority = f.insecure || f.ca.trim() === "" ? {} : { caData: pem(f.ca) };
  const name = f.serverName.trim() === "" ? {} : { serverName: f.serverName.trim() };
  if (f.by === "certificate") return { tlsClientConfig: { insecure: f.insecure, ...name, ...authority, certData: pem(f.cert), keyData: pem(f.key) } };
  return { bearerToken: f.token.trim(), tlsClientConfig: { insecure: f.insecure, ...name, ...authority } };
}

/** opens reports whether there is what a cluster is opened with. */
const opens = (f: ClusterFields) => (f.by === "token" ? f.token.trim() !== "" : f.cert.trim() !== "" && f.key.trim() !== "");

/** created returns a cluster that is to be registered. */
export function created(f: ClusterFields) {
  const server = f.server.trim();
  return { server, name: f.name.trim() || server, namespaces: wordsOf(f.namespaces), ...(f.project.trim() && { project: f.project.trim() }), config: configOf(f) };
}

/** changed returns what a cluster is changed to, and the fields that are meant: without what opens it, it is opened as before. */
export function changed(f: ClusterFields): { body: Record<string, unknown>; updatedFields: string[] } {
  const body = { name: f.name.trim() || f.server, namespaces: wordsOf(f.namespaces), project: f.project.trim() };
  const updatedFields = ["name", "namespaces", "project"];
  if (!opens(f)) return { body, updatedFields };
  return { body: { ...body, config: configOf(f) }, updatedFields: [...updatedFields, "config"] };
}

/** readyToCreate reports whether there is enough to ask a cluster with. */
export const readyToCreate = (f: ClusterFields) => /^https?:\/\/\S+$/.test(f.server.trim()) && opens(f);

/** readyToChange reports whether nothing is given by halves. */
export const readyToChange = (f: ClusterFields) => f.by === "token" || (f.cert.trim() === "") === (f.key.trim() === "");

/** isHome reports whether a cluster is the one that the server runs in, of which nothing is kept. */
export const isHome = (c: ClusterInfo) => c.server === "https://kubernetes.default.svc" && c.name === "in-cluster";
