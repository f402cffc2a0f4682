package validate

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sort"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/spelling"
)

// kinds knows which kinds will be served when the objects are applied, and how each is checked.
type kinds struct {
	// known is nil when there is no cluster at hand, and whatever was said is in said.
	known, said *Known
	rendered    map[schema.GroupVersionKind]*custom
	live        map[schema.GroupVersionKind]*custom
	namespace   string
	// minor is the version of Kubernetes that the objects are for.
	minor int
}

// kind is how objects of a kind are checked, or why it will not be served.
type kind struct {
	builtin *builtin
	custom  *custom

	// as is the version whose rules are used; empty for its own.
	as schema.GroupVersionKind

	rule, field, problem, remedy string
}

func newKinds(known *Known) *kinds {
	k := &kinds{said: known, rendered: map[schema.GroupVersionKind]*custom{}, live: map[schema.GroupVersionKind]*custom{}, namespace: "default", minor: known.minor()}
	if known != nil {
		k.namespace = cmp.Or(known.DefaultNamespace, k.namespace)
		if known.Kinds != nil {
			k.known = known
		}
		for i := range known.CRDs {
			maps.Copy(k.live, customKinds(&known.CRDs[i]))
		}
	}
	return k
}

// define adds the kinds of a definition among the objects. Objects of one that an API server would refuse are not
// checked: its own findings are enough.
func (k *kinds) define(object *unstructured.Unstructured, good bool) {
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, crd); err != nil {
		return
	}
	for gvk, c := range customKinds(crd) {
		if !good {
			c.rules = nil
		}
		k.rendered[gvk] = c
	}
}

// find returns how a kind is checked. Kinds of Kubernetes come first, then those that the objects define, the
// cluster's, and Cyan's own.
func (k *kinds) find(gvk schema.GroupVersionKind) kind {
	served := k.served(gvk)
	if found, ok := k.findBuiltin(gvk, served); ok {
		return found
	}
	if c := k.rendered[gvk]; c != nil {
		return kind{custom: c}
	}
	if k.known != nil && !served {
		return k.unknown(gvk)
	}
	if c := k.foreign(gvk); c != nil {
		return kind{custom: c}
	}
	if c := vendoredKind(gvk); c != nil {
		return kind{custom: c}
	}
	if served {
		return kind{}
	}
	return k.unknown(gvk)
}

// findBuiltin returns how a kind of Kubernetes is checked. It reports false for any other.
func (k *kinds) findBuiltin(gvk schema.GroupVersionKind, served bool) (kind, bool) {
	served = served || k.known == nil && byDefault(gvk, k.minor)
	if b, ok := builtins()[gvk.GroupKind()]; ok && b.scheme.Recognizes(gvk) {
		if served {
			return kind{builtin: &b}, true
		}
		return k.missing(gvk), true
	}
	if as, ok := standIns[gvk]; ok && served {
		b := builtins()[as.GroupKind()]
		return kind{builtin: &b, as: as}, true
	}
	return kind{}, false
}

// foreign returns how a kind of the given definitions is checked, or nil. One that is made of a JSON schema has its
// kind in small letters until it is asked for.
func (k *kinds) foreign(gvk schema.GroupVersionKind) *custom {
	small := strings.ToLower(gvk.Kind)
	if k.said == nil || k.live[gvk] != nil || small == gvk.Kind {
		return k.live[gvk]
	}
	for _, crd := range k.said.CRDs {
		if crd.Spec.Group == gvk.Group && crd.Spec.Names.Kind == small {
			for of := range customKinds(&crd) {
				delete(k.live, of)
			}
			crd.Spec.Names.Kind = gvk.Kind
			maps.Copy(k.live, customKinds(&crd))
		}
	}
	return k.live[gvk]
}

// unknown is missing, unless the kind is allowed by name, and no kind that Kubernetes has removed.
func (k *kinds) unknown(gvk schema.GroupVersionKind) kind {
	if k.said.skips(gvk) && k.removedSince(gvk) == "" {
		return kind{}
	}
	return k.missing(gvk)
}

