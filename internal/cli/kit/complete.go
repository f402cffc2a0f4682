package kit

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// completionTimeout bounds how long a person who pressed Tab waits for the cluster.
const completionTimeout = 3 * time.Second

// Completion returns names from the cluster, and none when the cluster cannot be read.
func (e *Env) Completion(cmd *cobra.Command, names func(context.Context, client.Client) ([]string, error)) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(ContextOf(cmd), completionTimeout)
	defer cancel()
	c, err := e.Connect()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	found, err := names(ctx, c)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

// CompleteObjects lists objects for a completion; names takes their names out of the list.
func (e *Env) CompleteObjects(cmd *cobra.Command, list client.ObjectList, namespace string, names func() []string) ([]string, cobra.ShellCompDirective) {
	return e.Completion(cmd, func(ctx context.Context, c client.Client) ([]string, error) {
		err := c.List(ctx, list, client.InNamespace(namespace))
		return names(), err
	})
}

// CompleteNamespaces completes --namespace.
func (e *Env) CompleteNamespaces(cmd *cobra.Command) {
	_ = cmd.RegisterFlagCompletionFunc("namespace", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		all := &corev1.NamespaceList{}
		return e.CompleteObjects(cmd, all, "", func() (names []string) {
			for i := range all.Items {
				names = append(names, all.Items[i].Name)
			}
			return names
		})
	})
}

// CompleteContexts completes an argument that is a context of the kubeconfig.
func (e *Env) CompleteContexts(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	raw, err := e.Kube.Raw()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return slices.Sorted(maps.Keys(raw.Contexts)), cobra.ShellCompDirectiveNoFileComp
}
