package devloop

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/live"
)

// inNamespaces are the kinds that are looked for in a namespace before it is removed.
var inNamespaces = []schema.GroupKind{
	{Kind: "Pod"}, {Kind: "Service"}, {Kind: "ConfigMap"}, {Kind: "Secret"}, {Kind: "PersistentVolumeClaim"},
	{Group: "apps", Kind: "Deployment"}, {Group: "apps", Kind: "StatefulSet"}, {Group: "apps", Kind: "DaemonSet"}, {Group: "batch", Kind: "Job"}, {Group: "batch", Kind: "CronJob"},
	{Kind: "ServiceAccount"}, {Group: "rbac.authorization.k8s.io", Kind: "Role"}, {Group: "rbac.authorization.k8s.io", Kind: "RoleBinding"},
	{Group: "networking.k8s.io", Kind: "Ingress"}, {Group: "networking.k8s.io", Kind: "NetworkPolicy"}, {Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}, {Group: "policy", Kind: "PodDisruptionBudget"},
	{Group: v1alpha1.GroupVersion.Group, Kind: v1alpha1.RolloutKind}, {Group: v1alpha1.GroupVersion.Group, Kind: v1alpha1.ApplicationKind}, {Group: v1alpha1.GroupVersion.Group, Kind: v1alpha1.AppProjectKind},
}

// usedByOthers returns why an object that a loop has made stays: what others have made would go with it. It is "" when
// nothing would.
func usedByOthers(ctx context.Context, reader *live.Reader, seen *unstructured.Unstructured, loop string) (string, error) {
	var inside []*unstructured.Unstructured
	var err error
	switch kind := seen.GroupVersionKind().GroupKind(); kind {
	case schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}:
		var known bool
		if inside, known, err = ofDefinition(ctx, reader, seen); err == nil && !known {
			return "whether others have objects of its kind cannot be seen yet", nil
		}
	case schema.GroupKind{Kind: "Namespace"}:
		inside, err = reader.Client.Occupants(ctx, seen.GetName(), inNamespaces)
	default:
		return "", nil
	}
	if err != nil {
		return "", err
	}
	inside = slices.DeleteFunc(inside, func(o *unstructured.Unstructured) bool {
		return o.GetLabels()[desired.LoopLabel] == loop || len(o.GetOwnerReferences()) > 0 || isMadeByKubernetes(o)
	})
	if len(inside) == 0 {
		return "", nil
	}
	slices.SortFunc(inside, func(a, b *unstructured.Unstructured) int {
		return cmp.Or(cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetKind(), b.GetKind()), cmp.Compare(a.GetName(), b.GetName()))
	})
	first := inside[0]
	text := first.GetKind() + " " + first.GetName()
	if first.GetNamespace() != "" {
		text = first.GetKind() + " " + first.GetNamespace() + "/" + first.GetName()
	}
	if more := len(inside) - 1; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text + " would go with it, which the loop has not made", nil
}

// ofDefinition returns the objects of the kind that a CustomResourceDefinition defines, and whether they can be known.
// What the cluster serves is asked anew: the definition may have come behind what is known of that.
func ofDefinition(ctx context.Context, reader *live.Reader, seen *unstructured.Unstructured) (all []*unstructured.Unstructured, known bool, err error) {
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(seen.Object, crd); err != nil {
		return nil, false, fmt.Errorf("reading CustomResourceDefinition %s: %w", seen.GetName(), err)
	}
	kind := schema.GroupKind{Group: crd.Spec.Group, Kind: crd.Spec.Names.Kind}
	reader.Forget()
	kinds, err := reader.Kinds(ctx, nil)
	if err != nil {
		return nil, false, err
	}
	established := slices.ContainsFunc(crd.Status.Conditions, func(c apiextensionsv1.CustomResourceDefinitionCondition) bool {
		return c.Type == apiextensionsv1.Established && c.Status == apiextensionsv1.ConditionTrue
	})
	if len(kinds.Served(kind)) == 0 {
		return nil, !established, nil
	}
	all, err = reader.Client.Occupants(ctx, metav1.NamespaceAll, []schema.GroupKind{kind})
	return all, true, err
}

// isMadeByKubernetes reports whether an object is in every namespace.
func isMadeByKubernetes(o *unstructured.Unstructured) bool {
	return o.GetKind() == "ConfigMap" && o.GetName() == "kube-root-ca.crt" || o.GetKind() == "ServiceAccount" && o.GetName() == "default"
}
