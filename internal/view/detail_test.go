package view

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/project"
)

// deployed is an Application with a history.
func deployed(a *v1alpha1.Application) {
	a.Status.Sync.Revision = "two"
	a.Status.History = []v1alpha1.RevisionHistory{
		{ID: 1, Revision: "one", DeployedAt: before(time.Hour), InitiatedBy: v1alpha1.OperationInitiator{Username: "ann"}, Source: &v1alpha1.ApplicationSource{Path: "k8s"}},
		{ID: 2, Revision: "two", DeployedAt: before(time.Minute), DeployStartedAt: at(2 * time.Minute), InitiatedBy: v1alpha1.OperationInitiator{Automated: true}},
	}
}

// What a detail has besides its row.
func TestDetails(t *testing.T) {
	commits := map[string]GitCommit{"one": {SHA: "one", Author: "Ann", Message: "First", Date: noon.Add(-2 * time.Hour)}, "two": {SHA: "two", Author: "Bob", Message: "Second"}}
	windows := func(manual bool) *v1alpha1.AppProject {
		return &v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{SyncWindows: []v1alpha1.SyncWindow{
			{Kind: "deny", Schedule: "* * * * *", Duration: "1h", Applications: []string{"*"}, ManualSync: manual}, {Kind: "deny", Schedule: "0 3 * * *", Duration: "1h", Applications: []string{"*"}},
			{Kind: "deny", Schedule: "* * * * *", Duration: "1h", Applications: []string{"other"}},
		}}}
	}
	for _, c := range []struct {
		name, want string
		app        *v1alpha1.Application
		project    *v1alpha1.AppProject
		of         func(Detail) any
	}{
		{"the history", "[{2 two Bob Second  2026-11-26T11:59:00Z 2026-11-26T11:58:00Z automated sync } {1 one Ann First 2026-11-26T10:00:00Z 2026-11-26T11:00:00Z  ann k8s}]", shop(deployed), nil, func(d Detail) any { return d.History }},
		{"the live commit", "{two Bob Second }", shop(deployed), nil, func(d Detail) any { return *d.Commit }},
		{"no commit", "true", shop(), nil, func(d Detail) any { return d.Commit == nil }},
		{"no pin", "true", shop(deployed), nil, func(d Detail) any { return d.Pin == nil }},
		{"a pin", "{three automated sync 2026-11-26T11:59:00Z push a commit that changes it, or sync this one yourself}", shop(deployed, func(a *v1alpha1.Application) {
			a.Annotations = map[string]string{v1alpha1.RollbackPinAnnotation: "three"}
		}), nil, func(d Detail) any { return *d.Pin }},
		{"a pin of what is deployed", "{two   push a commit that changes it, or sync this one yourself}", shop(deployed, func(a *v1alpha1.Application) {
			a.Annotations = map[string]string{v1alpha1.RollbackPinAnnotation: "two"}
		}), nil, func(d Detail) any { return *d.Pin }},
		{"a pin without a history", "{two   push a commit that changes it, or sync this one yourself}", shop(func(a *v1alpha1.Application) {
			a.Annotations = map[string]string{v1alpha1.RollbackPinAnnotation: "two"}
		}), nil, func(d Detail) any { return *d.Pin }},
		{"a condition with a remedy", "[{SyncError  Service web: port 0: invalid correct it 2026-11-26T11:59:00Z}]", shop(withCondition(v1alpha1.ConditionSyncError, "Service web: port 0: invalid; correct it")), nil, func(d Detail) any { return d.Conditions }},
		{"a long condition keeps its remedy", "…; correct it", shop(withCondition(v1alpha1.ConditionSyncError, "a; "+strings.Repeat("x", 2*longestText)+"; correct it")), nil, func(d Detail) any {
			return d.Conditions[0].Message[longestText:] + "; " + d.Conditions[0].Remedy
		}},
		{"a long remedy", "…", shop(withCondition(v1alpha1.ConditionSyncError, "a; "+strings.Repeat("x", 2*longestText))), nil, func(d Detail) any { return d.Conditions[0].Remedy[longestText:] }},
		{"a condition of which the remedy alone is said", "[{SyncError  ; correct it correct it in git, or sync again 2026-11-26T11:59:00Z}]", shop(withCondition(v1alpha1.ConditionSyncError, "; correct it")), nil, func(d Detail) any { return d.Conditions }},
		{"a condition without", "[{SyncError  no correct it in git, or sync again 2026-11-26T11:59:00Z}]", shop(withCondition(v1alpha1.ConditionSyncError, "no")), nil, func(d Detail) any { return d.Conditions }},
		{"an operation", "Failed x rev 3 [{g Job ns migrate Failed Synced exit 1 PreSync}]", shop(withOperation(v1alpha1.OperationFailed, "x", &v1alpha1.ResourceResult{Group: "g", Kind: "Job", Namespace: "ns", Name: "migrate", HookPhase: "Failed", Status: "Synced", Message: "exit 1", HookType: "PreSync"}), func(a *v1alpha1.Application) {
			a.Status.OperationState.RetryCount, a.Status.OperationState.SyncResult.Revision = 3, "rev"
		}), nil, func(d Detail) any {
			return fmt.Sprint(d.Operation.Phase, " ", d.Operation.Message, " ", d.Operation.Revision, " ", d.Operation.Retries, " ", d.Operation.Results)
		}},
		{"an operation that has done nothing yet", "[] ", shop(withOperation(v1alpha1.OperationRunning, ""), func(a *v1alpha1.Application) { a.Status.OperationState.SyncResult = nil }), nil, func(d Detail) any { return fmt.Sprint(d.Operation.Results, " ", d.Operation.Revision) }},
		{"an operation of many objects", fmt.Sprint(mostResults), shop(withOperation(v1alpha1.OperationRunning, "", slices.Repeat([]*v1alpha1.ResourceResult{{}}, mostResults+1)...)), nil, func(d Detail) any { return len(d.Operation.Results) }},
		{"of an operation of many objects, those that have failed", fmt.Sprint(mostResults, " late fails "), shop(withOperation(v1alpha1.OperationRunning, "", append(slices.Repeat([]*v1alpha1.ResourceResult{{}}, mostResults), &v1alpha1.ResourceResult{Name: "late"}, &v1alpha1.ResourceResult{Name: "fails", Status: v1alpha1.ResultSyncFailed})...), func(a *v1alpha1.Application) {
			a.Status.OperationState.SyncResult.Resources[0] = &v1alpha1.ResourceResult{Name: "late"}
		}), nil, func(d Detail) any {
			r := d.Operation.Results
			return fmt.Sprint(len(r), " ", r[1].Name, " ", r[0].Name, " ", r[len(r)-1].Name)
		}},
		{"of an operation of as many objects as are shown, all in their order", fmt.Sprint(mostResults, " Synced SyncFailed"), shop(withOperation(v1alpha1.OperationRunning, "", append(slices.Repeat([]*v1alpha1.ResourceResult{{Status: v1alpha1.ResultSynced}}, mostResults-1), &v1alpha1.ResourceResult{Status: v1alpha1.ResultSyncFailed})...)), nil, func(d Detail) any {
			r := d.Operation.Results
			return fmt.Sprint(len(r), " ", r[0].Status, " ", r[len(r)-1].Status)
		}},
		{"no operation", "true", shop(), nil, func(d Detail) any { return d.Operation == nil }},
		{"sync windows", "[{deny * * * * * true false} {deny 0 3 * * * false false}] false", shop(), windows(false), func(d Detail) any { return fmt.Sprint(d.Windows, " ", d.CanSync) }},
		{"sync windows that let people sync", "true true true", shop(), windows(true), func(d Detail) any { return fmt.Sprint(d.Windows[0].Manual, " ", d.Windows[0].Active, " ", d.CanSync) }},
		{"no project that could be read", "[] false", shop(), nil, func(d Detail) any { return fmt.Sprint(d.Windows, " ", d.CanSync) }},
		{"addresses", "[https://shop.example]", shop(func(a *v1alpha1.Application) {
			a.Status.Summary.ExternalURLs = []string{"https://shop.example", "javascript:alert(1)"}
		}), nil, func(d Detail) any { return d.URLs }},
		{"links", "[{board https://board.example}]", shop(func(a *v1alpha1.Application) {
			a.Spec.Info = []v1alpha1.Info{{Name: "board", Value: "https://board.example"}, {Name: "team", Value: "shop"}, {Name: "bad", Value: "javascript:alert(1)"}}
		}), nil, func(d Detail) any { return d.Links }},
		{"an address with a title", "[{Docs https://docs.example} {board https://board.example}] [https://shop.example]", shop(func(a *v1alpha1.Application) {
			a.Status.Summary.ExternalURLs = []string{"https://shop.example", "Docs | https://docs.example", "Bad|javascript:alert(1)"}
			a.Spec.Info = []v1alpha1.Info{{Name: "board", Value: "https://board.example"}}
		}), nil, func(d Detail) any { return fmt.Sprint(d.Links, " ", d.URLs) }},
		{"lists that are empty", "true true true true true true", shop(), nil, func(d Detail) any {
			return fmt.Sprint(d.Nodes != nil, d.URLs != nil, d.Conditions != nil, d.History != nil, d.Links != nil, d.Windows != nil)
		}},
	} {
		d := DetailOf(DetailSeen{Application: c.app, Project: c.project, Commits: commits, To: project.Destination{Namespace: "shop"}}, noon)
		for i := range d.Conditions {
			checkSaid(t, d.Conditions[i].Remedy, d.Conditions[i].RemedySaid)
			d.Conditions[i].RemedySaid = nil
		}
		if d.Pin != nil {
			if checkSaid(t, d.Pin.Remedy, d.Pin.RemedySaid); d.Pin.RemedySaid == nil {
				t.Errorf("%s: the remedy %q is in no other language", c.name, d.Pin.Remedy)
			}
			d.Pin.RemedySaid = nil
		}
		if got := strings.ReplaceAll(fmt.Sprint(c.of(d)), " <nil>", ""); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	d := DetailOf(DetailSeen{Application: shop(), Row: Row{Name: "x"}, Manifest: "m", Nodes: []Node{{ID: "n"}}, Hidden: 3, Trouble: "t"}, noon)
	if d.Row.Name != "x" || d.Manifest != "m" || d.Nodes[0].ID != "n" || d.Hidden != 3 || d.Trouble != "t" {
		t.Errorf("got %+v", d)
	}
}

