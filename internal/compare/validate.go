package compare

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/validate"
)

// validation is what was found wrong with a result, and with which knowledge of the cluster.
type validation struct {
	of       *render.Result
	known    string
	findings []*problem.Error
	// beside are about what is admitted all the same.
	beside []*problem.Error
	// good are the objects that nothing was found wrong with.
	good validate.Good
}

// validated checks rendered objects against what the cluster serves. It is done again when they or the cluster's kinds
// changed. A source without objects is valid: whether everything may be pruned is asked by what prunes.
func validated(ctx context.Context, in Input, memory *memory) ([]*problem.Error, error) {
	objects := in.Rendering.Result.Objects
	if len(objects) == 0 {
		return nil, nil
	}
	wanted := memory.kindsOf(in.Rendering.Result)
	kinds, err := in.Cluster.Kinds(ctx, wanted)
	if err != nil {
		return nil, err
	}
	crds, err := in.Cluster.Definitions(ctx, wanted)
	if err != nil {
		return nil, err
	}
	known := validate.Known{Kinds: kinds.All(), CRDs: crds, DefaultNamespace: in.App.Spec.Destination.Namespace}
	name, last := knowledge(wanted, known), &memory.checked
	if last.of == in.Rendering.Result && last.known == name {
		return last.findings, nil
	}
	if last.known != name {
		last.good = validate.Good{}
	}
	last.of, last.known = in.Rendering.Result, name
	last.findings = validate.CheckBut(&last.good, named(objects), &known)
	last.beside = nil
	for _, f := range validate.Beside(in.Rendering.Result, &known) {
		last.beside = append(last.beside, f.Error)
	}
	return last.findings, nil
}

// named are the objects with a name for each hook that has none: it gets one from the sync that runs it.
func named(objects []render.Rendered) []render.Rendered {
	all := objects
	for i, o := range objects {
		if o.Object.GetName() != "" || o.Object.GetGenerateName() != "" || !plan.IsHook(o.Object) {
			continue
		}
		if &all[0] == &objects[0] {
			all = slices.Clone(objects)
		}
		o.Object = o.Object.DeepCopy()
		o.Object.SetGenerateName("hook-")
		all[i] = o
	}
	return all
}

func kindsOf(objects []render.Rendered) []schema.GroupVersionKind {
	all := map[schema.GroupVersionKind]bool{}
	for _, o := range objects {
		all[o.Object.GroupVersionKind()] = true
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b schema.GroupVersionKind) int { return strings.Compare(a.String(), b.String()) })
}

// knowledge names what validation of these kinds depends on.
func knowledge(wanted []schema.GroupVersionKind, known validate.Known) string {
	h := sha256.New()
	for _, kind := range wanted {
		namespaced, served := known.Kinds[kind]
		fmt.Fprintln(h, kind, namespaced, served)
	}
	for _, crd := range known.CRDs {
		fmt.Fprintln(h, crd.Name, crd.UID, crd.ResourceVersion)
	}
	fmt.Fprintln(h, known.DefaultNamespace)
	return hex.EncodeToString(h.Sum(nil))
}

// maxFindings bounds a message: the first ones are enough to begin with.
const maxFindings = 10

func describeFindings(findings []*problem.Error) string {
	return "nothing was applied, because the manifests are not valid:\n" + strings.Join(linesOf(findings), "\n")
}

// isDefinition reports whether a kind is that of definitions of kinds.
func isDefinition(kind schema.GroupKind) bool {
	return kind == schema.GroupKind{Group: apiextensionsv1.GroupName, Kind: "CustomResourceDefinition"}
}

// definedKind is the kind that a CustomResourceDefinition defines.
func definedKind(definition *unstructured.Unstructured) schema.GroupKind {
	group, _, _ := unstructured.NestedString(definition.Object, "spec", "group")
	kind, _, _ := unstructured.NestedString(definition.Object, "spec", "names", "kind")
	return schema.GroupKind{Group: group, Kind: kind}
}

// allServed reports whether the cluster serves all of some kinds, none of which defines others.
func allServed(all []schema.GroupVersionKind, kinds *live.Kinds) bool {
	return !slices.ContainsFunc(all, func(kind schema.GroupVersionKind) bool {
		_, _, served := kinds.Resource(kind)
		return !served || isDefinition(kind.GroupKind())
	})
}

// pendingKinds are defined by CustomResourceDefinitions among the objects, and not served yet, or expected by objects
// that may go untried; the value says whether they live in namespaces.
func pendingKinds(objects []render.Rendered, kinds *live.Kinds, policy plan.Policy) map[schema.GroupKind]bool {
	pending := map[schema.GroupKind]bool{}
	for _, o := range objects {
		kind := o.Object.GroupVersionKind().GroupKind()
		if len(kinds.Served(kind)) == 0 && policy.OptionsOf(o.Object).SkipDryRunOnMissing() {
			pending[kind] = true
		}
	}
	for _, o := range objects {
		if !isDefinition(o.Object.GroupVersionKind().GroupKind()) {
			continue
		}
		scope, _, _ := unstructured.NestedString(o.Object.Object, "spec", "scope")
		if kind := definedKind(o.Object); len(kinds.Served(kind)) == 0 {
			pending[kind] = scope == string(apiextensionsv1.NamespaceScoped)
		}
	}
	return pending
}

// pendingVersions are the versions of kinds in which objects are written and that the cluster does not serve yet, of
// kinds that are defined by other objects, or whose objects may go untried.
func pendingVersions(objects []render.Rendered, kinds *live.Kinds, policy plan.Policy) map[schema.GroupVersionKind]bool {
	defined := map[schema.GroupKind]bool{}
	for _, o := range objects {
		if isDefinition(o.Object.GroupVersionKind().GroupKind()) {
			defined[definedKind(o.Object)] = true
		}
	}
	pending := map[schema.GroupVersionKind]bool{}
	for _, o := range objects {
		gvk := o.Object.GroupVersionKind()
		_, _, served := kinds.Resource(gvk)
		if !served && (defined[gvk.GroupKind()] || policy.OptionsOf(o.Object).SkipDryRunOnMissing()) {
			pending[gvk] = true
		}
	}
	return pending
}

// stopping returns the findings that keep an Application from being synced: those of objects that ask not to be
// validated do not, nor do those of objects that may go untried, while their kind is not served.
func stopping(findings []*problem.Error, objects []render.Rendered, kinds *live.Kinds, policy plan.Policy) []*problem.Error {
	if len(findings) == 0 {
		return nil
	}
	defined := map[schema.GroupKind]bool{}
	for _, o := range objects {
		if isDefinition(o.Object.GroupVersionKind().GroupKind()) {
			defined[definedKind(o.Object)] = true
		}
	}
	passed := map[string]bool{}
	for _, o := range objects {
		gvk, options := o.Object.GroupVersionKind(), policy.OptionsOf(o.Object)
		_, _, served := kinds.Resource(gvk)
		if options.SkipValidation() || options.SkipDryRunOnMissing() && !served && !defined[gvk.GroupKind()] {
			passed[validate.ObjectName(o.Object)] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(findings), func(f *problem.Error) bool { return passed[f.Object] })
}
