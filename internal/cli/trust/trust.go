// Package trust is about whom an installation trusts: the keys by which commits are signed, and the hosts of git.
package trust

import (
	"context"
	"maps"
	"slices"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// read returns the entries of a ConfigMap; none when it is missing.
func read(ctx context.Context, a *kit.Control, name string) (map[string]string, error) {
	c, err := a.Connect()
	if err != nil {
		return nil, err
	}
	found := &corev1.ConfigMap{}
	if err := c.Get(ctx, client.ObjectKey{Namespace: a.Namespace, Name: name}, found); client.IgnoreNotFound(err) != nil {
		return nil, a.Explain(err, "reading ConfigMap "+name)
	}
	return found.Data, nil
}

// change has the entries of a ConfigMap changed, which is made when it is missing.
func change(ctx context.Context, a *kit.Control, name string, entries func(map[string]string) error) error {
	c, err := a.Connect()
	if err != nil {
		return err
	}
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		found := &corev1.ConfigMap{}
		err := c.Get(ctx, client.ObjectKey{Namespace: a.Namespace, Name: name}, found)
		missing := apierrors.IsNotFound(err)
		if err != nil && !missing {
			return a.Explain(err, "reading ConfigMap "+name)
		}
		if found.Data == nil {
			found.Data = map[string]string{}
		}
		if err := entries(found.Data); err != nil {
			return err
		}
		if missing {
			// Existing tools find their ConfigMaps by this label.
			found.ObjectMeta = metav1.ObjectMeta{Namespace: a.Namespace, Name: name, Labels: map[string]string{"app.kubernetes.io/part-of": "argocd"}}
			return c.Create(ctx, found)
		}
		return c.Update(ctx, found)
	})
	return a.Explain(err, "writing ConfigMap "+name)
}

// names are those of a ConfigMap's entries.
func names(entries map[string]string) []string { return slices.Sorted(maps.Keys(entries)) }

// completeEntries completes what a ConfigMap has.
func completeEntries(a *kit.Control, name string, of func(map[string]string) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.Completion(cmd, func(ctx context.Context, c client.Client) ([]string, error) {
			found := &corev1.ConfigMap{}
			err := c.Get(ctx, client.ObjectKey{Namespace: a.Namespace, Name: name}, found)
			return of(found.Data), client.IgnoreNotFound(err)
		})
	}
}
