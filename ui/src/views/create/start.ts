// What a new Application begins as.

import { type Fields, isEmpty, type Value, yamlOf } from "./document";

/** blank is an Application with the fields that everybody fills in. */
export const blank = (namespace: string): Fields => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Application",
  metadata: { name: "", namespace },
  spec: { project: "default", source: { repoURL: "", path: "", targetRevision: "HEAD" }, destination: { server: "https://kubernetes.default.svc", namespace: "" } },
});

/** own are the fields of a stored Application that the cluster or its controller writes. */
const own = ["status", "operation"];
const ownMetadata = ["uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields", "selfLink"];

/** written returns an Application without what is not people's to write. */
export function written(application: Fields): Fields {
  const metadata = Object.fromEntries(Object.entries((application["metadata"] ?? {}) as Fields).filter(([k]) => !ownMetadata.includes(k)));
  return { apiVersion: "argoproj.io/v1alpha1", kind: "Application", ...Object.fromEntries(Object.entries(application).filter(([k]) => !own.includes(k))), metadata };
}

/** merged lays one value over another, mapping by mapping. */
function merged(under: Value | undefined, over: Value): Value {
  if (over === null || typeof over !== "object" || Array.isArray(over) || under === null || typeof under !== "object" || Array.isArray(under)) return over;
  const both: Fields = { ...under };
  for (const [key, value] of Object.entries(over)) if (key !== "__proto__") both[key] = merged(Object.hasOwn(under, key) ? under[key] : undefined, value);
  return both;
}

/** fromLink returns the text of the Application that a link describes (?new={"metadata":…,"spec":…}); what is not an object is not taken. */
export function fromLink(json: string | undefined, namespace: string): string {
  let given: Value = {};
  try {
    given = JSON.parse(json ?? "{}") as Value;
  } catch {
    // A link that cannot be read is as good as none: the form is empty.
  }
  if (given === null || typeof given !== "object" || Array.isArray(given)) given = {};
  const app = merged(blank(namespace), written(given)) as Fields;
  const spec = app["spec"] as Fields;
  if (spec && typeof spec === "object") {
    if (!isEmpty(spec["sources"])) delete spec["source"];
    const destination = spec["destination"] as Fields;
    const name = ((given["spec"] as Fields)?.["destination"] as Fields)?.["name"];
    if (destination && !isEmpty(name) && isEmpty(((given["spec"] as Fields)["destination"] as Fields)["server"])) delete destination["server"];
  }
  return yamlOf(app);
}
