package testkit

import (
	"testing"

	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Edit changes an object that controllers write as well: it is read and changed anew where one of them was faster.
func Edit[T client.Object](t testing.TB, c client.Client, object T, change func(T)) {
	t.Helper()
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		change(object)
		return c.Update(t.Context(), object)
	})
	if err != nil {
		t.Fatalf("editing %T %s: %v", object, client.ObjectKeyFromObject(object), err)
	}
}
