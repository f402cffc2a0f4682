package project_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/project"
)

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}

func TestCheck(t *testing.T) {
	type destinations = []v1alpha1.ApplicationDestination
	here := project.Destination{Server: "https://kubernetes.default.svc", Name: "in-cluster", Namespace: "shop-eu"}
	for _, c := range []struct {
		name      string
		to        destinations
		namespace string
		from      []string
		// says is what a violation names; "" when all is permitted.
		says string
	}{
		{"everything", destinations{{Server: "*", Namespace: "*"}}, "argocd", nil, ""},
		{"a pattern for namespaces", destinations{{Server: "https://kubernetes.default.svc", Namespace: "shop-*"}}, "argocd", nil, ""},
		{"a cluster by its name", destinations{{Name: "in-cluster", Namespace: "*"}}, "argocd", nil, ""},
		{"another namespace", destinations{{Server: "*", Namespace: "blog"}}, "argocd", nil, "destinations"},
		{"a namespace that is denied", destinations{{Server: "*", Namespace: "*"}, {Server: "*", Namespace: "!shop-*"}}, "argocd", nil, "destinations"},
		{"a cluster that is denied", destinations{{Server: "!https://kubernetes.*", Namespace: "*"}, {Server: "*", Namespace: "*"}}, "argocd", nil, "destinations"},
		{"a destination without a cluster", destinations{{Namespace: "*"}}, "argocd", nil, "destinations"},
		{"a cluster by another name", destinations{{Name: "elsewhere", Namespace: "*"}}, "argocd", nil, "destinations"},
		{"another cluster", destinations{{Server: "https://other", Namespace: "*"}}, "argocd", nil, "destinations"},
		{"a cluster that is denied by its name", destinations{{Server: "*", Namespace: "*"}, {Name: "!in-*", Namespace: "*"}}, "argocd", nil, "destinations"},
		{"a denied cluster allows no other", destinations{{Server: "!https://other", Namespace: "*"}}, "argocd", nil, "destinations"},
		{"a cluster denied by name allows no other", destinations{{Server: "*", Name: "!other", Namespace: "x"}}, "argocd", nil, "destinations"},
		{"a denied namespace allows no other", destinations{{Server: "*", Namespace: "!blog"}}, "argocd", nil, "destinations"},
		{"a namespace of its own", destinations{{Server: "*", Namespace: "*"}}, "team", []string{"te*"}, ""},
		{"a namespace that nobody named", destinations{{Server: "*", Namespace: "*"}}, "team", []string{"other"}, "sourceNamespaces"},
	} {
		app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: "shop"}}
		p := &v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{Destinations: c.to, SourceNamespaces: c.from}}
		var said []string
		for _, v := range project.Check(p, app, here, "argocd") {
			said = append(said, v.String())
		}
		if text := strings.Join(said, "; "); (c.says == "") != (text == "") || !strings.Contains(text, c.says) {
			t.Errorf("%s: %q", c.name, text)
		}
	}
	if v := project.Check(project.Default("argocd"), &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd"}}, here, "argocd"); len(v) > 0 {
		t.Error("the default project permits everything:", v)
	}
	standard := project.Default("argocd")
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd"}}
	app.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: "https://git.example/shop"}
	if v := project.Check(standard, app, here, "argocd"); len(v) > 0 || standard.Name != "default" || standard.Namespace != "argocd" {
		t.Errorf("the default project is %s/%s, with violations %v; want argocd/default with none", standard.Namespace, standard.Name, v)
	}
	if !project.PermitsKind(standard, schema.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}, "x", true) || !project.PermitsKind(standard, schema.GroupKind{Kind: "Namespace"}, "x", true) {
		t.Error("the default project denies kinds without a namespace; want all permitted")
	}
}

