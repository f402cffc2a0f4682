package validate

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// sample is a manifest of the corpus.
type sample struct {
	name   string
	object render.Rendered
}

// recipe makes another manifest of one that an API server takes; it reports false where it cannot.
type recipe struct {
	name string
	make func(u *unstructured.Unstructured) bool
}

func always(f func(u *unstructured.Unstructured)) func(*unstructured.Unstructured) bool {
	return func(u *unstructured.Unstructured) bool { f(u); return true }
}

func put(value any, path ...string) func(*unstructured.Unstructured) bool {
	return func(u *unstructured.Unstructured) bool {
		return unstructured.SetNestedField(u.Object, value, path...) == nil
	}
}

// inFirstContainer changes the first container of the pods of an object.
func inFirstContainer(change func(c map[string]any)) func(*unstructured.Unstructured) bool {
	return func(u *unstructured.Unstructured) bool {
		p, ok := podTemplateOf(render.Rendered{Object: u})
		if !ok {
			return false
		}
		containers := listAt(p.spec, "containers")
		if len(containers) == 0 {
			return false
		}
		change(mapAt(containers[0]))
		return true
	}
}

// recipes change one thing each: some of the results are taken, some are refused.
var recipes = []recipe{
	{"as it is", always(func(*unstructured.Unstructured) {})},
	{"with a label", put("b", "metadata", "labels", "a")},
	{"with an annotation", put("any text: at all", "metadata", "annotations", "example.com/note")},
	{"with a finalizer", put([]any{"example.com/keep"}, "metadata", "finalizers")},
	{"with a longer name", always(func(u *unstructured.Unstructured) {
		if u.GetName() != "" && !strings.Contains(u.GetName(), ".") {
			u.SetName(u.GetName() + "-2")
		}
	})},
	{"with an unknown field", put("x", "spek")},
	{"with an unknown field of the metadata", put("x", "metadata", "lables")},
	{"with a number for a label", put(int64(1), "metadata", "labels", "a")},
	{"with a truth for an annotation", put(true, "metadata", "annotations", "a")},
	{"with a label that has blanks", put("b c", "metadata", "labels", "a")},
	{"with a key of a label that has two slashes", put("c", "metadata", "labels", "a/b/c")},
	{"with a name in capital letters", always(func(u *unstructured.Unstructured) { u.SetName("X_" + u.GetName()) })},
	{"without a name", always(func(u *unstructured.Unstructured) { u.SetName(""); u.SetGenerateName("") })},
	{"with a finalizer without a domain", put([]any{"keep!"}, "metadata", "finalizers")},
	{"with an owner that is incomplete", put([]any{map[string]any{"name": "a"}}, "metadata", "ownerReferences")},
	{"with metadata that is a list", put([]any{"a"}, "metadata")},
	{"with a variable", inFirstContainer(func(c map[string]any) { c["env"] = []any{map[string]any{"name": "A", "value": "b"}} })},
	{"with a policy for images", inFirstContainer(func(c map[string]any) { c["imagePullPolicy"] = "Always" })},
	{"with a request", inFirstContainer(func(c map[string]any) {
		c["resources"] = map[string]any{"requests": map[string]any{"cpu": "10m"}}
	})},
	{"with an unknown policy for images", inFirstContainer(func(c map[string]any) { c["imagePullPolicy"] = "Sometimes" })},
	{"with a number for a variable", inFirstContainer(func(c map[string]any) { c["env"] = []any{map[string]any{"name": "A", "value": int64(1)}} })},
	{"without an image", inFirstContainer(func(c map[string]any) { delete(c, "image") })},
	{"with a field misspelt in a container", inFirstContainer(func(c map[string]any) { c["imge"] = "a" })},
	{"with a mount of no volume", inFirstContainer(func(c map[string]any) {
		c["volumeMounts"] = []any{map[string]any{"name": "nothing", "mountPath": "/x"}}
	})},
	{"with a port out of range", inFirstContainer(func(c map[string]any) { c["ports"] = []any{map[string]any{"containerPort": int64(70000)}} })},
	{"with a request above its limit", inFirstContainer(func(c map[string]any) {
		c["resources"] = map[string]any{"requests": map[string]any{"cpu": "2"}, "limits": map[string]any{"cpu": "1"}}
	})},
	{"with a quantity of a wrong unit", inFirstContainer(func(c map[string]any) {
		c["resources"] = map[string]any{"requests": map[string]any{"memory": "1GB"}}
	})},
	{"with two probes in one", inFirstContainer(func(c map[string]any) {
		c["livenessProbe"] = map[string]any{"httpGet": map[string]any{"port": int64(80)}, "tcpSocket": map[string]any{"port": int64(80)}}
	})},
}

