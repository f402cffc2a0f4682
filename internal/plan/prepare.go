package plan

import (
	"fmt"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Prepare makes rendered objects what they will be in the cluster: each in its namespace, marked as the
// Application's, hooks with their names. Of objects that are given twice the last one stays; the others are named in
// warnings. What was given is not changed.
func Prepare(rendered []Desired, policy Policy) (prepared []Desired, warnings []string) {
	if policy.Memory != nil {
		policy.Memory.place(&policy)
	}
	at, names := make(map[Key]int, len(rendered)), hookNames{}
	prepared = make([]Desired, 0, len(rendered)+1)
	for _, d := range runs(rendered) {
		ready := d
		placed := policy.prepare(d, names)
		key := placed.named.key
		ready.Object, ready.named, ready.Forbidden = placed.object, placed.named, false
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

// placed makes of a rendered object what it will be in the cluster.
func (p *Policy) placed(d Desired, names hookNames) *placed {
	object := yielding(d.Object)
	place(object, *p)
	names.give(object, d.Run, *p)
	Mark(object, *p)
	return &placed{object: object, named: identify(object)}
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
	if m := policy.ManagedNamespace; m != nil {
		annotations := map[string]string{v1alpha1.SyncOptionsAnnotation: "Prune=false,Delete=false"}
		n.SetLabels(m.Labels)
		maps.Copy(annotations, m.Annotations)
		if policy.Instance != "" {
			annotations[v1alpha1.NamespaceMetadataAnnotation] = policy.Instance
		}
		n.SetAnnotations(annotations)
	}
	return n
}

// runs are the objects with those hooks taken apart that have no name of their own: each phase runs another object.
func runs(rendered []Desired) []Desired {
	all := make([]Desired, 0, len(rendered))
	for _, d := range rendered {
		if d.Object.GetName() != "" {
			all = append(all, d)
			continue
		}
		phases := hookPhases(d.Object)
		if len(phases) == 0 || phases[0] == v1alpha1.HookSkip {
			all = append(all, d)
			continue
		}
		for _, phase := range phases {
			d.Run = phase
			all = append(all, d)
		}
	}
	return all
}

// hookNames are the names that hooks without one were given.
type hookNames map[Key]bool

// maxName is the length of the longest name: what a Job is called is a label of its pods.
const maxName = 63

// give names a hook that has no name: the same one however often the operation is taken up again. A prefix that is too
// long is cut, as the API server cuts it, and of two hooks with one prefix the second gets a number.
func (n hookNames) give(object *unstructured.Unstructured, phase v1alpha1.HookType, policy Policy) {
	if phase == "" {
		return
	}
	prefix := object.GetGenerateName()
	object.SetGenerateName("")
	suffix := fmt.Sprintf("%s-%s-%d", policy.Revision[:min(7, len(policy.Revision))], strings.ToLower(string(phase)), policy.StartedAt.Unix())
	for i := 1; ; i++ {
		end := suffix
		if i > 1 {
			end += fmt.Sprintf("-%d", i)
		}
		object.SetName(prefix[:min(len(prefix), max(0, maxName-len(end)))] + end)
		if key := KeyOf(object); !n[key] {
			n[key] = true
			return
		}
	}
}
