package view

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// followed is a Rollout that serves one version while the next one starts.
func followed() RolloutView {
	return RolloutView{
		Namespace: "shop", Name: "web", Strategy: "BlueGreen", Phase: "Progressing", Message: "waiting for pods", Conditions: []Condition{{Type: "Progressing", Status: "True"}},
		Application: &ApplicationRef{Namespace: "argocd", Name: "shop"}, Desired: 3, Ready: 3,
		Lanes: []Lane{
			{Role: RolePreview, ReplicaSet: "web-b", Revision: 2, Images: []string{"web:2"}, Pods: []Pod{{Name: "web-b-1", Phase: "Pending"}, {Name: "web-b-2", Phase: "Pending"}, {Name: "web-b-3", Phase: "Pending"}}},
			{Role: RoleActive, ReplicaSet: "web-a", Revision: 1, Images: []string{"web:1"}, Ready: 3, Pods: []Pod{{Name: "web-a-1", Phase: "Running", Ready: true}, {Name: "web-a-2", Phase: "Running", Ready: true}}},
		},
		Services: []ServiceView{}, Gates: []Gate{}, Actions: []Action{}, Rights: []string{"get"},
		Revisions: []Revision{{Revision: 2, ReplicaSet: "web-b", Images: []string{"web:2"}}, {Revision: 1, ReplicaSet: "web-a", Images: []string{"web:1"}}},
		Events:    []Event{{Time: "2026-01-01T00:00:02Z", Reason: "RolloutUpdated"}, {Time: "2026-01-01T00:00:01Z", Reason: "RolloutNotCompleted"}},
	}
}

// changedTo returns what a page has after a change, as JSON: what the page does with it.
func changedTo(t *testing.T, before RolloutView, change RolloutChange) RolloutView {
	t.Helper()
	text, err := json.Marshal(before)
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	for name, part := range change.Parts {
		if fields[name] = part; string(part) == "null" {
			delete(fields, name)
		}
	}
	if text, err = json.Marshal(fields); err != nil {
		t.Fatal(err)
	}
	var after RolloutView
	if err := json.Unmarshal(text, &after); err != nil {
		t.Fatal(err)
	}
	had := map[string][]Pod{}
	for _, lane := range before.Lanes {
		had[lane.ReplicaSet] = lane.Pods
	}
	for i := range after.Lanes {
		lane := &after.Lanes[i]
		lane.Pods = joined(had[lane.ReplicaSet], change.Pods[lane.ReplicaSet])
	}
	after.Events = joined(before.Events, change.Events)
	return after
}

func joined[T any](before []T, pieces []Piece[T]) []T {
	if pieces == nil {
		return before
	}
	all := []T{}
	for _, p := range pieces {
		if p.Item != nil {
			all = append(all, *p.Item)
		} else {
			all = append(all, before[p.From:p.From+p.Count]...)
		}
	}
	return all
}

