// Package validate checks rendered objects by the API server's own rules, without an API server: defaults,
// conversions and validation of the built-in kinds, and the schemas and expressions of custom ones. It is the only
// package that imports k8s.io/kubernetes.
package validate

import "k8s.io/apimachinery/pkg/runtime/schema"

var crdKind = schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}
