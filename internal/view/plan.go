package view

import (
	"cmp"
	"reflect"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// mostTasks bounds the tasks that a plan shows, and mostRefusals what it says of those that must not be carried out.
const (
	mostTasks    = 2000
	mostRefusals = 100
)

// Plan is what a sync would do.
type Plan struct {
	Revision string    `json:"revision,omitempty"`
	Tasks    []Task    `json:"tasks" doc:"in the order in which they are done"`
	Hidden   int       `json:"hidden,omitempty" doc:"tasks that are left out"`
	Findings []Finding `json:"findings"`
	Refusals []string  `json:"refusals" doc:"why the sync would fail before anything is changed"`
}

// Task is one object's part in a sync.
type Task struct {
	Phase     string   `json:"phase" doc:"PreSync, Sync, PostSync, SyncFail …"`
	Wave      int      `json:"wave"`
	Action    string   `json:"action" enum:"create,change,replace,delete,hook,none"`
	Group     string   `json:"group"`
	Kind      string   `json:"kind"`
	Namespace string   `json:"namespace,omitempty"`
	Name      string   `json:"name"`
	Restarts  bool     `json:"restarts,omitempty" doc:"whether its pods are replaced"`
	Changes   []Change `json:"changes"`
	More      int      `json:"more,omitempty" doc:"changes that are left out"`
	Note      string   `json:"note,omitempty" doc:"why it is left alone, would fail, or waits for a person"`
	Fails     bool     `json:"fails,omitempty"`
}

// Finding is what validation found.
type Finding struct {
	Object   string `json:"object,omitempty"`
	Message  string `json:"message"`
	Severity string `json:"severity" enum:"error,warning"`
}

// PlanOf returns what a sync would do, of what was compared with its operation. That one of its tasks is refused is
// known of those that are left out, too.
func PlanOf(c Compared, mask func(*unstructured.Unstructured) *unstructured.Unstructured) Plan {
	p := Plan{Revision: c.Revision, Tasks: []Task{}, Findings: append([]Finding{}, c.Findings...), Refusals: []string{}}
	if !c.Complete {
		p.Refusals = append(p.Refusals, c.Problems...)
		return p
	}
	for _, text := range c.Problems {
		p.Findings = append(p.Findings, Finding{Message: text, Severity: "warning"})
	}
	left := space{mostTasks, longestAll}
	for _, t := range c.Plan.Tasks {
		if t.Refused != "" && len(p.Refusals) < mostRefusals {
			p.Refusals = append(p.Refusals, t.Key.String()+": "+t.Refused)
		}
		if left.isFull() {
			p.Hidden++
			continue
		}
		task := taskOf(c, t, mask)
		left.take(sizeOf(task.Changes) + len(task.Note))
		p.Tasks = append(p.Tasks, task)
	}
	return p
}

func taskOf(c Compared, t plan.Task, mask func(*unstructured.Unstructured) *unstructured.Unstructured) Task {
	task := Task{
		Phase: cmp.Or(string(t.Phase), string(v1alpha1.HookSync)), Wave: t.Wave, Group: t.Key.Group, Kind: t.Key.Kind, Namespace: t.Key.Namespace, Name: t.Key.Name, Changes: []Change{},
	}
	task.Action, task.Note, task.Fails = becomes(c, t)
	if task.Action == "change" || task.Action == "replace" {
		after := c.After[t.Key]
		if after == nil {
			after = applied(t.Live, t.Object)
		}
		task.Changes, task.More = Differences(plain(mask, t.Live), plain(mask, after))
		task.Restarts = restarts(c, t, after)
	}
	return task
}

// workloads are the kinds that have pods, and whether they replace these when their template changes.
var workloads = map[string]bool{
	"apps/Deployment": true, "apps/StatefulSet": true, "apps/DaemonSet": true, "argoproj.io/Rollout": true,
	"apps/ReplicaSet": false, "/ReplicationController": false, "batch/Job": false, "/Pod": false,
}

// restarts reports whether an object's pods are replaced when it becomes another.
func restarts(c Compared, t plan.Task, after *unstructured.Unstructured) bool {
	rolls, runs := workloads[t.Key.Group+"/"+t.Key.Kind]
	if runs && isMadeAgain(c, t) {
		return true
	}
	if how, _, _ := unstructured.NestedString(after.Object, "spec", "updateStrategy", "type"); !rolls || how == "OnDelete" {
		return false
	}
	was, _, _ := unstructured.NestedFieldNoCopy(t.Live.Object, "spec", "template")
	is, _, _ := unstructured.NestedFieldNoCopy(after.Object, "spec", "template")
	return !reflect.DeepEqual(was, is)
}

// isMadeAgain reports whether an object is deleted and made again, since it cannot be changed to what it is to be.
func isMadeAgain(c Compared, t plan.Task) bool {
	after := c.After[t.Key]
	return t.Force && after != nil && after.GetUID() != t.Live.GetUID()
}

// becomes returns what a task does to its object, with what one should know of it, and whether it would fail. Fields
// whose drift does not count are written all the same, and then that is a change.
func becomes(c Compared, t plan.Task) (action, note string, fails bool) {
	switch {
	case t.Refused != "":
		return "none", t.Refused, true
	case t.Skip != "":
		return "none", t.Skip, false
	case t.Verb == plan.Delete:
		return "delete", t.Confirm, false
	case c.Refused[t.Key] != "":
		return "none", c.Refused[t.Key], true
	case t.Verb == plan.Hook && t.Phase == v1alpha1.HookSyncFail:
		return "hook", "runs only when the sync fails", false
	case t.Verb == plan.Hook:
		return "hook", "", false
	case t.Live == nil:
		return "create", "", false
	case t.Unchanged && !t.Overwrites:
		return "none", "", false
	case t.Options.Replace() || isMadeAgain(c, t):
		return "replace", "", false
	}
	return "change", "", false
}