func TestCheckObjects(t *testing.T) {
	role := "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: reader}}"
	secret := "{apiVersion: v1, kind: Secret, metadata: {name: key, namespace: shop}}"
	elsewhere := "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: blog}}"
	all := []v1alpha1.GroupKindPattern{{Group: "*", Kind: "*"}}
	for _, c := range []struct {
		name   string
		object string
		spec   v1alpha1.AppProjectSpec
		says   string
	}{
		{"cluster-wide kinds need leave", role, v1alpha1.AppProjectSpec{}, "ClusterRole"},
		{"which they may have", role, v1alpha1.AppProjectSpec{ClusterResourceWhitelist: all}, ""},
		{"by name", role, v1alpha1.AppProjectSpec{ClusterResourceWhitelist: []v1alpha1.GroupKindPattern{{Group: "*", Kind: "ClusterRole", Name: "read*"}}}, ""},
		{"or lose", role, v1alpha1.AppProjectSpec{ClusterResourceWhitelist: all, ClusterResourceBlacklist: []v1alpha1.GroupKindPattern{{Group: "rbac.authorization.k8s.io", Kind: "*"}}}, "ClusterRole"},
		{"others have it", secret, v1alpha1.AppProjectSpec{}, ""},
		{"unless it is taken", secret, v1alpha1.AppProjectSpec{NamespaceResourceBlacklist: []v1alpha1.GroupKindPattern{{Kind: "Secret"}}}, "Secret"},
		{"or only given to some", secret, v1alpha1.AppProjectSpec{NamespaceResourceWhitelist: []v1alpha1.GroupKindPattern{{Group: "apps", Kind: "*"}}}, "Secret"},
		{"refused by its kind, its namespace is not named as well", elsewhere, v1alpha1.AppProjectSpec{NamespaceResourceBlacklist: all}, "ConfigMap is not permitted"},
		{"in a namespace of the project", elsewhere, v1alpha1.AppProjectSpec{}, `"blog"`},
	} {
		c.spec.Destinations = []v1alpha1.ApplicationDestination{{Server: "*", Namespace: "shop"}}
		p := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: c.spec}
		cluster := map[schema.GroupKind]bool{{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}: true}
		desired := object(t, c.object)
		bounds := project.BoundsOf(p, project.Destination{Server: "s", Namespace: "shop"})
		found := bounds.CheckObjects([]plan.Desired{{Object: desired}}, cluster)
		if c.says == "" && len(found) > 0 || c.says != "" && (len(found) != 1 || !strings.Contains(found[0].String(), c.says)) {
			t.Errorf("%s: %v", c.name, found)
		}
		if got := bounds.Hold(plan.KeyOf(desired)); got != (c.says == "") {
			t.Errorf("%s: held live is %v, want the same answer as for a desired object", c.name, got)
		}
	}
}

