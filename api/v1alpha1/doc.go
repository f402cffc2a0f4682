// Package v1alpha1 holds the kinds that Cyan serves in argoproj.io/v1alpha1: Application, AppProject and Rollout.
//
// The field names are those that existing manifests and tools use; the types are Cyan's own and depend on
// apimachinery alone.
//
// +kubebuilder:object:generate=true
// +groupName=argoproj.io
package v1alpha1
