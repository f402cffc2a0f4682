// What the form of an Application and the settings ask for: Argo CD's paths, and the page's own.

import { queryOptions } from "@tanstack/react-query";
import { get } from "./client";
import type { Finding, Named } from "./types";

type List<T> = { items?: T[] | null };
const listOf = <T>(answer: List<T> | undefined): T[] => answer?.items ?? [];

export interface ConnectionState {
  status?: "Successful" | "Failed" | "Unknown";
  message?: string;
  attemptedAt?: string;
}

export interface Repository {
  repo: string;
  type?: string;
  name?: string;
  project?: string;
  username?: string;
  inheritedCreds?: boolean;
  insecure?: boolean;
  connectionState?: ConnectionState;
}

export interface ClusterInfo {
  server: string;
  name: string;
  namespaces?: string[] | null;
  project?: string;
  info?: { connectionState?: ConnectionState; serverVersion?: string; applicationsCount?: number };
}

export interface KindPattern {
  group: string;
  kind: string;
  name?: string;
}

export interface SyncWindow {
  kind?: string;
  schedule?: string;
  duration?: string;
  applications?: string[];
  namespaces?: string[];
  clusters?: string[];
  manualSync?: boolean;
  timeZone?: string;
  andOperator?: boolean;
  description?: string;
}

export interface ProjectRole {
  name: string;
  description?: string;
  policies?: string[];
  groups?: string[];
  jwtTokens?: { iat: number; exp?: number; id?: string }[];
}

export interface Project {
  metadata: { name: string; namespace?: string; resourceVersion?: string };
  spec: {
    description?: string;
    sourceRepos?: string[];
    destinations?: { server?: string; name?: string; namespace?: string }[];
    clusterResourceWhitelist?: KindPattern[];
    clusterResourceBlacklist?: KindPattern[];
    namespaceResourceWhitelist?: KindPattern[];
    namespaceResourceBlacklist?: KindPattern[];
    sourceNamespaces?: string[];
    syncWindows?: SyncWindow[];
    roles?: ProjectRole[];
  };
  status?: { jwtTokensByRole?: Record<string, { items?: { iat: number; exp?: number; id?: string }[] }> };
}

export interface Account {
  name: string;
  enabled: boolean;
  capabilities?: string[] | null;
  tokens?: { id: string; issuedAt?: number; expiresAt?: number }[] | null;
}

export interface ServerSettings {
  url?: string;
  controllerNamespace?: string;
  passwordPattern?: string;
}

export interface Preview {
  objects: (Named & { yaml: string })[];
  findings: Finding[];
  hidden?: number;
}

export interface RepositoryTree {
  branches: string[];
  tags: string[];
  folders: { path: string; type: string }[];
}

/** SettingsView is what of the installation's ConfigMaps is in force, and what is not. */
export interface SettingsView {
  maps: { name: string; found: boolean; keys: { key: string; value?: string; state: "inForce" | "notServed" | "unknown"; meaning: string }[] }[];
  doctor?: { name: string; state: "ok" | "warning" | "failed"; message: string; remedy?: string }[];
  version: string;
  kubernetes?: string;
  home: string;
}

/** RightsView explains what one subject may do: each resource and action, and the line of the policy that decides. */
export interface RightsView {
  subject: string;
  roles: string[];
  rows: { resource: string; action: string; object: string; effect: "allow" | "deny" | "none"; by?: string; from?: string; as?: string }[];
  findings: Finding[];
}

const at = (path: string) => `api/v1/${path}`;
export const one = (name: string) => encodeURIComponent(name);

export const repositoriesQuery = queryOptions({ queryKey: ["repositories"], queryFn: async ({ signal }) => listOf(await get<List<Repository>>(at("repositories"), {}, signal)) });
export const clustersQuery = queryOptions({ queryKey: ["clusters"], queryFn: async ({ signal }) => listOf(await get<List<ClusterInfo>>(at("clusters"), {}, signal)) });
export const projectsQuery = queryOptions({ queryKey: ["projects"], queryFn: async ({ signal }) => listOf(await get<List<Project>>(at("projects"), {}, signal)) });
export const accountsQuery = queryOptions({ queryKey: ["accounts"], queryFn: async ({ signal }) => listOf(await get<List<Account>>(at("account"), {}, signal)) });
export const serverSettingsQuery = queryOptions({ queryKey: ["settings"], queryFn: ({ signal }) => get<ServerSettings>(at("settings"), {}, signal), staleTime: 300_000 });
export const settingsViewQuery = queryOptions({ queryKey: ["settings", "view"], queryFn: ({ signal }) => get<SettingsView>(at("view/settings"), {}, signal) });
export const rightsQuery = (subject: string) => queryOptions({ queryKey: ["rights", subject], queryFn: ({ signal }) => get<RightsView>(at("view/rights"), { subject }, signal), enabled: subject !== "" });
export const treeQuery = (repo: string, revision: string, project = "") => queryOptions({ queryKey: ["tree", repo, revision, project], queryFn: ({ signal }) => get<RepositoryTree>(at("view/repositories/tree"), { repo, revision, project }, signal), enabled: repo !== "", staleTime: 60_000, retry: false });
