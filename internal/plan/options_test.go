package plan_test

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// TestOptionsCountWhereverTheyStand: every option of an object holds for its task as the Application's would, over
// which it goes, whatever the task does; and for its deletion with the Application.
func TestOptionsCountWhereverTheyStand(t *testing.T) {
	holds := map[string]func(plan.Options) any{
		"Prune=false":                       func(o plan.Options) any { return o.Prune() },
		"Prune=confirm":                     func(o plan.Options) any { return o.Prune() },
		"Delete=false":                      func(o plan.Options) any { return o.Delete() },
		"Delete=confirm":                    func(o plan.Options) any { return o.Delete() },
		"PruneLast=true":                    func(o plan.Options) any { return o.PruneLast() },
		"PrunePropagationPolicy=background": func(o plan.Options) any { return o.Propagation() },
		"PrunePropagationPolicy=orphan":     func(o plan.Options) any { return o.Propagation() },
		"Replace=true":                      func(o plan.Options) any { return o.Replace() },
		"Force=true":                        func(o plan.Options) any { return o.Force() },
		"ServerSideApply=false":             func(o plan.Options) any { return o.ClientSide() },
		"Validate=false":                    func(o plan.Options) any { return o.SkipValidation() },
		"SkipDryRunOnMissingResource=true":  func(o plan.Options) any { return o.SkipDryRunOnMissing() },
		"ApplyOutOfSyncOnly=true":           func(o plan.Options) any { return o.OutOfSyncOnly() },
		"FailOnSharedResource=true":         func(o plan.Options) any { return o.FailOnShared() },
	}
	none := plan.Options{}
	for option, get := range holds {
		name, value, _ := strings.Cut(option, "=")
		other := map[string]string{"true": "false", "false": "true", "confirm": "true", "background": "foreground", "orphan": "foreground"}[value]
		for where, c := range map[string]struct {
			app, object string
			holds       bool
		}{
			"nowhere":                              {"", "", false},
			"Application":                          {option, "", true},
			"object":                               {"", option, true},
			"object, over the Application":         {name + "=" + other, option, true},
			"Application, and the object does not": {option, name + "=" + other, false},
		} {
			policy := plan.Policy{Instance: "x", Prune: true, Options: plan.ParseOptions([]string{c.app})}
			of := func(name, more string) *unstructured.Unstructured {
				o := object(t, fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: %s, namespace: d, annotations: {argocd.argoproj.io/sync-options: ' %s ,Foo=bar'%s}}, data: {a: b}}", name, c.object, more))
				plan.Mark(o, policy)
				return o
			}
			git := []plan.Desired{{Object: of("applied", "")}, {Object: of("hook", ", argocd.argoproj.io/hook: Sync")}}
			tasks := plan.Build(git, []plan.Live{{Object: of("pruned", "")}}, policy).Tasks
			if len(tasks) != 3 {
				t.Fatalf("got %d tasks, want 3", len(tasks))
			}
			want := get(none)
			if c.holds {
				want = get(plan.ParseOptions([]string{option}))
			}
			for _, task := range tasks {
				if got := get(task.Options); got != want {
					t.Errorf("%s (%s), %s of %s: got %v, want %v", option, where, task.Verb, task.Key, got, want)
				}
				if want := c.holds && option == "Force=true"; task.Verb == plan.Apply && task.Force != want {
					t.Errorf("%s (%s): by force %v, want %v", option, where, task.Force, want)
				}
			}
			live := map[plan.Key]*unstructured.Unstructured{plan.KeyOf(git[0].Object): git[0].Object}
			writes, err := plan.Writes(git, live, policy)
			if err != nil || len(writes) != 1 || get(writes[0].Options) != want {
				t.Errorf("%s (%s), the dry run: got %+v, %v; want %v", option, where, writes, err, want)
			}
			if got := get(policy.OptionsOf(git[0].Object)); got != want {
				t.Errorf("%s (%s), of the object: got %v, want %v", option, where, got, want)
			}
		}
	}
}

// TestCompareOptions: what is written of comparing holds, or is named.
func TestCompareOptions(t *testing.T) {
	for option, want := range map[string]string{
		"IgnoreExtraneous": "", "ServerSideDiff=true": "", "IncludeMutationWebhook=true": "", "ServerSideDiff=true, IgnoreExtraneous": "",
		"ServerSideDiff=false":                 `Secret d/key, annotation argocd.argoproj.io/compare-options: "ServerSideDiff=false": objects are always compared by what the API server makes of them; remove it`,
		"IncludeMutationWebhook=false":         "name the fields in ignoreDifferences",
		"IgnoreExtraneus":                      "did you mean IgnoreExtraneous?",
		"ServerSideDif=true":                   "did you mean ServerSideDiff=true?",
		"Nonsense":                             `"Nonsense": unknown compare option; the options are IgnoreExtraneous, IncludeMutationWebhook=false`,
		"IgnoreExtraneous,IgnoreExtraneous=no": `"IgnoreExtraneous=no": unknown compare option`,
	} {
		o := object(t, "{apiVersion: v1, kind: Secret, metadata: {name: key, namespace: d}}")
		o.SetAnnotations(map[string]string{v1alpha1.CompareOptionsAnnotation: option})
		got := strings.Join(plan.CheckOptions(nil, []plan.Desired{{Object: o}}), "\n")
		if marks := plan.CheckMarks([]plan.Desired{{Object: o}}); len(marks) > 0 {
			t.Errorf("%s: named twice, as %q too", option, marks)
		}
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", option, got, want)
		}
	}
}

