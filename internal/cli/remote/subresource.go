package remote

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// subresource is one that is not served.
type subresource struct {
	of   frame
	name string
}

func (s subresource) refused() error { return s.of.notServed("subresource " + s.name) }

// Get is not served.
func (s subresource) Get(context.Context, client.Object, client.Object, ...client.SubResourceGetOption) error {
	return s.refused()
}

// Create is not served.
func (s subresource) Create(context.Context, client.Object, client.Object, ...client.SubResourceCreateOption) error {
	return s.refused()
}

// Update is not served.
func (s subresource) Update(context.Context, client.Object, ...client.SubResourceUpdateOption) error {
	return s.refused()
}

// Patch is not served.
func (s subresource) Patch(context.Context, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
	return s.refused()
}

// Apply is not served.
func (s subresource) Apply(context.Context, runtime.ApplyConfiguration, ...client.SubResourceApplyOption) error {
	return s.refused()
}
