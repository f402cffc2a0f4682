package view

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// taken is what a fuzzer gives, taken a byte at a time; 0 where there is none left.
type taken struct{ data []byte }

func (t *taken) next(below int) int {
	if len(t.data) == 0 {
		return 0
	}
	b := t.data[0]
	t.data = t.data[1:]
	return int(b) % below
}

func (t *taken) flag() bool { return t.next(2) == 1 }

func pick[T any](t *taken, of ...T) T { return of[t.next(len(of))] }

func (t *taken) time() *metav1.Time {
	if t.flag() {
		return nil
	}
	return at(time.Duration(t.next(256)) * time.Minute)
}

// Whatever somebody chooses by, an error names what is wrong with it, and pages together have each row once.
func FuzzChoice(f *testing.F) {
	f.Add("front team=sh", "team=Shop", "health", "", true, 1)
	f.Add("=", "=", "", "bnVsbA", false, -1)
	f.Add("x", "", "name", "eyJCeSI6MX0", false, 0)
	f.Fuzz(func(t *testing.T, search, label, sort, token string, descending bool, limit int) {
		c := Choice{Search: search, Labels: []string{label}, Sort: sort, Descending: descending, Limit: limit, Continue: token}
		if _, _, _, err := c.Page(shelf()); err != nil {
			if text := err.Error(); !strings.HasPrefix(text, "sort: unknown order") && !strings.HasPrefix(text, "continue: ") {
				t.Errorf("got %v", err)
			}
			return
		}
		c.Labels, c.Continue, c.Limit = nil, "", 0
		whole, total, _, _ := c.Page(shelf())
		var got []Row
		for c.Limit = 1; ; {
			page, _, next, err := c.Page(shelf())
			if err != nil || len(got) > total {
				t.Fatalf("%d rows of %d: %v", len(got), total, err)
			}
			got = append(got, page...)
			if c.Continue = next; next == "" {
				break
			}
		}
		if names(got) != names(whole) {
			t.Errorf("got %s, want %s", names(got), names(whole))
		}
	})
}

// Whatever messages say, attention is a sentence about something, of a bounded length.
func FuzzAttention(f *testing.F) {
	f.Add("ComparisonError", "Service web: port 0: invalid; correct it", "m", "Job", "migrate")
	f.Add("InvalidSpecError", "; ", ": ", "", "")
	f.Add("SyncError", "{object}: {cause, select, NONE {x} other {y}}", "{", "}", "{remedy}")
	f.Add("UnknownError", strings.Repeat("\x80", 5000), ". .\n", " ", " ")
	f.Fuzz(func(t *testing.T, kind, message, said, of, name string) {
		result := &v1alpha1.ResourceResult{Kind: of, Name: name, Message: said, Status: v1alpha1.ResultSyncFailed}
		for _, app := range []*v1alpha1.Application{shop(withCondition(kind, message)), shop(withOperation(v1alpha1.OperationFailed, message, result)), shop(withHealth(v1alpha1.HealthDegraded, message, 0)), shop(withHealth(v1alpha1.HealthProgressing, message, time.Hour))} {
			a := AttentionOf(app, web(func(ro *v1alpha1.Rollout) { ro.Status.Phase, ro.Status.Message = v1alpha1.RolloutDegraded, said }), noon)
			if a == nil || !slices.Contains(urgency, a.Reason) || strings.TrimSpace(a.Message) == "" || len(a.Message) > longestText+len("…") {
				t.Errorf("got %+v", a)
			}
			d := DetailOf(DetailSeen{Application: app}, noon)
			for _, c := range d.Conditions {
				if len(c.Message) > longestText+len("…") || len(c.Remedy) > longestText+len("…") {
					t.Errorf("got a condition of %d bytes with a remedy of %d", len(c.Message), len(c.Remedy))
				}
			}
		}
	})
}

// A template that stands in what is filled into another is not filled.
func FuzzFilled(f *testing.F) {
	f.Add("attention.aborted", "{object}")
	f.Add("cause.SyncError", "x, select, NONE {a} other {b}}")
	f.Fuzz(func(t *testing.T, code, value string) {
		args := map[string]string{}
		for _, name := range []string{"object", "cause", "remedy", "name"} {
			args[name] = value
		}
		const mark = "\x00"
		args["object"] = mark
		if once := filled(templates[code], args); value != "" && !strings.Contains(value, mark) && strings.Count(filled(templates[code], map[string]string{"object": "{object}"}), "{object}") != strings.Count(filled(templates[code], map[string]string{"object": mark}), mark) {
			t.Errorf("%s: got %q", code, once)
		}
		// Whatever a template is, it is filled.
		_ = filled(value, args)
	})
}

