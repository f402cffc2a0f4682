package plan

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// TestStories runs the syncs in testdata. A story has the files git.yaml (what is desired), live.yaml (what is
// there), and a timeline of lines:
//
//	option NAME=VALUE         a sync option of the Application
//	prune                     the sync prunes
//	only KIND NAME            the sync is limited to this object
//	refuse KIND NAME WHY      the API server refuses this object in the dry run
//	break|mend KIND NAME      writing this object fails, or no longer does
//	sync                      the sync begins and goes as far as it can
//	healthy|degraded KIND NAME   the object gets there, and the sync goes on
//	end well KIND NAME        the object gets there before the sync looks
//	confirm                   a person confirms the deletions that wait for it
//	delete KIND NAME          somebody deletes the object: it is gone, unless a finalizer holds it
//	vanish KIND NAME          the object is gone at once, whatever holds it
//	unserved|served GROUP KIND   the cluster does not serve a kind yet, or does
//	pass DURATION             time passes, and the sync looks again
//	terminate                 a person stops it
//	expect did WORDS          what was written since the last such line: apply, create, delete, and hooks with their
//	                          phase; record where the status is stored before the sync goes on
//	expect waits TEXT | expect looks DURATION   what is waited for, and after which time it looks again by itself
//	expect running | expect succeeded | expect failed TEXT
//	expect live KIND NAME | expect gone KIND NAME
//	expect held KIND NAME | expect free KIND NAME   a hook with and without the finalizer
//
// Objects of kind Slow are progressing until a line says otherwise; all others are well at once.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { tellStory(t, file) })
	}
}

type story struct {
	t       *testing.T
	desired []Desired
	live    map[Key]*unstructured.Unstructured
	policy  Policy
	refuse  map[ID]string
	broken  map[Key]bool
	// unserved are kinds that the cluster does not serve.
	unserved map[schema.GroupKind]bool
	plan     Plan
	seen     Progress
	did      []string
	last     Step
}

func tellStory(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &story{t: t, live: map[Key]*unstructured.Unstructured{}, refuse: map[ID]string{}, broken: map[Key]bool{}, unserved: map[schema.GroupKind]bool{}, policy: Policy{
		Instance: "shop", Namespace: "default", Options: Options{}, Revision: "0123456789abcdef", StartedAt: time.Unix(1700000000, 0),
		ClusterScoped: map[schema.GroupKind]bool{{Kind: "Namespace"}: true},
	}}
	timeline := ""
	for _, f := range txtar.Parse(data).Files {
		switch f.Name {
		case "git.yaml":
			for _, o := range documents(t, f.Data) {
				s.desired = append(s.desired, Desired{Object: o})
			}
		case "live.yaml":
			for _, o := range documents(t, f.Data) {
				s.live[KeyOf(o)] = o
			}
		case "timeline":
			timeline = string(f.Data)
		}
	}
	lines := 0
	for i, line := range strings.Split(timeline, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		lines++
		if problem := s.do(words[0], words[1:]); problem != "" {
			t.Fatalf("timeline:%d: %s\n  %s\n%s", i+1, line, problem, s.plan)
		}
	}
	if lines == 0 {
		t.Fatal("the story has no timeline")
	}
}

func documents(t *testing.T, data []byte) []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for _, doc := range strings.Split(string(data), "\n---\n") {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(doc), &o.Object); err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	return all
}

func (s *story) do(verb string, args []string) string {
	switch verb {
	case "option":
		s.policy.Options = s.policy.Options.With(ParseOptions(args))
	case "prune":
		s.policy.Prune = true
	case "only":
		s.policy.Selected = append(s.policy.Selected, v1alpha1.SyncOperationResource{Kind: args[0], Name: args[1]})
	case "refuse":
		for _, phase := range []v1alpha1.HookType{v1alpha1.HookSync} {
			s.refuse[ID{s.key(args[0], args[1]), phase}] = strings.Join(args[2:], " ")
		}
	case "break":
		s.broken[s.key(args[0], args[1])] = true
	case "mend":
		delete(s.broken, s.key(args[0], args[1]))
	case "sync":
		s.begin()
	case "end":
		return s.settle("healthy", args[1], args[2])
	case "healthy", "degraded":
		if problem := s.settle(verb, args[0], args[1]); problem != "" {
			return problem
		}
		s.run()
	case "delete", "vanish":
		return s.remove(verb, args[0], args[1])
	case "confirm":
		s.policy.Confirmed = true
		s.build()
		s.run()
	case "unserved":
		s.unserved[schema.GroupKind{Group: args[0], Kind: args[1]}] = true
	case "served":
		delete(s.unserved, schema.GroupKind{Group: args[0], Kind: args[1]})
		s.run()
	case "pass":
		d, err := time.ParseDuration(args[0])
		if err != nil {
			return err.Error()
		}
		s.seen.Now = s.seen.Now.Add(d)
		s.run()
	case "terminate":
		s.seen.Terminate = true
		s.run()
	case "expect":
		return s.expect(args[0], strings.Join(args[1:], " "))
	default:
		return "unknown line"
	}
	return ""
}

