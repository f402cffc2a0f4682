package rollout

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/rollout/strategy"
)

// podHashed selects what carries a version's hash: ReplicaSets and pods of Rollouts.
func podHashed() labels.Selector {
	requirement, err := labels.NewRequirement(v1alpha1.PodHashLabel, selection.Exists, nil)
	if err != nil {
		panic(err) // The label is a constant.
	}
	return labels.NewSelector().Add(*requirement)
}

// view describes a Rollout as it is now.
func view(ctx context.Context, e *kit.Env, from client.Reader, ro *v1alpha1.Rollout) (rollout.View, error) {
	in := client.InNamespace(ro.Namespace)
	sets, pods, services := &appsv1.ReplicaSetList{}, &corev1.PodList{}, &corev1.ServiceList{}
	hashed := client.MatchingLabelsSelector{Selector: podHashed()}
	if err := from.List(ctx, sets, in, hashed); err != nil {
		return rollout.View{}, e.Explain(err, "listing ReplicaSets")
	}
	if err := from.List(ctx, pods, in, hashed); err != nil {
		return rollout.View{}, e.Explain(err, "listing pods")
	}
	if err := from.List(ctx, services, in); err != nil {
		return rollout.View{}, e.Explain(err, "listing Services")
	}
	return strategy.Describe(ro, kit.Pointers(sets.Items), kit.Pointers(pods.Items), kit.Pointers(services.Items), time.Now()), nil
}

// brief views show what stands in the Rollouts themselves.
func brief(all []v1alpha1.Rollout) []rollout.View {
	views := make([]rollout.View, len(all))
	for i := range all {
		views[i] = strategy.Describe(&all[i], nil, nil, nil, time.Now())
	}
	return views
}

// phase returns the phase of a Rollout and its message; Progressing while its status is of an older spec.
func phase(ro *v1alpha1.Rollout) (v1alpha1.RolloutPhase, string) {
	if !rollout.Observed(ro) {
		return v1alpha1.RolloutProgressing, "waiting for the controller to observe the change"
	}
	return ro.Status.Phase, ro.Status.Message
}

func coloured(e *kit.Env, plain bool) screens.Page {
	page := e.Page()
	switch e.Program {
	case kit.NamePlugin:
		page.RolloutCommand = "kubectl argo rollouts"
	case kit.NameKubectl:
		page.RolloutCommand = "kubectl cyan rollout"
	}
	if plain {
		page.Theme = term.Plain()
	}
	return page
}