// Whatever owns what, each object is in the tree once, behind its owner, and the rest is counted.
func FuzzTree(f *testing.F) {
	f.Add([]byte{3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14})
	f.Add([]byte("owners that own each other, and selectors that select them"))
	f.Fuzz(func(t *testing.T, data []byte) {
		from := &taken{data}
		kinds := []string{"Pod", "Service", "Job", "Ingress"}
		uid := func() string { return pick(from, "", "a", "b", "c", "d") }
		app, most := &v1alpha1.Application{}, 1+from.next(20)
		for range from.next(6) {
			app.Status.Resources = append(app.Status.Resources, v1alpha1.ResourceStatus{Kind: pick(from, kinds...), Name: uid(), Namespace: pick(from, "", "shop", "till")})
		}
		var observed []Observed
		for len(from.data) > 0 {
			n := Node{Kind: pick(from, kinds...), Namespace: pick(from, "", "shop", "till"), Name: uid(), UID: uid(), Health: pick(from, "", v1alpha1.HealthHealthy, v1alpha1.HealthDegraded)}
			n.ID = ID("", n.Kind, n.Namespace, n.Name)
			o := Observed{Node: n, labels: map[string]string{"a": uid()}, selector: map[string]string{"a": uid()}, backends: []string{uid()}}
			for range from.next(3) {
				o.Owners = append(o.Owners, Owner{Kind: pick(from, kinds...), Name: uid(), UID: uid()})
			}
			observed = append(observed, o)
		}
		whole, hidden := Tree(app, observed)
		tree := newForest()
		tree.addManaged(app.Status.Resources)
		tree.join(observed)
		tree.grow(observed)
		cut, left := tree.cut(tree.inOrder(), most)
		if hidden != 0 || len(cut)+left != len(whole) || len(cut) > most {
			t.Errorf("got %d nodes and %d hidden; cut to %d, %d and %d", len(whole), hidden, most, len(cut), left)
		}
		for _, nodes := range [][]Node{whole, cut} {
			there := map[string]bool{"": true}
			for _, n := range nodes {
				if there[n.ID] || !there[n.Parent] || n.Managed != (n.Parent == "") {
					t.Errorf("%s below %q, managed: %v, in\n%s", n.ID, n.Parent, n.Managed, draw(nodes))
				}
				there[n.ID] = true
			}
			for _, n := range nodes {
				if slices.ContainsFunc(n.Targets, func(id string) bool { return !there[id] }) {
					t.Errorf("%s sends requests to what is not there: %v", n.ID, n.Targets)
				}
			}
		}
	})
}

