// What can be said about an Application without asking anybody. The server is asked for the rest.

import { type Fields, isEmpty, type Path, textAt, type Value, valueAt } from "./document";
import { shape, type Shape } from "./shape";

export type Word = "required" | "name" | "namespace" | "duration" | "option" | "optionValue" | "unknown" | "type" | "both" | "chart" | "helm" | "plugin" | "path" | "url" | "apiVersion" | "kind";

/** Problem is what is wrong with a field: an error keeps the Application from being saved, a warning does not. */
export interface Problem {
  path: Path;
  severity: "error" | "warning";
  word: Word;
  values?: Record<string, string>;
}

const name = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const duration = /^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$/;

/** options are the sync options of an Application that are known, with the values they take. */
export const options: Record<string, readonly string[]> = {
  CreateNamespace: ["true", "false"],
  PruneLast: ["true", "false"],
  ApplyOutOfSyncOnly: ["true", "false"],
  ServerSideApply: ["true", "false"],
  Validate: ["true", "false"],
  Replace: ["true", "false"],
  Force: ["true", "false"],
  FailOnSharedResource: ["true", "false"],
  RespectIgnoreDifferences: ["true", "false"],
  SkipDryRunOnMissingResource: ["true", "false"],
  PrunePropagationPolicy: ["foreground", "background", "orphan"],
  Prune: ["true", "false", "confirm"],
  Delete: ["true", "false", "confirm"],
  ClientSideApplyMigration: ["true", "false"],
};

/** sourcePaths returns the place of each source. */
export const sourcePaths = (app: Fields): Path[] => {
  const several = valueAt(app, ["spec", "sources"]);
  return Array.isArray(several) && several.length > 0 ? several.map((_, i) => ["spec", "sources", i]) : [["spec", "source"]];
};

/** check returns what is wrong with an Application, errors first. */
export function check(app: Fields): Problem[] {
  const found: Problem[] = [];
  const add = (path: Path, word: Word, values?: Record<string, string>, severity: Problem["severity"] = "error") => found.push({ path, severity, word, values });
  const required = (path: Path) => isEmpty(valueAt(app, path)) && add(path, "required");
  if (textAt(app, ["kind"]) !== "Application") add(["kind"], "kind");
  if (textAt(app, ["apiVersion"]) !== "argoproj.io/v1alpha1") add(["apiVersion"], "apiVersion");
  checkNames(app, add, required);
  for (const source of sourcePaths(app)) checkSource(app, source, add);
  checkDestination(app, add);
  checkPolicy(app, add);
  walk(app, shape, [], add);
  return [...found.filter((p) => p.severity === "error"), ...found.filter((p) => p.severity === "warning")];
}

type Add = (path: Path, word: Word, values?: Record<string, string>, severity?: Problem["severity"]) => void;

function checkNames(app: Fields, add: Add, required: (path: Path) => unknown) {
  required(["metadata", "name"]);
  required(["spec", "project"]);
  const named = textAt(app, ["metadata", "name"]);
  if (named !== "" && (!name.test(named) || named.length > 253)) add(["metadata", "name"], "name");
  const namespace = textAt(app, ["metadata", "namespace"]);
  if (namespace !== "" && (!label.test(namespace) || namespace.length > 63)) add(["metadata", "namespace"], "namespace");
}

function checkSource(app: Fields, source: Path, add: Add) {
  const at = (field: string) => textAt(app, [...source, field]);
  if (at("repoURL") === "") add([...source, "repoURL"], "required");
  else if (!/^([a-z+]+:\/\/|[^\s/]+@?[^\s/]*:|\/)\S+$/i.test(at("repoURL"))) add([...source, "repoURL"], "url");
  if (at("chart") !== "") return add([...source, "chart"], "chart");
  if (!isEmpty(valueAt(app, [...source, "helm"]))) add([...source, "helm"], "helm");
  if (!isEmpty(valueAt(app, [...source, "plugin"]))) add([...source, "plugin"], "plugin");
  if (at("path") === "" && at("ref") === "") return add([...source, "path"], "required");
  if (at("path").startsWith("/") || at("path").split("/").includes("..")) add([...source, "path"], "path");
}

function checkDestination(app: Fields, add: Add) {
  const destination: Path = ["spec", "destination"];
  const server = textAt(app, [...destination, "server"]);
  const named = textAt(app, [...destination, "name"]);
  if (server !== "" && named !== "") add([...destination, "name"], "both");
  if (server === "" && named === "") add([...destination, "server"], "required");
  const namespace = textAt(app, [...destination, "namespace"]);
  if (namespace !== "" && (!label.test(namespace) || namespace.length > 63)) add([...destination, "namespace"], "namespace");
}

function checkPolicy(app: Fields, add: Add) {
  const policy: Path = ["spec", "syncPolicy"];
  const all = valueAt(app, [...policy, "syncOptions"]);
  if (Array.isArray(all)) {
    all.forEach((option, i) => {
      const [key = "", value = ""] = String(option).split("=");
      const values = Object.hasOwn(options, key) ? options[key] : undefined;
      if (!values) add([...policy, "syncOptions", i], "option", { option: String(option) }, "warning");
      else if (!values.includes(value)) add([...policy, "syncOptions", i], "optionValue", { option: key, values: values.join(", ") });
    });
  }
  for (const field of ["duration", "maxDuration"]) {
    const value = textAt(app, [...policy, "retry", "backoff", field]);
    if (value !== "" && !duration.test(value)) add([...policy, "retry", "backoff", field], "duration");
  }
}

/** walk names fields that an Application does not have, and values of another type than theirs. */
function walk(value: Value, of: Shape, path: Path, add: Add) {
  if (value === null || of === "any") return;
  if (typeof of === "string") {
    const fits = of === "string" ? typeof value === "string" : of === "number" ? typeof value === "number" : of === "boolean" ? typeof value === "boolean" : typeof value === "string" || typeof value === "number";
    if (!fits) add(path, "type", { type: of });
    return;
  }
  if ("list" in of) {
    if (!Array.isArray(value)) add(path, "type", { type: "list" });
    else value.forEach((one, i) => walk(one, of.list, [...path, i], add));
    return;
  }
  if (typeof value !== "object" || Array.isArray(value)) return add(path, "type", { type: "mapping" });
  for (const [key, one] of Object.entries(value)) {
    if ("map" in of) walk(one, of.map, [...path, key], add);
    else if (!Object.hasOwn(of.fields, key)) add([...path, key], "unknown", { field: key });
    else walk(one, of.fields[key]!, [...path, key], add);
  }
}