func TestWindows(t *testing.T) {
	nights := v1alpha1.SyncWindow{Kind: "deny", Schedule: "0 22 * * *", Duration: "8h", Applications: []string{"*"}}
	office := v1alpha1.SyncWindow{Kind: "allow", Schedule: "0 9 * * 1-5", Duration: "8h", Applications: []string{"*"}}
	with := func(w v1alpha1.SyncWindow, set func(*v1alpha1.SyncWindow)) v1alpha1.SyncWindow { set(&w); return w }
	day := func(hour, minute int) time.Time { return time.Date(2026, 5, 1, hour, minute, 0, 0, time.UTC) } // a Friday
	for _, c := range []struct {
		name    string
		windows []v1alpha1.SyncWindow
		who     project.Initiator
		now     time.Time
		says    string
		again   time.Time
	}{
		{"none", nil, project.ByAutomation, day(3, 0), "", time.Time{}},
		{"a deny window that is open", []v1alpha1.SyncWindow{nights}, project.ByAutomation, day(23, 0), "deny window", day(30, 0)},
		{"past midnight", []v1alpha1.SyncWindow{nights}, project.ByAutomation, day(5, 59), "deny window", day(6, 0)},
		{"at its end", []v1alpha1.SyncWindow{nights}, project.ByAutomation, day(6, 0), "", time.Time{}},
		{"a person, who may not either", []v1alpha1.SyncWindow{nights}, project.ByPerson, day(23, 0), "deny window", day(30, 0)},
		{"a person, who may", []v1alpha1.SyncWindow{with(nights, func(w *v1alpha1.SyncWindow) { w.ManualSync = true })}, project.ByPerson, day(23, 0), "", time.Time{}},
		{"an allow window that is open", []v1alpha1.SyncWindow{office}, project.ByAutomation, day(9, 0), "", time.Time{}},
		{"one that is not", []v1alpha1.SyncWindow{office}, project.ByAutomation, day(8, 0), "no allow window", day(9, 0)},
		{"deny wins", []v1alpha1.SyncWindow{office, with(nights, func(w *v1alpha1.SyncWindow) { w.Schedule = "0 12 * * *" })}, project.ByAutomation, day(13, 0), "deny window", day(17, 0)},
		{"of another Application", []v1alpha1.SyncWindow{with(nights, func(w *v1alpha1.SyncWindow) { w.Applications = []string{"blog"} })}, project.ByAutomation, day(23, 0), "", time.Time{}},
		{"by namespace", []v1alpha1.SyncWindow{with(nights, func(w *v1alpha1.SyncWindow) { w.Applications, w.Namespaces = nil, []string{"shop-*"} })}, project.ByAutomation, day(23, 0), "deny window", day(30, 0)},
		{"all of its conditions", []v1alpha1.SyncWindow{with(nights, func(w *v1alpha1.SyncWindow) { w.UseAndOperator, w.Namespaces = true, []string{"blog"} })}, project.ByAutomation, day(23, 0), "", time.Time{}},
		{"in its own time zone", []v1alpha1.SyncWindow{with(nights, func(w *v1alpha1.SyncWindow) { w.TimeZone = "Asia/Tokyo" })}, project.ByAutomation, day(14, 0), "deny window", day(21, 0)},
		{"an allow window that lets people through", []v1alpha1.SyncWindow{with(office, func(w *v1alpha1.SyncWindow) { w.ManualSync = true })}, project.ByPerson, day(8, 0), "", time.Time{}},
		{"an allow window that lets people through, not automation", []v1alpha1.SyncWindow{with(office, func(w *v1alpha1.SyncWindow) { w.ManualSync = true })}, project.ByAutomation, day(8, 0), "no allow window", day(9, 0)},
		{"an allow window that lets nobody through", []v1alpha1.SyncWindow{office}, project.ByPerson, day(8, 0), "no allow window", day(9, 0)},
		{"the soonest of several changes", []v1alpha1.SyncWindow{with(nights, func(w *v1alpha1.SyncWindow) { w.Duration = "30h" }), with(nights, func(w *v1alpha1.SyncWindow) { w.Duration = "4h" })}, project.ByAutomation, day(23, 0), "deny window", day(26, 0)},
		{"by the cluster's server", []v1alpha1.SyncWindow{with(nights, func(w *v1alpha1.SyncWindow) { w.Applications, w.Clusters = nil, []string{"s"} })}, project.ByAutomation, day(23, 0), "deny window", day(30, 0)},
		{"by the cluster's name", []v1alpha1.SyncWindow{with(nights, func(w *v1alpha1.SyncWindow) { w.Applications, w.Clusters = nil, []string{"prod"} })}, project.ByAutomation, day(23, 0), "deny window", day(30, 0)},
		{"by another cluster", []v1alpha1.SyncWindow{with(nights, func(w *v1alpha1.SyncWindow) { w.Applications, w.Clusters = nil, []string{"x"} })}, project.ByAutomation, day(23, 0), "", time.Time{}},
		{"all of its conditions are met", []v1alpha1.SyncWindow{with(nights, func(w *v1alpha1.SyncWindow) {
			w.UseAndOperator, w.Namespaces, w.Clusters = true, []string{"shop-*"}, []string{"prod"}
		})}, project.ByAutomation, day(23, 0), "deny window", day(30, 0)},
		{"all of those that are given", []v1alpha1.SyncWindow{with(nights, func(w *v1alpha1.SyncWindow) { w.UseAndOperator = true })}, project.ByAutomation, day(23, 0), "deny window", day(30, 0)},
		{"a duration that can't be read", []v1alpha1.SyncWindow{with(nights, func(w *v1alpha1.SyncWindow) { w.Duration = "long" })}, project.ByAutomation, day(14, 0), `"long"`, time.Time{}},
		{"a duration of nothing", []v1alpha1.SyncWindow{with(nights, func(w *v1alpha1.SyncWindow) { w.Duration = "0s" })}, project.ByAutomation, day(14, 0), `"0s"`, time.Time{}},
		{"a time zone that can't be read", []v1alpha1.SyncWindow{with(nights, func(w *v1alpha1.SyncWindow) { w.TimeZone = "Mars/Olympus" })}, project.ByAutomation, day(14, 0), `"Mars/Olympus"`, time.Time{}},
		{"a schedule that can't be read", []v1alpha1.SyncWindow{with(nights, func(w *v1alpha1.SyncWindow) { w.Schedule = "at night" })}, project.ByAutomation, day(14, 0), `"at night"`, time.Time{}},
		{"a kind that is none", []v1alpha1.SyncWindow{with(nights, func(w *v1alpha1.SyncWindow) { w.Kind = "Deny" })}, project.ByAutomation, day(14, 0), `"Deny"`, time.Time{}},
	} {
		p := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: v1alpha1.AppProjectSpec{SyncWindows: c.windows}}
		app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
		got := project.Windows(p, app, project.Destination{Server: "s", Name: "prod", Namespace: "shop-eu"}, c.who, c.now)
		if (c.says == "") != (got.Reason == "") || !strings.Contains(got.Reason, c.says) || !got.Until.Equal(c.again) {
			t.Errorf("%s: got %q until %s, want %q until %s", c.name, got.Reason, got.Until, c.says, c.again)
		}
	}
}