// served reports whether the cluster is known to serve a kind.
func (k *kinds) served(gvk schema.GroupVersionKind) bool {
	if k.known == nil {
		return false
	}
	_, ok := k.known.Kinds[gvk]
	return ok
}

var stableVersion = regexp.MustCompile(`^v[0-9]+$`)

// isStable: an API server serves stable versions unless it is told not to, and others only if it is told to.
func isStable(version string) bool { return stableVersion.MatchString(version) }

// missing returns why a kind is not served, and what to use instead.
func (k *kinds) missing(gvk schema.GroupVersionKind) kind {
	what := gvk.GroupVersion().String() + " " + gvk.Kind
	field := "apiVersion"
	served := k.servedVersions(gvk)
	if since := k.removedSince(gvk); since != "" {
		remedy := "remove it: nothing replaces it"
		if r := replacement(gvk, served, k.minor); r != "" {
			remedy = "use " + r
		}
		remedy += alsoChanges(gvk)
		return kind{rule: RuleRemovedAPI, field: field, problem: what + " is not served since v" + since, remedy: remedy}
	}
	if l, _ := lifecycleOf(gvk); k.known == nil && l.introduced > k.minor {
		remedy := fmt.Sprintf("use a cluster of v1.%d or later", l.introduced)
		if len(served) > 0 {
			remedy = "use " + strings.Join(served, " or ") + ", or a cluster of v1." + itoa(l.introduced) + " or later"
		}
		return kind{rule: RuleNotServed, field: field, problem: fmt.Sprintf("%s is not served before v1.%d", what, l.introduced), remedy: remedy}
	}
	if len(served) > 0 {
		return kind{rule: RuleNotServed, field: field, problem: what + " is not served", remedy: "use " + strings.Join(served, " or ")}
	}
	if _, known := lifecycleOf(gvk); k.known == nil && known {
		return kind{rule: RuleNotServed, field: field, problem: fmt.Sprintf("%s is not served by v1.%d, unless its API server is told to by --runtime-config", what, k.minor), remedy: "do without it, or have it served and allow the kind by name"}
	}
	if others := k.groupsWith(gvk); len(others) > 0 {
		return kind{rule: RuleNotServed, field: field, problem: what + " is not served", remedy: "use " + strings.Join(others, " or ")}
	}
	where := "Kubernetes does not have it"
	if k.known != nil {
		where = "the cluster does not serve it"
	}
	if gvk.GroupKind() == (schema.GroupKind{Group: v1alpha1.GroupVersion.Group, Kind: "ApplicationSet"}) {
		return kind{rule: RuleUnknownKind, field: "kind", problem: what + " is not served: no Application is generated from it", remedy: "write the Applications themselves, or keep argocd-applicationset-controller running beside Cyan"}
	}
	if gvk.Group == "skaffold" {
		return kind{rule: RuleUnknownKind, field: "kind", problem: what + " is for another program than the API server", remedy: "`cyan skaffold check` checks it"}
	}
	return kind{rule: RuleUnknownKind, field: "kind", problem: fmt.Sprintf("unknown kind %s: %s, and no CustomResourceDefinition among the objects defines it", what, where),
		remedy: didYouMean(gvk.Kind, k.kindsNear(gvk), "add its CustomResourceDefinition, or correct apiVersion and kind")}
}

// discovered returns what the cluster answers to who asks for the kind of an object that it does not serve, in the
// words that people search for; "" without a cluster.
func (k *kinds) discovered(object *unstructured.Unstructured) string {
	if k.known == nil {
		return ""
	}
	gvk := object.GroupVersionKind()
	namesakes := slices.SortedFunc(maps.Keys(k.known.Kinds), func(a, b schema.GroupVersionKind) int {
		foreign := func(other schema.GroupVersionKind) int {
			if other.Group == gvk.Group {
				return 0
			}
			return 1
		}
		return cmp.Or(foreign(a)-foreign(b), cmp.Compare(a.String(), b.String()))
	})
	i := slices.IndexFunc(namesakes, func(other schema.GroupVersionKind) bool { return other.Kind == gvk.Kind })
	if i < 0 {
		return fmt.Sprintf(" (%s %q not found)", gvk.GroupKind(), "")
	}
	name := object.GetName()
	if namespace := cmp.Or(object.GetNamespace(), k.namespace); k.known.Kinds[namesakes[i]] {
		name = namespace + "/" + name
	}
	return fmt.Sprintf(" (The Kubernetes API could not find version %q of %s for requested resource %s. Version %q of %s is installed on the destination cluster.)",
		gvk.Version, groupKind(gvk), name, namesakes[i].Version, groupKind(namesakes[i]))
}