// TestNothingInGitIsNothing: what an option adds to what git has does not count when everything else would be pruned.
func TestNothingInGitIsNothing(t *testing.T) {
	left := object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: left, namespace: d}}")
	plan.Mark(left, plan.Policy{Instance: "x"})
	for _, options := range [][]string{nil, {"Validate=false"}, {"CreateNamespace=true"}, {"CreateNamespace=true", "Validate=false"}, {"CreateNamespace=true", "Validate=false", "Replace=true", "PruneLast=true"}} {
		for _, metadata := range []*v1alpha1.ManagedNamespaceMetadata{nil, {Labels: map[string]string{"a": "b"}}} {
			policy := plan.Policy{Instance: "x", Namespace: "d", Prune: true, Options: plan.ParseOptions(options), ManagedNamespace: metadata}
			desired, _ := plan.Prepare(nil, policy)
			if p := plan.Build(desired, []plan.Live{{Object: left}}, policy); !p.LeavesNothing {
				t.Errorf("%v: it is not seen that everything goes", options)
			}
		}
	}
}

func TestSyncOptionsThatMeanNothing(t *testing.T) {
	desired := []plan.Desired{{Object: object(t, "{apiVersion: v1, kind: Secret, metadata: {name: key, namespace: d, annotations: {argocd.argoproj.io/sync-options: 'Prune=false,Delet=false'}}}")}}
	found := plan.CheckOptions([]string{"CreateNamespace=true", " PruneLast = true ", "Replace", "Frobnicate=1"}, desired)
	text := strings.Join(found, "\n")
	for _, part := range []string{`"Replace": missing value`, `"Frobnicate=1": unknown sync option; the options are`, "Secret d/key", "did you mean Delete?"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not said in\n%s", part, text)
		}
	}
	if len(found) != 3 {
		t.Error(text)
	}
}

// TestValuesOfSyncOptionsThatMeanNothing: a value that an option does not have is named, with what is done in place of
// it. What is deleted does not come back, so that one of Prune or Delete keeps the object.
func TestValuesOfSyncOptionsThatMeanNothing(t *testing.T) {
	for option, want := range map[string]string{
		"Prune=false": "", "Prune=true": "", "Prune=confirm": "", "Delete = confirm": "", "PrunePropagationPolicy=orphan": "", "Replace=false": "", "ServerSideApply=true": "",
		"Prune=False":                       `"Prune=False": unknown value, taken for false; write Prune=true, or Prune=false, or Prune=confirm`,
		"Delete=":                           `"Delete=": unknown value, taken for false; write Delete=true, or Delete=false, or Delete=confirm`,
		"Delete=false;Prune=false":          `"Delete=false;Prune=false": unknown value, taken for false; write Delete=true, or Delete=false, or Delete=confirm`,
		"PrunePropagationPolicy=Background": `"PrunePropagationPolicy=Background": unknown value, taken for foreground; write PrunePropagationPolicy=foreground, or PrunePropagationPolicy=background, or PrunePropagationPolicy=orphan`,
		"Replace=yes":                       `"Replace=yes": unknown value, without effect; write Replace=true, or Replace=false`,
	} {
		if want != "" {
			want = "spec.syncPolicy.syncOptions: " + want
		}
		if got := strings.Join(plan.CheckOptions([]string{option}, nil), "\n"); got != want {
			t.Errorf("%s: got %q, want %q", option, got, want)
		}
	}
	options := plan.ParseOptions([]string{"Prune=False", "Delete=no"})
	if options.Prune() != plan.Refused || options.Delete() != plan.Refused {
		t.Errorf("Prune=False is %q, and Delete=no is %q; want both refused", options.Prune(), options.Delete())
	}
}

// TestPropagation: the pods of a Rollout that waits for its workload do not go before it, however objects are to go.
func TestPropagation(t *testing.T) {
	waiting, plain := &unstructured.Unstructured{Object: map[string]any{}}, &unstructured.Unstructured{Object: map[string]any{}}
	waiting.SetFinalizers([]string{"a", v1alpha1.WorkloadFinalizer})
	plain.SetFinalizers([]string{"a"})
	for _, c := range []struct {
		live         *unstructured.Unstructured
		wanted, want metav1.DeletionPropagation
	}{
		{waiting, metav1.DeletePropagationForeground, metav1.DeletePropagationBackground},
		{waiting, metav1.DeletePropagationBackground, metav1.DeletePropagationBackground},
		{waiting, metav1.DeletePropagationOrphan, metav1.DeletePropagationOrphan},
		{plain, metav1.DeletePropagationForeground, metav1.DeletePropagationForeground},
	} {
		if got := plan.PropagationOf(c.live, c.wanted); got != c.want {
			t.Errorf("finalizers %v, wanted %s: got %s, want %s", c.live.GetFinalizers(), c.wanted, got, c.want)
		}
	}
}