// corpus is all manifests that both are asked about: those written by hand, and what recipes make of good ones.
func corpus(t testing.TB) []sample {
	t.Helper()
	var all []sample
	for _, row := range oracle {
		all = append(all, sample{row.rule, fromFile(t, row.manifest)})
	}
	for _, row := range lateKinds {
		all = append(all, sample{row.rule, fromFile(t, row.manifest)})
	}
	archive, err := txtar.ParseFile("testdata/valid.txtar")
	if err != nil {
		t.Fatal(err)
	}
	objects, _ := unpack(t, archive)
	for _, o := range objects {
		for _, r := range recipes {
			changed := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(o.Object.Object)}
			if r.make(changed) {
				all = append(all, sample{ObjectName(o.Object) + " " + r.name, render.Rendered{Object: changed}})
			}
		}
	}
	return all
}

// differences are the verdicts that are not the API server's, with the reason.
var differences = []struct {
	about  string
	is     func(s sample) bool
	reason string
}{
	{
		"the pods of a Rollout", func(s sample) bool { return s.object.Object.GetKind() == "Rollout" },
		"its definition has no rules for them, so the API server takes what none of its pods could be made of; here they are checked as those of a Deployment are",
	},
	{
		"unknown fields of kinds of argoproj.io", func(s sample) bool { return isOwn(s.object.Object.GroupVersionKind()) },
		"their definitions keep what they do not list, so that nothing that another program has stored is lost; in what people write, such a field is misspelt or not honoured",
	},
}

// beyond is what an API server also refuses, and nothing here can know.
var beyond = []string{
	"what admission webhooks and admission policies of the cluster refuse, its quotas and limit ranges, and what Pod Security does by the labels of a namespace",
	"what depends on objects that are there: a namespace that is missing, a ServiceAccount of a bare Pod, fields that may not change, names that are taken",
	"how the network of a cluster is laid out: the range that the `clusterIP` of a Service is from, and whether it has IPv6 or both (`ipFamilies`, `RequireDualStack`)",
	"what a cluster has switched on or off: feature gates, privileged containers (`--allow-privileged`, which is taken for on), and versions of APIs that are served only when they are asked for (`--live` asks)",
}