// groupKind is a kind as discovery names it: group/Kind.
func groupKind(gvk schema.GroupVersionKind) string {
	if gvk.Group == "" {
		return gvk.Kind
	}
	return gvk.Group + "/" + gvk.Kind
}

// all lists every kind that is served.
func (k *kinds) all() []schema.GroupVersionKind {
	var all []schema.GroupVersionKind
	all = slices.AppendSeq(all, maps.Keys(k.rendered))
	if k.known != nil {
		return slices.AppendSeq(all, maps.Keys(k.known.Kinds))
	}
	all = slices.AppendSeq(all, maps.Keys(k.live))
	for _, read := range vendored() {
		all = slices.AppendSeq(all, maps.Keys(read()))
	}
	for gk, b := range builtins() {
		for _, gv := range b.scheme.VersionsForGroupKind(gk) {
			if byDefault(gv.WithKind(gk.Kind), k.minor) {
				all = append(all, gv.WithKind(gk.Kind))
			}
		}
	}
	return all
}

func (k *kinds) servedVersions(gvk schema.GroupVersionKind) []string {
	return k.versions(func(other schema.GroupVersionKind) bool { return other.GroupKind() == gvk.GroupKind() && other != gvk })
}

// groupsWith lists the groups in which a kind of this name was probably meant. A group of somebody's own, such as
// serving.example.org, has kinds of its own, whatever Kubernetes calls by the same name, unless it is a misspelt one.
func (k *kinds) groupsWith(gvk schema.GroupVersionKind) []string {
	foreign := isForeign(gvk.Group)
	return k.versions(func(other schema.GroupVersionKind) bool {
		if other.Kind != gvk.Kind {
			return false
		}
		return !foreign || spelling.Closest(gvk.Group, []string{other.Group}) != ""
	})
}

func (k *kinds) versions(want func(schema.GroupVersionKind) bool) []string {
	var found []string
	for _, other := range k.all() {
		if want(other) {
			found = append(found, other.GroupVersion().String())
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// isForeign reports whether a group is written as one that somebody else than Kubernetes has.
func isForeign(group string) bool {
	return strings.Contains(group, ".") && !strings.HasSuffix(group, ".k8s.io")
}

// kindsNear lists the kinds that an unknown one may be meant to be: those of its group and version; where it has none,
// all, but for a group of somebody's own.
func (k *kinds) kindsNear(gvk schema.GroupVersionKind) []string {
	var same, others []string
	for _, other := range k.all() {
		others = append(others, other.Kind)
		if other.GroupVersion() == gvk.GroupVersion() {
			same = append(same, other.Kind)
		}
	}
	if len(same) > 0 || isForeign(gvk.Group) {
		others = same
	}
	sort.Strings(others)
	return slices.Compact(others)
}

// removedSince is the release that stopped serving a kind, or "".
func (k *kinds) removedSince(gvk schema.GroupVersionKind) string {
	if l, _ := lifecycleOf(gvk); l.removed != 0 && l.removed <= k.minor {
		return fmt.Sprintf("1.%d", l.removed)
	}
	return ""
}

// replacement is the version of a kind to use in its place, in a minor version of Kubernetes.
func replacement(gvk schema.GroupVersionKind, served []string, minor int) string {
	if to := replacedBy(gvk, minor); !to.Empty() {
		if to.Kind != gvk.Kind {
			return to.GroupVersion().String() + " " + to.Kind
		}
		return to.GroupVersion().String()
	}
	return strings.Join(served, " or ")
}