func textFor(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rolloutChanges are the ways in which a Rollout changes, with what is told of each.
var rolloutChanges = []struct {
	rule   string
	change func(*RolloutView)
	// want is what is told, without the names.
	want string
}{
	{"nothing", func(*RolloutView) {}, `{"parts":{}}`},
	{"a value", func(v *RolloutView) { v.Ready = 2 }, `{"parts":{"ready":2}}`},
	{"a field that goes", func(v *RolloutView) { v.Message, v.Application = "", nil }, `{"parts":{"application":null,"message":null}}`},
	{"rights, and what may be asked", func(v *RolloutView) {
		v.Rights, v.Actions = []string{"get", "promote"}, []Action{{Name: "promote", Enabled: true}}
	}, `{"parts":{"actions":[{"name":"promote","effect":"","enabled":true}],"rights":["get","promote"]}}`},
	{"a pod among others", func(v *RolloutView) { v.Lanes[0].Pods[1].Phase = "Running" },
		`{"parts":{},"pods":{"web-b":[{"count":1},{"item":{"name":"web-b-2","phase":"Running","ready":false,"restarts":0,"created":""}},{"from":2,"count":1}]}}`},
	{"a pod that goes", func(v *RolloutView) { v.Lanes[0].Pods = v.Lanes[0].Pods[1:] }, `{"parts":{},"pods":{"web-b":[{"from":1,"count":2}]}}`},
	{"the last pods go", func(v *RolloutView) { v.Lanes[1].Pods = []Pod{} }, `{"parts":{},"pods":{"web-a":[]}}`},
	{"a pod that comes", func(v *RolloutView) {
		v.Lanes[1].Pods = append(v.Lanes[1].Pods, Pod{Name: "web-a-3"})
	}, `{"parts":{},"pods":{"web-a":[{"count":2},{"item":{"name":"web-a-3","phase":"","ready":false,"restarts":0,"created":""}}]}}`},
	{"pods change places", func(v *RolloutView) { slices.Reverse(v.Lanes[0].Pods) }, `{"parts":{},"pods":{"web-b":[{"from":2,"count":1},{"from":1,"count":1},{"count":1}]}}`},
	{"an event that comes", func(v *RolloutView) {
		v.Events = append([]Event{{Time: "2026-01-01T00:00:03Z", Reason: "Switched"}}, v.Events...)
	}, `{"parts":{},"events":[{"item":{"time":"2026-01-01T00:00:03Z","type":"","reason":"Switched","message":""}},{"count":2}]}`},
	{"a lane, but not its pods", func(v *RolloutView) { v.Lanes[0].Ready = 1; v.Lanes = v.Lanes[:1] },
		`{"parts":{"lanes":[{"role":"preview","replicaSet":"web-b","revision":2,"hash":"","images":["web:2"],"desired":0,"ready":1,"available":0,"pods":[]}]}}`},
	{"a lane that comes", func(v *RolloutView) {
		v.Lanes = append([]Lane{{Role: RolePreview, ReplicaSet: "web-c", Images: []string{}, Pods: []Pod{{Name: "web-c-1"}}}}, v.Lanes[1])
	}, `{"parts":{"lanes":[{"role":"preview","replicaSet":"web-c","revision":0,"hash":"","images":[],"desired":0,"ready":0,"available":0,"pods":[]},` +
		`{"role":"active","replicaSet":"web-a","revision":1,"hash":"","images":["web:1"],"desired":0,"ready":3,"available":0,"pods":[]}]},` +
		`"pods":{"web-c":[{"item":{"name":"web-c-1","phase":"","ready":false,"restarts":0,"created":""}}]}}`},
}

// What is told of a change is what has changed, and no more; with it a page has what it would have read anew.
func TestChangeOfRollout(t *testing.T) {
	for _, test := range rolloutChanges {
		before, after := followed(), followed()
		test.change(&after)
		change, changed, err := ChangeOfRollout(before, after)
		if err != nil || changed != (test.rule != "nothing") || change.Namespace != "shop" || change.Name != "web" {
			t.Errorf("%s: %+v, changed: %v, %v", test.rule, change, changed, err)
		}
		got := strings.Replace(textFor(t, change), `"namespace":"shop","name":"web",`, "", 1)
		if got != test.want {
			t.Errorf("%s: got\n%s, want\n%s", test.rule, got, test.want)
		}
		if now := changedTo(t, before, change); textFor(t, now) != textFor(t, after) {
			t.Errorf("%s: a page has %s, want %s", test.rule, textFor(t, now), textFor(t, after))
		}
	}
}

var update = flag.Bool("update", false, "write what the tests of the page stand on anew")

// The page's own tests stand on the same changes.
func TestChangesOfRolloutsForThePage(t *testing.T) {
	type row struct {
		Rule   string        `json:"rule"`
		Before RolloutView   `json:"before"`
		Change RolloutChange `json:"change"`
		After  RolloutView   `json:"after"`
	}
	var rows []row
	for _, test := range rolloutChanges {
		before, after := followed(), followed()
		test.change(&after)
		change, _, err := ChangeOfRollout(before, after)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row{test.rule, before, change, after})
	}
	text, err := json.MarshalIndent(rows, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	file := filepath.Join("..", "..", "ui", "src", "api", "rollout.test-data.json")
	if *update {
		if err := os.WriteFile(file, text, 0o644); err != nil { //nolint:gosec // as any file of the repository
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(file); err != nil || string(have) != string(text) {
		t.Errorf("%s is not current, %v: run this test with -update", file, err)
	}
}

// Of hundreds of pods, one that changes is told of alone.
func TestChangeOfOneOfManyPods(t *testing.T) {
	before, after := followed(), followed()
	for i := range 500 {
		pod := Pod{Name: fmt.Sprint("web-b-", i), Phase: "Running", Ready: true}
		before.Lanes[0].Pods = append(before.Lanes[0].Pods, pod)
		if i == 250 {
			pod.Restarts = 1
		}
		after.Lanes[0].Pods = append(after.Lanes[0].Pods, pod)
	}
	change, _, err := ChangeOfRollout(before, after)
	if text := textFor(t, change); err != nil || len(text) > 300 {
		t.Errorf("%d bytes, %v: %s", len(text), err, text)
	}
}

// However lists change, with elements that are there twice and lists that were empty, a page has the next one.
func TestAnyChangeOfAList(t *testing.T) {
	lists := [][]Event{{}}
	for i := 0; len(lists[i]) < 3; i++ {
		for _, reason := range []string{"a", "b", "c"} {
			lists = append(lists, append(slices.Clone(lists[i]), Event{Reason: reason}))
		}
	}
	for _, before := range lists {
		for _, after := range lists {
			in := pieces(before, after)
			if got := joined(before, in); !reflect.DeepEqual(got, after) || (in == nil) != reflect.DeepEqual(before, after) {
				t.Errorf("%v → %v: got %v by %s", before, after, got, textFor(t, in))
			}
		}
	}
}