// Every manifest of the corpus has the verdict of a real API server, but for the differences that are documented.
func TestCorpus(t *testing.T) {
	all := corpus(t)
	if len(all) < 400 {
		t.Fatalf("%d manifests, want at least 400", len(all))
	}
	if testing.Short() {
		t.Skip("starts an API server")
	}
	cluster := testkit.Cluster(t)
	ctx := t.Context()
	for _, name := range []string{"shop", "argocd"} {
		if err := cluster.Client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
	}
	testkit.Eventually(t, time.Minute, "the service account of the namespace default", func() error {
		return cluster.Client.Get(ctx, client.ObjectKey{Namespace: "default", Name: "default"}, &corev1.ServiceAccount{})
	})
	known := knownOf(t, cluster)
	taken, refused, differ := 0, 0, make([]int, len(differences))
	for _, s := range all {
		findings := Check([]render.Rendered{s.object}, known)
		err := dryRun(ctx, cluster.Client, s.object)
		switch {
		case err == nil && len(findings) == 0:
			taken++
		case err != nil && len(findings) > 0:
			refused++
		default:
			i := slices.IndexFunc(differences, func(d struct {
				about  string
				is     func(s sample) bool
				reason string
			}) bool {
				return err == nil && d.is(s)
			})
			if i < 0 {
				t.Errorf("%s: the API server says %v, and here is found %q", s.name, err, lines(findings))
				continue
			}
			differ[i]++
		}
	}
	if taken < 200 || refused < 200 {
		t.Errorf("%d taken, %d refused, want at least 200 of each", taken, refused)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%d manifests were asked about: %d are taken by both, %d are refused by both, and these are refused here alone:\n\n| difference | manifests | reason |\n|---|---|---|\n", len(all), taken, refused)
	for i, d := range differences {
		fmt.Fprintf(&text, "| %s | %d | %s |\n", d.about, differ[i], d.reason)
	}
	text.WriteString("\nWhat an API server refuses besides, and nothing can know without it:\n\n")
	for _, b := range beyond {
		text.WriteString("- " + b + ";\n")
	}
	holds(t, "differences", strings.TrimSuffix(strings.TrimSpace(text.String()), ";")+".\n")
}

// guide is the documentation of validation.
const guide = "../../docs/validation.md"

// holds checks a part of the guide that is made of what is so, between two marks; -update writes it.
func holds(t *testing.T, part, want string) {
	t.Helper()
	data, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+part+" -->\n", "<!-- end of "+part+" -->\n"
	before, rest, ok := strings.Cut(string(data), begin)
	got, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no part %s", guide, part)
	}
	if got == want {
		return
	}
	if !*update {
		t.Errorf("%s: %s is\n%s\nand should be\n%s", guide, part, got, want)
		return
	}
	if err := os.WriteFile(guide, []byte(before+begin+want+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The guide lists every rule, each with its severities.
func TestGuideListsTheRules(t *testing.T) {
	weight := map[string]string{
		RuleReference: "error; warning where the cluster may have it", RuleSelector: "error; warning where its pods may be elsewhere", RulePort: "error; warning for a number that is not declared",
		RuleImageEntry: "warning; error where a name is nearly it", RuleImageNotSet: "note; error where an entry is nearly for it", RuleDeprecatedAPI: "warning", RuleDiscouraged: "warning",
		RuleNotLookedAt: "warning", RuleRepeated: "warning", RuleDeprecatedField: "warning", RuleSkipped: "note; error in a file that was named", RulePatchOfNothing: "warning", RuleUnlikely: "warning", RuleServerField: "warning; note where it does nothing", RuleImageName: "warning", RuleTruthKey: "warning",
		RuleApplication: "error; warning for what is passed over", RuleProject: "error; warning for what permits or allows nothing", RuleNotHonoured: "warning; error where it is refused", RuleRollout: "error; warning for what is not honoured",
	}
	var text strings.Builder
	text.WriteString("| rule | finds | severity |\n|---|---|---|\n")
	for _, r := range Rules() {
		fmt.Fprintf(&text, "| `%s` | %s | %s |\n", r.Name, r.About, cmp.Or(weight[r.Name], "error"))
	}
	holds(t, "rules", text.String())
}

// The guide lists every version that is removed or deprecated in the versions that can be checked for.
func TestGuideListsTheVersions(t *testing.T) {
	holds(t, "versions", versionTable())
}

// versionTable is a row for each version of a kind that was removed from the oldest version that can be checked for on,
// or is deprecated in the newest.
func versionTable() string {
	type row struct{ what, deprecated, removed, replacement, changes string }
	rows := map[string]row{}
	add := func(gvk schema.GroupVersionKind) {
		l, _ := lifecycleOf(gvk)
		gone := l.removed >= OldestMinor && l.removed <= NewestMinor
		going := l.deprecated != 0 && l.deprecated <= NewestMinor && (l.removed == 0 || l.removed > NewestMinor) && isStable(gvk.Version)
		if !gone && !going || strings.HasSuffix(gvk.Kind, "List") || strings.HasSuffix(gvk.Kind, "Review") || strings.HasSuffix(gvk.Kind, "Options") || notInManifests[gvk.Kind] {
			return
		}
		text := func(minor int) string {
			if minor == 0 {
				return ""
			}
			return fmt.Sprintf("1.%d", minor)
		}
		to := replacement(gvk, nil, NewestMinor)
		if to == "" {
			to = "nothing"
		}
		what := fmt.Sprintf("%s %s", gvk.GroupVersion(), gvk.Kind)
		rows[what] = row{what, text(l.deprecated), text(l.removed), to, strings.ReplaceAll(migrations[gvk], "|", `\|`)}
	}
	for gvk := range clientscheme.Scheme.AllKnownTypes() {
		add(gvk)
	}
	for gvk := range leftTypes {
		add(gvk)
	}
	var text strings.Builder
	text.WriteString("| version and kind | deprecated | not served from | replaced by | what else changes |\n|---|---|---|---|---|\n")
	for _, what := range slices.Sorted(maps.Keys(rows)) {
		r := rows[what]
		fmt.Fprintf(&text, "| %s | %s | %s | %s | %s |\n", r.what, r.deprecated, r.removed, r.replacement, r.changes)
	}
	return text.String()
}