// settle sets the status of an object that has ended well or badly.
func (s *story) settle(how, kind, name string) string {
	o := s.live[s.key(kind, name)]
	if o == nil {
		return "it is not there"
	}
	condition, ready := "Complete", "True"
	if how == "degraded" {
		condition, ready = "Failed", "False"
	}
	o.Object["status"] = map[string]any{"conditions": []any{
		map[string]any{"type": condition, "status": "True", "message": "said so"}, map[string]any{"type": "Ready", "status": ready},
	}}
	if kind == "Deployment" {
		o.Object["status"] = map[string]any{"replicas": int64(1), "updatedReplicas": int64(1), "availableReplicas": int64(1)}
		if how == "degraded" {
			o.Object["status"] = map[string]any{"conditions": []any{map[string]any{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "said so"}}}
		}
	}
	return ""
}

// remove has somebody delete an object, or takes it away whatever holds it.
func (s *story) remove(how, kind, name string) string {
	key := s.key(kind, name)
	o := s.live[key]
	if o == nil {
		return "it is not there"
	}
	if how == "vanish" || len(o.GetFinalizers()) == 0 {
		delete(s.live, key)
	} else {
		now := metav1.NewTime(s.policy.StartedAt)
		o.SetDeletionTimestamp(&now)
	}
	s.run()
	return ""
}

// key finds an object by kind and name, whatever its group and namespace.
func (s *story) key(kind, name string) Key {
	for key := range s.live {
		if key.Kind == kind && key.Name == name {
			return key
		}
	}
	for _, d := range s.desired {
		if k := KeyOf(d.Object); k.Kind == kind && k.Name == name {
			if k.Namespace == "" && kind != "Namespace" {
				k.Namespace = s.policy.Namespace
			}
			return k
		}
	}
	return Key{Kind: kind, Name: name, Namespace: s.policy.Namespace}
}

func (s *story) begin() {
	s.build()
	s.seen = Progress{
		Results: map[ID]v1alpha1.ResourceResult{}, Recorded: map[ID]bool{}, Refused: s.refuse, Unserved: s.unserved, Now: s.policy.StartedAt, Since: s.policy.StartedAt,
	}
	s.did = nil
	s.run()
}

func (s *story) build() {
	prepared, _ := Prepare(s.desired, s.policy)
	var live []Live
	for _, o := range s.live {
		live = append(live, Live{Object: o.DeepCopy()})
	}
	s.plan = Build(prepared, live, s.policy)
}

// run takes steps until there is nothing to do but to wait.
func (s *story) run() {
	for range 50 {
		s.seen.Live = s.live
		step := s.plan.Next(s.seen)
		s.last = step
		for _, r := range step.Results {
			s.seen.Results[IDOf(r)] = r
			s.seen.Recorded[IDOf(r)] = false
		}
		if step.Try {
			s.seen.Tried = true
			continue
		}
		if step.Record {
			s.did = append(s.did, "record")
			for id, r := range s.seen.Results {
				s.seen.Recorded[id] = r.HookPhase != v1alpha1.OperationRunning
			}
			continue
		}
		for _, a := range step.Actions {
			s.carryOut(a)
		}
		if step.Phase != "" || len(step.Actions) == 0 {
			return
		}
	}
	s.t.Fatalf("it never comes to rest: %v", s.last)
}

func (s *story) carryOut(a Action) {
	t := a.Task
	word := string(a.Do) + ":" + t.Key.Name
	if t.Verb == Hook {
		word = strings.ReplaceAll(string(a.Do), " ", "-") + "@" + string(t.Phase) + ":" + t.Key.Name
	}
	s.did = append(s.did, word)
	switch {
	case a.Do == DoReleaseHook:
		o := s.live[t.Key]
		o.SetFinalizers(slices.DeleteFunc(o.GetFinalizers(), func(f string) bool { return f == v1alpha1.HookFinalizer }))
		if o.GetDeletionTimestamp() != nil {
			delete(s.live, t.Key)
		}
		return
	case a.Do == DoApply && t.Force && s.live[t.Key] != nil && s.live[t.Key].GetDeletionTimestamp() == nil:
		// It can't be changed: it is deleted, and created when it is gone.
		if now := metav1.NewTime(s.policy.StartedAt); len(s.live[t.Key].GetFinalizers()) > 0 {
			s.live[t.Key].SetDeletionTimestamp(&now)
		} else {
			delete(s.live, t.Key)
		}
		return
	case s.broken[t.Key] && a.Do != DoDeleteHook:
		r := Failed(t, "the API server said no")
		s.seen.Results[IDOf(r)] = r
		s.seen.Recorded[IDOf(r)] = false
		return
	case a.Do == DoDelete && len(t.Object.GetFinalizers()) > 0:
		now := metav1.NewTime(s.policy.StartedAt)
		s.live[t.Key].SetDeletionTimestamp(&now)
	case a.Do == DoDelete || a.Do == DoDeleteHook:
		delete(s.live, t.Key)
	default:
		o := t.Object.DeepCopy()
		if old := s.live[t.Key]; old != nil && old.Object["status"] != nil {
			o.Object["status"] = old.Object["status"]
		}
		s.live[t.Key] = o
	}
	if a.Do != DoDeleteHook {
		r := Begun(t, "done")
		s.seen.Results[IDOf(r)] = r
		s.seen.Recorded[IDOf(r)] = false
	}
}

