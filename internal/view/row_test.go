package view

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/handover"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
)

// What a row has of an Application.
func TestRows(t *testing.T) {
	full := func(a *v1alpha1.Application) {
		a.Labels = map[string]string{"team": "shop"}
		a.Spec = v1alpha1.ApplicationSpec{
			Project: "p", Destination: v1alpha1.ApplicationDestination{Server: v1alpha1.InClusterServer, Namespace: "ns"},
			Source:     &v1alpha1.ApplicationSource{RepoURL: "https://git.example/x", Path: "k8s", TargetRevision: "main"},
			SyncPolicy: &v1alpha1.SyncPolicy{Automated: &v1alpha1.AutomatedSync{}},
		}
		a.Status.Sync.Revision = "new"
		a.Status.Summary.Images = []string{"a:1"}
		a.Status.Resources = []v1alpha1.ResourceStatus{{Kind: "Service", Name: "web"}, {Group: "argoproj.io", Kind: "Rollout", Namespace: "ns", Name: "web"}, {Group: "other", Kind: "Rollout", Name: "web"}}
		a.Status.History = []v1alpha1.RevisionHistory{{Revision: "older", DeployedAt: before(time.Hour)}, {Revision: "old", DeployedAt: before(30 * time.Minute)}}
		a.Annotations = map[string]string{v1alpha1.RollbackPinAnnotation: "pin"}
	}
	sources := func(all ...v1alpha1.ApplicationSource) func(*v1alpha1.Application) {
		return func(a *v1alpha1.Application) { a.Spec.Sources = all }
	}
	with := func(change func(*v1alpha1.Application)) *v1alpha1.Application { return shop(full, change) }
	nothing := func(*v1alpha1.Application) {}
	for _, c := range []struct {
		name, want string
		app        *v1alpha1.Application
		of         func(Row) any
	}{
		{"what it is", "argocd/shop of p, labels map[team:shop], created 2026-11-26T11:00:00Z", with(nothing), func(r Row) any {
			return fmt.Sprintf("%s/%s of %s, labels %v, created %s", r.Namespace, r.Name, r.Project, r.Labels, r.Created)
		}},
		{"where from and where to", "https://git.example/x k8s  main in-cluster ns", with(nothing), func(r Row) any {
			return strings.Join([]string{r.Repo, r.Path, r.Chart, r.TargetRevision, r.Cluster, r.Destination}, " ")
		}},
		{"how it is", "Synced Healthy true pin [a:1] 3", with(nothing), func(r Row) any {
			return fmt.Sprint(r.Sync, " ", r.Health, " ", r.Automated, " ", r.Pinned, " ", r.Images, " ", r.Objects)
		}},
		{"how it is, and nobody has looked", "Unknown Unknown false", &v1alpha1.Application{}, func(r Row) any { return fmt.Sprint(r.Sync, " ", r.Health, " ", r.Automated) }},
		{"no project", "default", shop(), func(r Row) any { return r.Project }},
		{"no source", " HEAD", shop(), func(r Row) any { return r.Repo + " " + r.TargetRevision }},
		{"no revision is HEAD", "HEAD", with(func(a *v1alpha1.Application) { a.Spec.Source.TargetRevision = "" }), func(r Row) any { return r.TargetRevision }},
		{"the first of several sources", "one chart", with(sources(v1alpha1.ApplicationSource{RepoURL: "one", Chart: "chart"}, v1alpha1.ApplicationSource{RepoURL: "two"})), func(r Row) any { return r.Repo + " " + r.Chart }},
		{"the first of many labels", "32", shop(func(a *v1alpha1.Application) {
			a.Labels = map[string]string{}
			for i := range mostLabels + 1 {
				a.Labels[fmt.Sprint(i)] = ""
			}
		}), func(r Row) any { return len(r.Labels) }},
		{"as many labels as there may be", fmt.Sprint(mostLabels), shop(func(a *v1alpha1.Application) {
			a.Labels = map[string]string{}
			for i := range mostLabels {
				a.Labels[fmt.Sprint(i)] = ""
			}
		}), func(r Row) any { return len(r.Labels) }},
		{"too many images", fmt.Sprint(mostImages), shop(func(a *v1alpha1.Application) { a.Status.Summary.Images = make([]string, 99) }), func(r Row) any { return len(r.Images) }},
		{"too many Rollouts", fmt.Sprint(mostRollouts), shop(func(a *v1alpha1.Application) {
			a.Status.Resources = slices.Repeat([]v1alpha1.ResourceStatus{{Group: "argoproj.io", Kind: "Rollout"}}, 99)
		}), func(r Row) any { return len(r.Rollouts) }},

		{"the live commit, in sync", "new", with(nothing), func(r Row) any { return r.Revision }},
		{"the live commit, out of sync", "old", with(func(a *v1alpha1.Application) { a.Status.Sync.Status = v1alpha1.OutOfSync }), func(r Row) any { return r.Revision }},
		{"the live commit, never deployed", "new", with(func(a *v1alpha1.Application) { a.Status.Sync.Status, a.Status.History = v1alpha1.OutOfSync, nil }), func(r Row) any { return r.Revision }},
		{"the live commit of several sources", "a", shop(func(a *v1alpha1.Application) { a.Status.Sync.Revisions = []string{"a", "b"} }), func(r Row) any { return r.Revision }},

		{"the last sync", "2026-11-26T11:30:00Z", with(nothing), func(r Row) any { return r.LastSync }},
		{"the last sync, without a new deployment", "2026-11-26T11:59:00Z", with(withOperation(v1alpha1.OperationSucceeded, "")), func(r Row) any { return r.LastSync }},
		{"the last sync has failed", "2026-11-26T11:30:00Z", with(withOperation(v1alpha1.OperationFailed, "")), func(r Row) any { return r.LastSync }},
		{"the last sync that the history knows", "2026-11-26T11:59:30Z", with(func(a *v1alpha1.Application) {
			withOperation(v1alpha1.OperationSucceeded, "")(a)
			a.Status.History[1].DeployedAt = before(30 * time.Second)
		}), func(r Row) any { return r.LastSync }},
		{"never synced", "", shop(), func(r Row) any { return r.LastSync }},

		{"an operation of a person", "Running waits ann 2026-11-26T11:40:00Z 2026-11-26T11:59:00Z", with(func(a *v1alpha1.Application) {
			withOperation(v1alpha1.OperationRunning, "waits")(a)
			a.Status.OperationState.Operation.InitiatedBy.Username = "ann"
		}), func(r Row) any {
			return fmt.Sprintf("%s %s %s %s %s", r.Operation.Phase, r.Operation.Message, r.Operation.By, r.Operation.StartedAt, r.Operation.FinishedAt)
		}},
		{"an operation of nobody", Automated, with(func(a *v1alpha1.Application) {
			withOperation(v1alpha1.OperationRunning, "")(a)
			a.Status.OperationState.Operation.InitiatedBy.Automated = true
		}), func(r Row) any { return r.Operation.By }},
		{"no operation", "true", shop(), func(r Row) any { return r.Operation == nil }},

		{"made by a controller", "all-shops", shop(func(a *v1alpha1.Application) {
			yes := true
			a.OwnerReferences = []metav1.OwnerReference{{Kind: "ApplicationSet", Name: "all-shops", Controller: &yes}}
		}), func(r Row) any { return r.Owner }},
		{"made by an Application", "root", shop(func(a *v1alpha1.Application) {
			a.Annotations = map[string]string{v1alpha1.TrackingIDAnnotation: "root:argoproj.io/Application:argocd/shop"}
		}), func(r Row) any { return r.Owner }},
		{"a copied mark", "", shop(func(a *v1alpha1.Application) {
			a.Annotations = map[string]string{v1alpha1.TrackingIDAnnotation: "root:argoproj.io/Application:argocd/other"}
		}), func(r Row) any { return r.Owner }},
		{"a mark of another kind", "", shop(func(a *v1alpha1.Application) {
			a.Annotations = map[string]string{v1alpha1.TrackingIDAnnotation: "root:apps/Deployment:argocd/shop"}
		}), func(r Row) any { return r.Owner }},
		{"made by itself", "", shop(func(a *v1alpha1.Application) {
			a.Annotations = map[string]string{v1alpha1.TrackingIDAnnotation: "shop:argoproj.io/Application:argocd/shop"}
		}), func(r Row) any { return r.Owner }},

		{"a cluster by its name", "tokyo", with(func(a *v1alpha1.Application) { a.Spec.Destination = v1alpha1.ApplicationDestination{Name: "tokyo"} }), func(r Row) any { return r.Cluster }},
		{"a cluster by its server", "https://tokyo", with(func(a *v1alpha1.Application) {
			a.Spec.Destination = v1alpha1.ApplicationDestination{Server: "https://tokyo"}
		}), func(r Row) any { return r.Cluster }},
		{"the own cluster by its name", "in-cluster", with(func(a *v1alpha1.Application) {
			a.Spec.Destination = v1alpha1.ApplicationDestination{Name: "in-cluster"}
		}), func(r Row) any { return r.Cluster }},

		{"its Rollouts", "[{ns web Paused}]", with(nothing), func(r Row) any { return r.Rollouts }},
		{"attention", string(ReasonAwaitingPromotion), with(nothing), func(r Row) any { return r.Attention.Reason }},
	} {
		t.Run(c.name, func(t *testing.T) {
			rollouts := web(waiting)
			rollouts[1].Namespace = "ns"
			// Those of the same name or namespace are others.
			for _, other := range []metav1.ObjectMeta{{Namespace: "other", Name: "web"}, {Namespace: "ns", Name: "api"}} {
				rollouts = slices.Insert(rollouts, 0, &v1alpha1.Rollout{ObjectMeta: other})
			}
			if got := fmt.Sprint(c.of(RowOf(c.app, rollouts, noon))); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// The Rollouts of an Application are those of its status, by their whole name.
func TestRolloutsOfAnApplication(t *testing.T) {
	app := &v1alpha1.Application{Status: v1alpha1.ApplicationStatus{Resources: []v1alpha1.ResourceStatus{
		{Group: "argoproj.io", Kind: "Rollout", Namespace: "ns", Name: "web"}, {Group: "other", Kind: "Rollout", Namespace: "ns", Name: "web"}, {Group: "argoproj.io", Kind: "AnalysisRun", Namespace: "ns", Name: "web"},
	}}}
	want := []plan.Key{{Group: "argoproj.io", Kind: "Rollout", Namespace: "ns", Name: "web"}}
	if got := RolloutsOf(app); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The lists of a row are never null.
func TestListsAreNeverNull(t *testing.T) {
	text, err := json.Marshal(RowOf(&v1alpha1.Application{}, nil, noon))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{`"images":[]`, `"rollouts":[]`, `"rights":[]`} {
		if !strings.Contains(string(text), list) {
			t.Errorf("%s lacks %s", text, list)
		}
	}
}

// A row is found by labels that are not shown, too.
func TestRowsWithManyLabels(t *testing.T) {
	labels := map[string]string{"z": "last"}
	for i := range mostLabels {
		labels[fmt.Sprint(i)] = ""
	}
	r := RowOf(shop(func(a *v1alpha1.Application) { a.Labels = labels }), nil, noon)
	if _, shown := r.Labels["z"]; shown || len(labels) != mostLabels+1 {
		t.Errorf("shown: %v", r.Labels)
	}
	for _, c := range []Choice{{Labels: []string{"z=last"}}, {Search: "z=la"}} {
		if !c.Fits(&r) {
			t.Errorf("%+v does not fit", c)
		}
	}
	delete(labels, "0")
	if r = RowOf(shop(func(a *v1alpha1.Application) { a.Labels = labels }), nil, noon); len(r.Labels) != mostLabels || r.labels != nil {
		t.Errorf("as many as are shown: got %d", len(r.Labels))
	}
}

// Who has the objects of an Application for a while is shown by the condition of its controller, and by no other text.
func TestHandedOver(t *testing.T) {
	told := handover.HandOver{Holder: "ann@laptop", Since: noon.Add(-time.Hour)}
	long := handover.HandOver{Holder: strings.Repeat("x", 2*longestText), Since: noon}
	for _, c := range []struct {
		rule, want string
		app        *v1alpha1.Application
	}{
		{"nobody", "", shop()},
		{"a developer", "ann@laptop since 2026-11-26T11:00:00Z", shop(withCondition(v1alpha1.ConditionHandedOver, told.Message("shop")))},
		{"among other conditions", "ann@laptop since 2026-11-26T11:00:00Z", shop(withCondition(v1alpha1.ConditionSyncError, "refused"), withCondition(v1alpha1.ConditionHandedOver, told.Message("shop")))},
		{"the same text in a condition of another type", "", shop(withCondition(v1alpha1.ConditionSyncError, told.Message("shop")))},
		{"another Application's text", "", shop(withCondition(v1alpha1.ConditionHandedOver, told.Message("bank")))},
		{"a text that says something else", "", shop(withCondition(v1alpha1.ConditionHandedOver, "handed over"))},
		{"the one that can be read of two", "ann@laptop since 2026-11-26T11:00:00Z", shop(withCondition(v1alpha1.ConditionHandedOver, "?"), withCondition(v1alpha1.ConditionHandedOver, told.Message("shop")))},
		{"a name that goes on for ever", shortened(long.Holder) + " since 2026-11-26T12:00:00Z", shop(withCondition(v1alpha1.ConditionHandedOver, long.Message("shop")))},
	} {
		got := ""
		if h := RowOf(c.app, nil, noon).HandedOver; h != nil {
			got = h.By + " since " + h.Since
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.rule, got, c.want)
		}
	}
}

// What people may write without end is shown in part.
func TestLongFieldsOfRows(t *testing.T) {
	long := strings.Repeat("x", 2*longestText)
	r := RowOf(shop(func(a *v1alpha1.Application) {
		a.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: "https://git.example/" + long, Path: long, Chart: long, TargetRevision: long}
	}), nil, noon)
	for _, text := range []string{r.Repo, r.Path, r.Chart, r.TargetRevision} {
		if len(text) > longestText+len("…") || !strings.HasSuffix(text, "…") {
			t.Errorf("%d bytes are shown", len(text))
		}
	}
}

// When a sync last succeeded, which a dry run is not.
func TestLastSync(t *testing.T) {
	synced := withOperation(v1alpha1.OperationSucceeded, "")
	for _, c := range []struct {
		rule, want string
		app        *v1alpha1.Application
	}{
		{"never", "", shop()},
		{"a deployment", "2026-11-26T11:59:00Z", shop(deployed)},
		{"a sync of a part, which is no deployment", "2026-11-26T11:59:00Z", shop(synced)},
		{"one after the last deployment", "2026-11-26T11:59:30Z", shop(deployed, synced, func(a *v1alpha1.Application) { a.Status.OperationState.FinishedAt = at(30 * time.Second) })},
		{"one before", "2026-11-26T11:59:00Z", shop(deployed, synced, func(a *v1alpha1.Application) { a.Status.OperationState.FinishedAt = at(time.Hour) })},
		{"one that has failed", "", shop(withOperation(v1alpha1.OperationFailed, ""))},
		{"one without an end", "", shop(synced, func(a *v1alpha1.Application) { a.Status.OperationState.FinishedAt = nil })},
		{"a dry run", "", shop(synced, func(a *v1alpha1.Application) { a.Status.OperationState.Operation.Sync.DryRun = true })},
		{"an operation that is no sync", "", shop(synced, func(a *v1alpha1.Application) { a.Status.OperationState.Operation.Sync = nil })},
	} {
		if got := RowOf(c.app, nil, noon).LastSync; got != c.want {
			t.Errorf("%s: got %q, want %q", c.rule, got, c.want)
		}
	}
}

// shelf are rows to choose from.
func shelf() []Row {
	return []Row{
		{Namespace: "argocd", Name: "Web-front", Project: "shop", Cluster: "tokyo", Destination: "team-a", Sync: "Synced", Health: "Healthy", Owner: "root", Labels: map[string]string{"team": "Shop", "tier": ""}, LastSync: "2026-01-03", Created: "2026-01-01"},
		{Namespace: "argocd", Name: "api", Project: "core", Cluster: "in-cluster", Destination: "team-b", Sync: "OutOfSync", Health: "Degraded", Attention: &Attention{}, LastSync: "2026-01-01", Created: "2026-01-03"},
		{Namespace: "dev", Name: "api", Project: "core", Cluster: "in-cluster", Destination: "team-b", Sync: "Unknown", Health: "Missing", LastSync: "2026-01-02", Created: "2026-01-02"},
	}
}

func names(rows []Row) string {
	all := make([]string, len(rows))
	for i, r := range rows {
		all[i] = r.Namespace + "/" + r.Name
	}
	return strings.Join(all, " ")
}

// Which rows are chosen, and in which order.
func TestChoices(t *testing.T) {
	const front, api, dev = "argocd/Web-front", "argocd/api", "dev/api"
	for _, c := range []struct {
		name   string
		choice Choice
		want   string
	}{
		{"all, by name", Choice{}, front + " " + api + " " + dev},
		{"the last name first", Choice{Sort: "name", Descending: true}, dev + " " + api + " " + front},
		{"by the last sync", Choice{Sort: "lastSync"}, api + " " + dev + " " + front},
		{"by age", Choice{Sort: "created", Descending: true}, api + " " + dev + " " + front},
		{"the worst first", Choice{Sort: "health"}, api + " " + dev + " " + front},
		{"a project", Choice{Projects: []string{"shop"}}, front},
		{"either of two", Choice{Projects: []string{"core", "shop"}}, front + " " + api + " " + dev},
		{"a cluster", Choice{Clusters: []string{"tokyo"}}, front},
		{"a namespace", Choice{Namespaces: []string{"team-b"}}, api + " " + dev},
		{"a state", Choice{Syncs: []string{"OutOfSync"}}, api},
		{"a health", Choice{Healths: []string{"Missing"}}, dev},
		{"an owner", Choice{Owners: []string{"root"}}, front},
		{"two filters", Choice{Projects: []string{"core"}, Healths: []string{"Healthy"}}, ""},
		{"what needs somebody", Choice{Attention: true}, api},
		{"a label", Choice{Labels: []string{"team=Shop"}}, front},
		{"a label of any value", Choice{Labels: []string{"tier"}}, front},
		{"another value", Choice{Labels: []string{"team=shop"}}, ""},
		{"both labels", Choice{Labels: []string{"tier", "other"}}, ""},
		{"a word", Choice{Search: "FRONT"}, front},
		{"two words", Choice{Search: "front web"}, front},
		{"a word of none", Choice{Search: "front api"}, ""},
		{"the namespace as a word", Choice{Search: "dev"}, dev},
		{"a part of the namespace", Choice{Search: "de"}, ""},
		{"a label as a word", Choice{Search: "team=sh"}, front},
		{"a label as a word, of none", Choice{Search: "team=x"}, ""},
		{"a label as a word, in whatever letters", Choice{Search: "TEAM=SHOP"}, front},
		{"a label without a value as a word", Choice{Search: "tier="}, front},
		{"any value of a label as a word", Choice{Search: "team="}, front},
		{"a label as a word that none has", Choice{Search: "other="}, ""},
		{"words that all have to fit", Choice{Search: "team=shop api"}, ""},
		{"a namespace in other letters", Choice{Search: "DEV"}, dev},
		{"what needs somebody, of a project", Choice{Attention: true, Projects: []string{"shop"}}, ""},
		{"no label before the sign", Choice{Search: "=sh"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			page, total, next, err := c.choice.Page(shelf())
			if got := names(page); err != nil || got != c.want || total != len(page) || next != "" {
				t.Errorf("got %q of %d, next %q, %v; want %q", got, total, next, err, c.want)
			}
		})
	}
}

// Page after page, each row comes once, though some come and go between.
func TestPages(t *testing.T) {
	rows := shelf()
	for _, sort := range []string{"", "lastSync", "created", "health"} {
		for _, descending := range []bool{false, true} {
			whole, _, _, _ := Choice{Sort: sort, Descending: descending}.Page(rows)
			var got []Row
			c := Choice{Sort: sort, Descending: descending, Limit: 1}
			for {
				page, total, next, err := c.Page(rows)
				if err != nil || total != 3 {
					t.Fatalf("total %d, %v", total, err)
				}
				got = append(got, page...)
				if c.Continue = next; next == "" {
					break
				}
			}
			if names(got) != names(whole) {
				t.Errorf("by %q: got %q, want %q", sort, names(got), names(whole))
			}
		}
	}
	_, _, next, _ := Choice{Limit: 2}.Page(rows)
	rest, total, _, _ := Choice{Limit: 2, Continue: next}.Page(append(rows[:1:1], rows[2]))
	if names(rest) != "dev/api" || total != 2 {
		t.Errorf("after a row has gone: got %q of %d", names(rest), total)
	}
	for _, c := range []struct {
		choice Choice
		want   string
	}{
		{Choice{Sort: "x"}, `sort: unknown order "x"; use name, lastSync, created or health`},
		{Choice{Continue: "%"}, "continue: not a token of a page; take the one that the page before has"},
		{Choice{Continue: "eA"}, "continue: not a token of a page; take the one that the page before has"},
		{Choice{Continue: next, Sort: "health"}, "continue: of another order than is asked for; ask for the order of the page before, or begin with the first page"},
		{Choice{Continue: next, Descending: true}, "continue: of another order than is asked for; ask for the order of the page before, or begin with the first page"},
		{Choice{Continue: "e30"}, "continue: of another order than is asked for; ask for the order of the page before, or begin with the first page"},
	} {
		page, _, _, err := c.choice.Page(rows)
		if err == nil || problem.KindOf(err) != problem.Usage || err.Error() != c.want || page != nil {
			t.Errorf("%+v: got %v, want %s", c.choice, err, c.want)
		}
	}
	// A page that is full to the last row is the last; one without rows is no null.
	page, _, next, _ := Choice{Limit: 3}.Page(rows)
	if len(page) != 3 || next != "" {
		t.Errorf("a page of all: got %d rows and the token %q", len(page), next)
	}
	if page, _, _, _ = (Choice{Projects: []string{"none"}}).Page(rows); page == nil {
		t.Error("no row: got null")
	}
}

// A row shows the fields that were asked for, and always which it is.
func TestFields(t *testing.T) {
	rows := shelf()[:1]
	for _, c := range []struct{ fields, want string }{
		{"health", `{"health":"Healthy","name":"Web-front","namespace":"argocd"}`},
		{"health,namespace", `{"health":"Healthy","name":"Web-front","namespace":"argocd"}`},
		{"rights,images", `{"images":["a"],"name":"Web-front","namespace":"argocd","rights":[]}`},
		// What is always there is there when it is empty, too; what may be left out is.
		{"automated,objects,repo,lastSync", `{"automated":false,"lastSync":"2026-01-03","name":"Web-front","namespace":"argocd","objects":0,"repo":""}`},
		{"path,pinned,operation,attention", `{"name":"Web-front","namespace":"argocd"}`},
	} {
		rows[0].Rights, rows[0].Images = []string{}, []string{"a"}
		if err := Only(rows, strings.Split(c.fields, ",")); err != nil {
			t.Fatal(err)
		}
		if got, _ := json.Marshal(rows[0]); string(got) != c.want {
			t.Errorf("%s: got %s, want %s", c.fields, got, c.want)
		}
	}
	if err := Only(rows, []string{"health", "nothing"}); err == nil || problem.KindOf(err) != problem.Usage || !strings.Contains(err.Error(), `fields: unknown field "nothing"; use attention, automated`) {
		t.Errorf("got %v", err)
	}
	whole := shelf()[:1]
	if err := Only(whole, nil); err != nil || whole[0].only != nil {
		t.Errorf("without fields, a row is not whole: %v", err)
	}
}
