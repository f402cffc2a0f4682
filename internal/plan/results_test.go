package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/health"
	"github.com/cyan-cd/cyan/internal/plan"
)

// TestResultsOfTasks: what the status says of a task that was begun, and of one that was refused.
func TestResultsOfTasks(t *testing.T) {
	key := plan.Key{Group: "apps", Kind: "Deployment", Namespace: "d", Name: "web"}
	web := object(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: d}, spec: {template: {spec: {containers: [{image: 'web:1'}, {image: 'side:2'}, {image: 'web:1'}]}}}}")
	for _, c := range []struct {
		name string
		task plan.Task
		want v1alpha1.ResourceResult
	}{
		{"an object", plan.Task{Key: key, Verb: plan.Apply, Phase: v1alpha1.HookSync, Object: web},
			v1alpha1.ResourceResult{Status: v1alpha1.ResultSynced, SyncPhase: v1alpha1.HookSync, Images: []string{"side:2", "web:1"}}},
		{"a deletion", plan.Task{Key: key, Verb: plan.Delete, Phase: v1alpha1.HookSync, Object: web}, v1alpha1.ResourceResult{Status: v1alpha1.ResultPruned, SyncPhase: v1alpha1.HookSync}},
		{"a hook", plan.Task{Key: key, Verb: plan.Hook, Phase: v1alpha1.HookPreSync, Object: web},
			v1alpha1.ResourceResult{Status: v1alpha1.ResultSynced, SyncPhase: v1alpha1.HookPreSync, HookType: v1alpha1.HookPreSync, Images: []string{"side:2", "web:1"}}},
	} {
		for _, refused := range []bool{false, true} {
			got, want, message := plan.Begun(c.task, "created"), c.want, "deployment.apps/web created"
			want.HookPhase = v1alpha1.OperationRunning
			if c.task.Verb == plan.Delete {
				message = "pruned"
			}
			if refused {
				got, message = plan.Failed(c.task, "said"), "said"
				want.Status, want.HookPhase = v1alpha1.ResultSyncFailed, v1alpha1.OperationFailed
			}
			same := got.Status == want.Status && got.SyncPhase == want.SyncPhase && got.HookType == want.HookType && got.HookPhase == want.HookPhase && strings.Join(got.Images, " ") == strings.Join(want.Images, " ")
			if !same || got.Message != message || got.Group != "apps" || got.Version != "v1" || got.Kind != "Deployment" || got.Namespace != "d" || got.Name != "web" {
				t.Errorf("%s, refused %v: got %+v, want %+v", c.name, refused, got, want)
			}
			if id := plan.IDOf(got); id != c.task.ID() {
				t.Errorf("%s: the result is of %v, want %v", c.name, id, c.task.ID())
			}
		}
	}
}

// TestRefusedObjects: what may not be applied is out of sync however it stands, and its task fails without a write,
// also in a sync that began before it was refused.
func TestRefusedObjects(t *testing.T) {
	const hook = "argocd.argoproj.io/hook: PreSync"
	for _, c := range []struct{ name, git, live string }{
		{"an object that is missing", named("ConfigMap", "a", ""), ""},
		{"an object that is as desired", named("ConfigMap", "a", ""), liveNamed("ConfigMap", "a", "")},
		{"a hook", named("ConfigMap", "a", hook), ""},
	} {
		policy := plan.Policy{Instance: "shop", Namespace: "d"}
		desired, _ := plan.Prepare([]plan.Desired{{Object: object(t, c.git), Refused: "forbidden"}, {Object: object(t, named("ConfigMap", "z", ""))}}, policy)
		var live []plan.Live
		if c.live != "" {
			there := object(t, c.live)
			plan.Mark(there, policy)
			live = append(live, plan.Live{Object: there})
		}
		p := plan.Build(desired, live, policy)
		if p.Status != v1alpha1.OutOfSync || p.Tasks[0].Refused != "forbidden" || p.Tasks[0].Unchanged || p.Tasks[1].Refused != "" {
			t.Errorf("%s: got %s, %+v; want OutOfSync, the first refused", c.name, p.Status, p.Tasks)
		}
		for _, r := range p.Resources {
			if r.Status != v1alpha1.OutOfSync {
				t.Errorf("%s: %s: got %s, want OutOfSync", c.name, r.Key, r.Status)
			}
		}
		begun := plan.Begun(p.Tasks[1], "")
		results := map[plan.ID]v1alpha1.ResourceResult{plan.IDOf(begun): begun}
		got := p.Next(plan.Progress{Tried: true, Results: results})
		for _, a := range got.Actions {
			if a.Task.Key == p.Tasks[0].Key {
				t.Errorf("%s: got %s, want no write of it", c.name, a)
			}
		}
		i := slices.IndexFunc(got.Results, func(r v1alpha1.ResourceResult) bool { return plan.IDOf(r) == p.Tasks[0].ID() })
		if i < 0 || got.Results[i].Status != v1alpha1.ResultSyncFailed || got.Results[i].Message != "forbidden" {
			t.Errorf("%s: got results %+v, want its failure", c.name, got.Results)
		}
	}
}

