package service

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// The names of the indexes: of Services by the Rollout that they are marked with, of EndpointSlices by their Service,
// of ReplicaSets and pods by their hash.
const (
	byManager = "manager"
	byService = "service"
	byHash    = "hash"
)

// Index is one that a cache has to have.
type Index struct {
	Of     client.Object
	Name   string
	Values client.IndexerFunc
}

// Indexes returns those of the cache of a [Router]: looking at a Rollout costs the same whatever else its namespace
// holds.
func Indexes() []Index {
	return []Index{
		{&corev1.Service{}, byManager, func(o client.Object) []string {
			return values(o.GetAnnotations()[v1alpha1.ManagedByRolloutsAnnotation])
		}},
		{&discoveryv1.EndpointSlice{}, byService, func(o client.Object) []string { return values(o.GetLabels()[discoveryv1.LabelServiceName]) }},
		{&appsv1.ReplicaSet{}, byHash, hashOf},
		{&corev1.Pod{}, byHash, hashOf},
	}
}

func hashOf(o client.Object) []string { return values(o.GetLabels()[v1alpha1.PodHashLabel]) }

// values are those of an index for one that may be missing.
func values(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}
