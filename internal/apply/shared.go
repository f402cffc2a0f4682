package apply

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/cyan-cd/cyan/internal/intern"
)

// sharing has the objects of answers hold once what they have in common with others: most are kept for as long as they
// are managed, and the fields that a manager owns are the same in thousands of them.
type sharing struct {
	dynamic.ResourceInterface
	values *intern.Values
}

func (s sharing) answer(object *unstructured.Unstructured, err error) (*unstructured.Unstructured, error) {
	if err == nil {
		s.values.Object(object)
	}
	return object, err
}

// Get implements dynamic.ResourceInterface.
func (s sharing) Get(ctx context.Context, name string, options metav1.GetOptions, subresources ...string) (*unstructured.Unstructured, error) {
	return s.answer(s.ResourceInterface.Get(ctx, name, options, subresources...))
}

// Create implements dynamic.ResourceInterface.
func (s sharing) Create(ctx context.Context, object *unstructured.Unstructured, options metav1.CreateOptions, subresources ...string) (*unstructured.Unstructured, error) {
	return s.answer(s.ResourceInterface.Create(ctx, object, options, subresources...))
}

// Update implements dynamic.ResourceInterface.
func (s sharing) Update(ctx context.Context, object *unstructured.Unstructured, options metav1.UpdateOptions, subresources ...string) (*unstructured.Unstructured, error) {
	return s.answer(s.ResourceInterface.Update(ctx, object, options, subresources...))
}

// Patch implements dynamic.ResourceInterface.
func (s sharing) Patch(ctx context.Context, name string, kind types.PatchType, data []byte, options metav1.PatchOptions, subresources ...string) (*unstructured.Unstructured, error) {
	return s.answer(s.ResourceInterface.Patch(ctx, name, kind, data, options, subresources...))
}
