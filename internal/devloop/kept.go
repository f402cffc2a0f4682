package devloop

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/live"
)

// inNamespaces are the kinds that are looked for in a namespace before it is removed.
var inNamespaces = []schema.GroupKind{
	{Kind: "Pod"}, {Kind: "Service"}, {Kind: "ConfigMap"}, {Kind: "Secret"}, {Kind: "PersistentVolumeClaim"},
	{Group: "apps", Kind: "Deployment"}, {Group: "apps", Kind: "StatefulSet"}, {Group: "apps", Kind: "DaemonSet"}, {Group: "batch", Kind: "Job"}, {Group: "batch", Kind: "CronJob"},
}

// usedByOthers returns why an object that a loop has made stays: what others have made would go with it. It is "" when
// nothing would.
func usedByOthers(ctx context.Context, reader *live.Reader, seen *unstructured.Unstructured, loop string) (string, error) {
	var inside []*unstructured.Unstructured
	var err error
	switch kind := seen.GroupVersionKind().GroupKind(); kind {
	case schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}:
		group, _, _ := unstructured.NestedString(seen.Object, "spec", "group")
		name, _, _ := unstructured.NestedString(seen.Object, "spec", "names", "kind")
		inside, err = reader.Client.Occupants(ctx, metav1.NamespaceAll, []schema.GroupKind{{Group: group, Kind: name}})
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

// isMadeByKubernetes reports whether an object is in every namespace.
func isMadeByKubernetes(o *unstructured.Unstructured) bool {
	return o.GetKind() == "ConfigMap" && o.GetName() == "kube-root-ca.crt"
}