func (s *story) expect(what, want string) string {
	args := strings.Fields(want)
	switch what {
	case "did":
		got := strings.Join(s.did, " ")
		s.did = nil
		if got != strings.Join(args, " ") {
			return "it did " + got
		}
	case "waits":
		if !strings.Contains(strings.Join(s.last.Waiting, "; "), want) || s.last.Phase != "" {
			return fmt.Sprintf("it waits for %v, phase %s", s.last.Waiting, s.last.Phase)
		}
	case "looks":
		if got := s.last.Until.Sub(s.seen.Now); got.String() != want {
			return "it looks again after " + got.String()
		}
	case "running":
		if s.last.Phase != "" {
			return "it is " + string(s.last.Phase)
		}
	case "succeeded", "failed":
		phase := map[string]v1alpha1.OperationPhase{"succeeded": v1alpha1.OperationSucceeded, "failed": v1alpha1.OperationFailed}[what]
		if s.last.Phase != phase || !strings.Contains(s.last.Message, want) {
			return fmt.Sprintf("it is %q: %s, waiting for %v", s.last.Phase, s.last.Message, s.last.Waiting)
		}
	case "live", "gone":
		_, there := s.live[s.key(args[0], args[1])]
		if there != (what == "live") {
			return fmt.Sprintf("there: %v", there)
		}
	case "held", "free":
		o := s.live[s.key(args[0], args[1])]
		if o == nil || Held(o) != (what == "held") {
			return fmt.Sprintf("there: %v", o)
		}
	case "status":
		for _, r := range s.plan.Resources {
			if r.Key.Kind == args[0] && r.Key.Name == args[1] && string(r.Status) != args[2] {
				return fmt.Sprintf("it is %s: %v", r.Status, r.Drift)
			}
		}
	default:
		return "unknown expectation"
	}
	return ""
}

// TestARestartForgetsNothing builds the progress anew from the results alone, after every step of a sync: it goes on
// where it was.
func TestARestartForgetsNothing(t *testing.T) {
	object := func(kind, name, hook string, wave int) Desired {
		o := &unstructured.Unstructured{Object: map[string]any{}}
		o.SetAPIVersion(map[string]string{"Job": "batch/v1", "ConfigMap": "v1"}[kind])
		o.SetKind(kind)
		o.SetName(name)
		a := map[string]string{v1alpha1.SyncWaveAnnotation: fmt.Sprint(wave)}
		if hook != "" {
			a[v1alpha1.HookAnnotation] = hook
		}
		o.SetAnnotations(a)
		return Desired{Object: o}
	}
	policy := Policy{Instance: "shop", Namespace: "default"}
	prepared, _ := Prepare([]Desired{object("Job", "before", "PreSync", 0), object("ConfigMap", "a", "", 0), object("ConfigMap", "b", "", 1), object("Job", "after", "PostSync", 0)}, policy)
	plan := Build(prepared, nil, policy)
	live := map[Key]*unstructured.Unstructured{}
	results, recorded := map[ID]v1alpha1.ResourceResult{}, map[ID]bool{}
	var created []string
	for range 30 {
		step := plan.Next(Progress{Tried: true, Results: results, Recorded: recorded, Live: live})
		for _, r := range step.Results {
			results[IDOf(r)] = r
			recorded[IDOf(r)] = r.HookPhase != v1alpha1.OperationRunning
		}
		if step.Record {
			continue
		}
		for _, a := range step.Actions {
			if a.Do == DoReleaseHook {
				live[a.Task.Key].SetFinalizers(nil)
				continue
			}
			created = append(created, a.Task.Key.Name)
			o := a.Task.Object.DeepCopy()
			o.Object["status"] = map[string]any{"conditions": []any{map[string]any{"type": "Complete", "status": "True"}}}
			live[a.Task.Key] = o
			r := Begun(a.Task, "")
			results[IDOf(r)] = r
		}
		if step.Phase != "" {
			break
		}
	}
	if want := []string{"before", "a", "b", "after"}; !slices.Equal(created, want) {
		t.Errorf("created %v, want %v", created, want)
	}
}