// worldOf is an Application with Rollouts in whatever state.
func worldOf(from *taken) DeliverySeen {
	hash := func() string { return pick(from, "a", "b", "c", "") }
	app := shop(func(a *v1alpha1.Application) {
		a.Status.Health.Status = pick(from, "", v1alpha1.HealthHealthy, v1alpha1.HealthDegraded, v1alpha1.HealthSuspended, "Odd")
		a.Status.Health.LastTransitionTime = from.time()
		for i := range from.next(4) {
			a.Status.History = append(a.Status.History, v1alpha1.RevisionHistory{ID: int64(i), Revision: hash(), DeployStartedAt: from.time(), DeployedAt: before(time.Duration(from.next(256)) * time.Minute)})
		}
		if from.flag() {
			withOperation(pick(from, v1alpha1.OperationRunning, v1alpha1.OperationFailed, v1alpha1.OperationSucceeded, "Odd"), "m")(a)
			a.Status.OperationState.Operation.Sync.Revision = hash()
			a.Status.OperationState.FinishedAt = from.time()
		}
	})
	seen := DeliverySeen{Application: app}
	for range from.next(3) {
		ro := waitingRollout()
		r, s := ro.Rollout, &ro.Rollout.Status
		r.Spec.Paused, s.Abort, s.AbortedAt = from.flag(), from.flag(), from.time()
		s.Phase = pick(from, "", v1alpha1.RolloutHealthy, v1alpha1.RolloutPaused, v1alpha1.RolloutDegraded, "Odd")
		s.CurrentPodHash, s.StableRS, s.BlueGreen.ActiveSelector, s.BlueGreen.PreviewSelector = hash(), hash(), hash(), hash()
		s.BlueGreen.Switch = pick(from, nil, &v1alpha1.SwitchStatus{From: hash(), To: hash(), Time: before(time.Duration(from.next(256)) * time.Minute), ConvergedAt: from.time()})
		s.Conditions = nil
		if from.flag() {
			r.Spec.Strategy = pick(from, v1alpha1.RolloutStrategy{}, v1alpha1.RolloutStrategy{BlueGreen: &v1alpha1.BlueGreenStrategy{}})
		}
		r.Spec.Replicas = pick(from, nil, new(int32), r.Spec.Replicas)
		ro.Services = ro.Services[:from.next(3)]
		ro.ReplicaSets = nil
		for range from.next(4) {
			rs := replicaSet(int64(from.next(3)), hash(), int32(from.next(3)), int32(from.next(3)))
			rs.CreationTimestamp, rs.UID = before(time.Duration(from.next(256))*time.Minute), types.UID(fmt.Sprint(len(ro.ReplicaSets)))
			ro.ReplicaSets = append(ro.ReplicaSets, rs)
		}
		if from.flag() {
			ro.ReplicaSets = append(ro.ReplicaSets, &appsv1.ReplicaSet{})
		}
		ro.Pods = append(ro.Pods[:from.next(3)], &corev1.Pod{})
		seen.Rollouts = append(seen.Rollouts, ro)
	}
	return seen
}

// Whatever state everything is in, what is shown of it has the words that pages know.
func FuzzViewsOfRollouts(f *testing.F) {
	f.Add([]byte("whatever state everything is in, what is shown of it has words that are known"))
	f.Add([]byte{1, 10, 3, 0, 1, 2, 3, 1, 1, 200, 100, 2, 7, 9, 1, 50, 2, 2, 1, 3, 4, 3, 2, 1, 0, 2, 2, 1, 1, 2, 90, 3, 3, 3, 1, 1, 40, 1, 2, 2, 80, 5, 5, 5})
	stages := []string{stateDone, stateRunning, stateWaiting, stateFailed, stateSkipped, stateUnknown}
	states := []string{DeliveryRunning, DeliveryWaiting, DeliveryDone, DeliveryReplaced, DeliveryFailed, DeliverySuperseded}
	f.Fuzz(func(t *testing.T, data []byte) {
		seen := worldOf(&taken{data})
		for _, d := range Deliveries(seen) {
			if len(d.Stages) != 9 || !slices.Contains(states, d.State) || d.LeadSeconds != nil && *d.LeadSeconds < 0 {
				t.Errorf("got %+v", d)
			}
			for _, s := range d.Stages {
				if !slices.Contains(stages, s.State) {
					t.Errorf("stage %s is %q", s.Name, s.State)
				}
			}
		}
		for _, r := range seen.Rollouts {
			v := RolloutOf(r, noon)
			for _, g := range v.Gates {
				if g.Message == "" || !slices.Contains([]string{gateOpen, gateWaiting, gateFailed}, g.State) {
					t.Errorf("gate %+v", g)
				}
			}
			for _, a := range v.Actions {
				if a.Effect == "" || a.Enabled != (a.Reason == "") {
					t.Errorf("action %+v", a)
				}
			}
			if text, err := json.Marshal(v); err != nil || strings.Contains(string(text), "null") {
				t.Errorf("%v: %s", err, text)
			}
		}
	})
}

// Whatever an image is called, a container of the same name runs it, and no other.
func FuzzImagesFor(f *testing.F) {
	f.Add("registry.example:5000/web:1", "registry.example:5000/web@sha256:1")
	f.Add("a:b/c", "@")
	f.Fuzz(func(t *testing.T, have, image string) {
		got, err := ImagesFor("web", map[string]string{"a": have, "b": "other.example/other"}, "", image)
		if same := imageName(have) == imageName(image); same != (got["a"] == image && err == nil) && image != "" {
			t.Errorf("%q for %q: got %v, %v", image, have, got, err)
		}
	})
}