// TestForbiddenObjects: how an object stands that the project forbids is not known, and the Application is not synced.
func TestForbiddenObjects(t *testing.T) {
	for _, live := range []bool{false, true} {
		policy := plan.Policy{Instance: "shop", Namespace: "d"}
		desired, _ := plan.Prepare([]plan.Desired{{Object: object(t, named("ConfigMap", "a", ""))}}, policy)
		var there []plan.Live
		if live {
			there = append(there, plan.Live{Object: desired[0].Object.DeepCopy()})
		}
		desired[0].Forbidden, desired[0].Refused = true, "forbidden"
		p := plan.Build(desired, there, policy)
		if len(p.Resources) != 1 || p.Resources[0].Status != v1alpha1.SyncUnknown || p.Status != v1alpha1.OutOfSync {
			t.Errorf("live %v: got %+v, %s; want one object that is Unknown, and OutOfSync", live, p.Resources, p.Status)
		}
	}
}

// TestRefusalsAreBounded: a sync of which much is refused names the first objects, and counts the others.
func TestRefusalsAreBounded(t *testing.T) {
	var git []string
	for i := range 15 {
		git = append(git, named("ConfigMap", fmt.Sprintf("c%02d", i), ""))
	}
	p, _ := given{git: git}.build(t)
	for n, want := range map[int]string{10: ": no; no; no; no; no; no; no; no; no; no", 15: "; no; and 5 more"} {
		refused := map[plan.ID]string{}
		for _, task := range p.Tasks[:n] {
			refused[task.ID()] = "no"
		}
		got := p.Next(plan.Progress{Tried: true, Refused: refused})
		if got.Phase != v1alpha1.OperationFailed || !strings.HasSuffix(got.Message, want) || len(got.Results) != n {
			t.Errorf("%d refused: %s %q with %d results, want Failed with %q", n, got.Phase, got.Message, len(got.Results), want)
		}
	}
}

// TestMessagesOfResults: what was said of an object when it was written stays as long as it fares well; a hook says how
// it ended.
func TestMessagesOfResults(t *testing.T) {
	const (
		late     = "argocd.argoproj.io/sync-wave: '5'"
		verdict  = "{apiVersion: argoproj.io/v1alpha1, kind: AnalysisRun, metadata: {name: run, namespace: d}, status: {phase: %, message: said}}"
		analysis = "{apiVersion: argoproj.io/v1alpha1, kind: AnalysisRun, metadata: {name: run, annotations: {argocd.argoproj.io/hook: Sync}}}"
	)
	ended := func(phase string) string { return strings.Replace(verdict, "%", phase, 1) }
	script := func(o *unstructured.Unstructured) *v1alpha1.HealthStatus {
		if phase, _, _ := unstructured.NestedString(o.Object, "status", "phase"); phase == "Going" && o.GetDeletionTimestamp() != nil {
			return &v1alpha1.HealthStatus{Status: v1alpha1.HealthHealthy, Message: "it goes"}
		}
		return health.Of(o)
	}
	for _, c := range []struct{ name, git, live, want string }{
		{"an object that is well", named("Deployment", "web", ""), healthyWeb, "Succeeded deployment.apps/web written"},
		{"an object that is degraded", named("Deployment", "web", ""), degradedWeb, "Failed Deployment d/web is degraded: late"},
		{"an object without health", named("ConfigMap", "a", ""), plainMap, "Succeeded configmap/a written"},
		{"a hook that ends well", analysis, ended("Successful"), "Succeeded said"},
		{"a hook that fails", analysis, ended("Failed"), "Failed said"},
		{"a hook that knows no verdict is an error", analysis, ended("Inconclusive"), "Error said"},
		{"a hook that runs", analysis, ended("Running"), ""},
		{"a hook that is gone", analysis, "", "Failed deleted before its outcome was seen; sync again"},
		{"a hook that is deleted while it runs", analysis, strings.Replace(ended("Running"), "namespace: d", "namespace: d, deletionTimestamp: '2026-05-01T12:00:00Z'", 1), "Failed deleted while it ran; sync again"},
		{"a hook that is well by a script only while it goes", analysis, strings.Replace(ended("Going"), "namespace: d", "namespace: d, deletionTimestamp: '2026-05-01T12:00:00Z'", 1), "Succeeded it goes"},
		{"a hook that is deleted after its end", analysis, strings.Replace(ended("Failed"), "namespace: d", "namespace: d, deletionTimestamp: '2026-05-01T12:00:00Z'", 1), "Failed said"},
	} {
		p, _ := given{git: []string{c.git, named("Secret", "z", late)}, policy: plan.Policy{Health: script}}.build(t)
		begun := plan.Begun(p.Tasks[0], "written")
		seen := plan.Progress{Tried: true, Results: map[plan.ID]v1alpha1.ResourceResult{plan.IDOf(begun): begun}, Live: map[plan.Key]*unstructured.Unstructured{}}
		if c.live != "" {
			seen.Live[p.Tasks[0].Key] = object(t, c.live)
		}
		got := ""
		for _, r := range p.Next(seen).Results {
			got += string(r.HookPhase) + " " + r.Message
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
