package apply

import (
	"context"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/cyan-cd/cyan/internal/problem"
)

const (
	// listPage is the number of objects that one request asks for.
	listPage = 500
	// listsAtOnce bounds the lists of one namespace.
	listsAtOnce = 8
)

// IsMeasured reports whether the objects of a group are measurements of others, which an API of its own makes up for
// who asks: nothing is lost with them, and where they cannot be measured it answers with an error.
func IsMeasured(group string) bool {
	return group == "metrics.k8s.io" || strings.HasSuffix(group, ".metrics.k8s.io")
}

// Occupants returns all objects that live in a namespace, or in any, of the kinds that are given, each kind in the
// version that the cluster prefers. Kinds that the cluster does not list are left out, and so are measurements.
func (c *Client) Occupants(ctx context.Context, namespace string, kinds []schema.GroupKind) ([]*unstructured.Unstructured, error) {
	var mu sync.Mutex
	var all []*unstructured.Unstructured
	lists, ctx := errgroup.WithContext(ctx)
	lists.SetLimit(listsAtOnce)
	for _, kind := range kinds {
		if IsMeasured(kind.Group) {
			continue
		}
		lists.Go(problem.Guard(func() error {
			found, err := c.list(ctx, namespace, kind)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, found...)
			return err
		}))
	}
	if err := lists.Wait(); err != nil {
		return nil, err
	}
	return all, nil
}

// listed is what the objects of a kind are listed by: those of a namespace, or of all of them.
func listed(c *Client, ref Ref) (dynamic.ResourceInterface, error) {
	if where, _, ok := c.kinds.Resource(ref.Kind); ok && ref.Namespace == metav1.NamespaceAll && c.limit == nil {
		return c.dynamic.Resource(where), nil
	}
	return c.resource(ref)
}

func (c *Client) list(ctx context.Context, namespace string, kind schema.GroupKind) ([]*unstructured.Unstructured, error) {
	versions := c.kinds.Served(kind)
	if len(versions) == 0 {
		return nil, nil
	}
	ref := Ref{Kind: kind.WithVersion(versions[0]), Namespace: namespace}
	resource, err := listed(c, ref)
	if err != nil {
		return nil, err
	}
	var all []*unstructured.Unstructured
	options := metav1.ListOptions{Limit: listPage}
	for {
		page, err := resource.List(ctx, options)
		switch {
		case apierrors.IsMethodNotSupported(err), apierrors.IsNotFound(err):
			return nil, nil
		case err != nil:
			return nil, explain(ref, err)
		}
		all = slices.Grow(all, len(page.Items))
		for i := range page.Items {
			all = append(all, &page.Items[i])
		}
		if options.Continue = page.GetContinue(); options.Continue == "" {
			return all, nil
		}
	}
}
