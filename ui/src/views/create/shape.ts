// The fields of an Application that people write, with their types.

export type Shape = "string" | "number" | "boolean" | "scalar" | "any" | { list: Shape } | { map: Shape } | { fields: Record<string, Shape> };

const texts: Shape = { list: "string" };
const pairs: Shape = { map: "string" };
const selector: Shape = { fields: { group: "string", version: "string", kind: "string", name: "string", namespace: "string", annotationSelector: "string", labelSelector: "string" } };

const source: Shape = {
  fields: {
    repoURL: "string", path: "string", targetRevision: "scalar", chart: "string", ref: "string", name: "string", helm: "any", plugin: "any",
    directory: { fields: { recurse: "boolean", include: "string", exclude: "string", jsonnet: "any" } },
    kustomize: {
      fields: {
        namePrefix: "string", nameSuffix: "string", images: texts, commonLabels: pairs, commonAnnotations: pairs, forceCommonLabels: "boolean", forceCommonAnnotations: "boolean", commonAnnotationsEnvsubst: "boolean",
        namespace: "string", replicas: { list: { fields: { name: "string", count: "scalar" } } }, patches: { list: { fields: { path: "string", patch: "string", target: selector, options: { map: "boolean" } } } },
        components: texts, ignoreMissingComponents: "boolean", labelWithoutSelector: "boolean", labelIncludeTemplates: "boolean", version: "string", kubeVersion: "string", apiVersions: texts,
      },
    },
  },
};

export const shape: Shape = {
  fields: {
    apiVersion: "string", kind: "string", operation: "any", status: "any",
    metadata: { fields: { name: "string", namespace: "string", labels: pairs, annotations: pairs, finalizers: texts, ownerReferences: "any", generateName: "string", uid: "any", resourceVersion: "any", generation: "any", creationTimestamp: "any", managedFields: "any", deletionTimestamp: "any", deletionGracePeriodSeconds: "any" } },
    spec: {
      fields: {
        project: "string", source, sources: { list: source }, destination: { fields: { server: "string", name: "string", namespace: "string" } },
        syncPolicy: {
          fields: {
            automated: { fields: { enabled: "boolean", prune: "boolean", selfHeal: "boolean", allowEmpty: "boolean" } }, syncOptions: texts,
            retry: { fields: { limit: "number", refresh: "boolean", backoff: { fields: { duration: "string", factor: "number", maxDuration: "string" } } } },
            managedNamespaceMetadata: { fields: { labels: pairs, annotations: pairs } },
          },
        },
        ignoreDifferences: { list: { fields: { group: "string", kind: "string", name: "string", namespace: "string", jsonPointers: texts, jqPathExpressions: texts, managedFieldsManagers: texts } } },
        info: { list: { fields: { name: "string", value: "string" } } }, revisionHistoryLimit: "number",
      },
    },
  },
};