// A commit that sets an image is one of a program: the detail has who built what as well.
func TestDetailsNameWhatWasBuilt(t *testing.T) {
	mark := delivery.Mark{SourceCommit: built, Image: image, Overlay: "k8s", Name: "web"}
	set, source := made("two", time.Minute, mark.Message("Count requests")), made(built, time.Hour, "Count requests\n")
	for _, c := range []struct {
		name    string
		commits map[string]GitCommit
		want    *Commit
	}{
		{"a commit that sets an image", map[string]GitCommit{"two": set, built: source}, &Commit{SHA: built, Author: "ann", Message: "Count requests", Date: "2026-11-26T11:00:00Z"}},
		{"what was built cannot be read", map[string]GitCommit{"two": set}, &Commit{SHA: built}},
		{"a commit of people", map[string]GitCommit{"two": made("two", time.Minute, "Count requests"), built: source}, nil},
		{"a commit that cannot be read", map[string]GitCommit{built: source}, nil},
	} {
		d := DetailOf(DetailSeen{Application: shop(deployed), Commits: c.commits}, noon)
		if !reflect.DeepEqual(d.Commit.Source, c.want) || !reflect.DeepEqual(d.History[0].Source, c.want) || d.History[1].Source != nil {
			t.Errorf("%s: got %+v and %+v, want %+v", c.name, d.Commit.Source, d.History[0].Source, c.want)
		}
	}
}

// Each commit is asked for once, the live one first.
func TestWhichCommitsADetailTellsOf(t *testing.T) {
	app := shop(deployed, func(a *v1alpha1.Application) {
		a.Status.History = append(a.Status.History, v1alpha1.RevisionHistory{Revision: "one"}, v1alpha1.RevisionHistory{})
	})
	if got := fmt.Sprint(RevisionsOf(app)); got != "[two one]" {
		t.Errorf("got %s", got)
	}
	if got := RevisionsOf(shop()); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}
