package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/rollout/strategy"
)

// rollouts is what the commands about Rollouts share.
type rollouts struct{ *env }

func newRolloutCommand(e *env) *cobra.Command {
	r := &rollouts{e}
	cmd := &cobra.Command{
		Use:     "rollout",
		Aliases: []string{"rollouts", "ro"},
		Short:   "Rollouts: how one version replaces another",
		Example: `  cyan rollout get shop --watch
  cyan rollout set-image shop shop=registry.example/shop:v2
  cyan rollout promote shop`,
	}
	e.kube.bindNamespace(cmd)
	r.completeNamespaces(cmd)
	cmd.AddGroup(&cobra.Group{ID: "see", Title: "See:"}, &cobra.Group{ID: "do", Title: "Do:"})
	cmd.AddCommand(
		inGroup("see", newRolloutGet(r, "get NAME")), inGroup("see", newRolloutList(r, "list")), inGroup("see", newRolloutStatus(r)), inGroup("see", newRolloutLint(r)),
		inGroup("do", newRolloutPromote(r)), inGroup("do", newRolloutAbort(r)), inGroup("do", newRolloutRetry(r, "retry NAME…")), inGroup("do", newRolloutUndo(r)),
		inGroup("do", newRolloutPause(r)), inGroup("do", newRolloutRestart(r)), inGroup("do", newRolloutSetImage(r, "set-image NAME CONTAINER=IMAGE…")),
	)
	return cmd
}

// get reads a Rollout, or says which there are.
func (r *rollouts) get(ctx context.Context, c client.Client, name string) (*v1alpha1.Rollout, error) {
	namespace, err := r.kube.namespace()
	if err != nil {
		return nil, err
	}
	ro := &v1alpha1.Rollout{}
	err = c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, ro)
	if apierrors.IsNotFound(err) && !noSuchResource(err) {
		all := &v1alpha1.RolloutList{}
		if err := c.List(ctx, all); err != nil {
			// Other namespaces may be closed to this user.
			if err := c.List(ctx, all, client.InNamespace(namespace)); err != nil {
				return nil, r.explain(err, "listing Rollouts")
			}
		}
		return nil, missingRollout(namespace, name, all.Items)
	}
	if err != nil {
		return nil, r.explain(err, "reading Rollout "+name)
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
	err := missing(v1alpha1.RolloutKind, namespace, name, here, "`kubectl get rollouts -A` lists those of other namespaces")
	if t, ok := err.(*Trouble); ok && len(elsewhere) > 0 { //nolint:errorlint // missing makes it, unwrapped
		t.Remedy = "there is one in namespace " + choices(elsewhere) + ": add --namespace"
	}
	return err
}

// podHashed selects what carries a version's hash: ReplicaSets and pods of Rollouts.
func podHashed() labels.Selector {
	requirement, err := labels.NewRequirement(v1alpha1.PodHashLabel, selection.Exists, nil)
	if err != nil {
		panic(err) // The label is a constant.
	}
	return labels.NewSelector().Add(*requirement)
}

// look describes a Rollout as it is now.
func (r *rollouts) look(ctx context.Context, from client.Reader, ro *v1alpha1.Rollout) (rollout.View, error) {
	in := client.InNamespace(ro.Namespace)
	sets, pods, services := &appsv1.ReplicaSetList{}, &corev1.PodList{}, &corev1.ServiceList{}
	hashed := client.MatchingLabelsSelector{Selector: podHashed()}
	if err := from.List(ctx, sets, in, hashed); err != nil {
		return rollout.View{}, r.explain(err, "listing ReplicaSets")
	}
	if err := from.List(ctx, pods, in, hashed); err != nil {
		return rollout.View{}, r.explain(err, "listing pods")
	}
	if err := from.List(ctx, services, in); err != nil {
		return rollout.View{}, r.explain(err, "listing Services")
	}
	return strategy.Describe(ro, pointers(sets.Items), pointers(pods.Items), pointers(services.Items), time.Now()), nil
}

func pointers[T any](all []T) []*T {
	to := make([]*T, len(all))
	for i := range all {
		to[i] = &all[i]
	}
	return to
}

// completeRollouts completes the names of Rollouts, as many as most allows; 0 is no limit.
func (r *rollouts) completeRollouts(most int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		namespace, err := r.kube.namespace()
		if err != nil || most > 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		all := &v1alpha1.RolloutList{}
		return r.complete(cmd, all, client.InNamespace(namespace), func() (names []string) {
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

func (e *env) completeNamespaces(cmd *cobra.Command) {
	_ = cmd.RegisterFlagCompletionFunc("namespace", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		all := &corev1.NamespaceList{}
		return e.complete(cmd, all, client.InNamespace(""), func() (names []string) {
			for i := range all.Items {
				names = append(names, all.Items[i].Name)
			}
			return names
		})
	})
}
