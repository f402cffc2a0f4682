package plan

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Prepare makes rendered objects what they will be in the cluster: each in its namespace, marked as the
// Application's, hooks with their names. Of objects that are given twice the last one stays; the others are named in
// warnings. What was given is not changed.
func Prepare(rendered []Desired, policy Policy) (prepared []Desired, warnings []string) {
	at := map[Key]int{}
	for _, d := range rendered {
		object := d.Object.DeepCopy()
		place(object, policy)
		yield(object)
		if isHook := len(hookPhases(object)) > 0; isHook {
			nameHook(object, policy)
		}
		if !skipped(object) {
			Mark(object, policy)
		}
		key := KeyOf(object)
		ready := Desired{Object: object, Origin: d.Origin, Generated: d.Generated}
		if i, twice := at[key]; twice && key.Name != "" {
			warnings = append(warnings, fmt.Sprintf("%s: given twice, by %s and by %s; the last one is used", key, from(prepared[i]), from(ready)))
			prepared[i] = ready
			continue
		}
		at[key] = len(prepared)
		prepared = append(prepared, ready)
	}
	if policy.Options.CreateNamespace() && policy.Namespace != "" {
		if _, given := at[Key{Kind: "Namespace", Name: policy.Namespace}]; !given {
			prepared = append([]Desired{{Object: managedNamespace(policy), Generated: true}}, prepared...)
		}
	}
	return prepared, warnings
}

func from(d Desired) string {
	if d.Origin == "" {
		return "the source"
	}
	return d.Origin
}

// place puts an object into its namespace, or takes the namespace off a kind that has none.
func place(object *unstructured.Unstructured, policy Policy) {
	switch {
	case policy.ClusterScoped[object.GroupVersionKind().GroupKind()]:
		object.SetNamespace("")
	case object.GetNamespace() == "":
		object.SetNamespace(policy.Namespace)
	}
}

// managedNamespace is the destination's namespace. It is only the Application's to keep, and to prune, when the spec
// gives it metadata.
func managedNamespace(policy Policy) *unstructured.Unstructured {
	n := &unstructured.Unstructured{}
	n.SetAPIVersion("v1")
	n.SetKind("Namespace")
	n.SetName(policy.Namespace)
	annotations := map[string]string{v1alpha1.SyncOptionsAnnotation: "Prune=false,Delete=false"}
	if m := policy.ManagedNamespace; m != nil {
		n.SetLabels(m.Labels)
		for key, value := range m.Annotations {
			annotations[key] = value
		}
	}
	n.SetAnnotations(annotations)
	return n
}

// nameHook sets the name of a hook with generateName: the same one however often the operation is taken up again.
func nameHook(object *unstructured.Unstructured, policy Policy) {
	if object.GetName() != "" || object.GetGenerateName() == "" {
		return
	}
	revision := policy.Revision[:min(7, len(policy.Revision))]
	phase := strings.ToLower(string(hookPhases(object)[0]))
	object.SetName(fmt.Sprintf("%s%s-%s-%d", object.GetGenerateName(), revision, phase, policy.StartedAt.Unix()))
	object.SetGenerateName("")
}
