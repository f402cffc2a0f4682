package rollout

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// find reads a Rollout, or returns an error that names those that there are.
func find(ctx context.Context, e *kit.Env, c client.Client, name string) (*v1alpha1.Rollout, error) {
	namespace, err := e.Kube.Namespace()
	if err != nil {
		return nil, err
	}
	ro := &v1alpha1.Rollout{}
	err = c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, ro)
	if apierrors.IsNotFound(err) && !kit.KindNotServed(err) {
		all := &v1alpha1.RolloutList{}
		if err := c.List(ctx, all); err != nil {
			// Other namespaces may be closed to this user.
			if err := c.List(ctx, all, client.InNamespace(namespace)); err != nil {
				return nil, e.Explain(err, "listing Rollouts")
			}
		}
		return nil, missingRollout(namespace, name, all.Items)
	}
	if err != nil {
		return nil, e.Explain(err, "reading Rollout "+name)
	}
	return ro, nil
}

func missingRollout(namespace, name string, all []v1alpha1.Rollout) error {
	var here, elsewhere []string
	for i := range all {
		switch {
		case all[i].Namespace == namespace:
			here = append(here, all[i].Name)
		case all[i].Name == name:
			elsewhere = append(elsewhere, all[i].Namespace)
		}
	}
	err := kit.Missing(v1alpha1.RolloutKind, namespace, name, here, "`kubectl get rollouts -A` lists those of other namespaces")
	if len(elsewhere) > 0 {
		err.Remedy = "there is one in namespace " + kit.Choices(elsewhere) + ": add --namespace"
	}
	return err
}

// completeRollouts completes the names of Rollouts, as many as most allows; 0 is no limit.
func completeRollouts(e *kit.Env, most int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		namespace, err := e.Kube.Namespace()
		if err != nil || most > 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		all := &v1alpha1.RolloutList{}
		return e.CompleteObjects(cmd, all, namespace, func() (names []string) {
			for i := range all.Items {
				ro := &all.Items[i]
				if !slices.Contains(args, ro.Name) {
					names = append(names, cobra.CompletionWithDesc(ro.Name, strings.TrimSpace(string(ro.Status.Phase)+" "+ro.Status.Message)))
				}
			}
			return names
		})
	}
}
