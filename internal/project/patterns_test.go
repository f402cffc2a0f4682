package project_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/project"
)

// A pattern that can't be read permits nothing, and denies everything where it was to deny.
func TestInvalidPatterns(t *testing.T) {
	type (
		spec         = v1alpha1.AppProjectSpec
		kinds        = []v1alpha1.GroupKindPattern
		destinations = []v1alpha1.ApplicationDestination
	)
	here := project.Destination{Server: "https://here.example", Name: "here", Namespace: "shop"}
	everywhere := v1alpha1.ApplicationDestination{Server: "*", Namespace: "*"}
	namespaced, cluster := schema.GroupKind{Kind: "ConfigMap"}, schema.GroupKind{Kind: "Namespace"}
	for _, c := range []struct {
		name string
		spec spec
		// permitted is whether the destination, an object in a namespace, one in none, and an Application in namespace apps
		// are permitted.
		permitted [4]bool
		// field is the one that is named, as what restricts or as what permits.
		field     string
		restricts bool
	}{
		{"all valid", spec{Destinations: destinations{everywhere}, ClusterResourceWhitelist: kinds{{Group: "*", Kind: "*"}}, SourceNamespaces: []string{"ap*"}}, [4]bool{true, true, true, true}, "", false},
		{"a namespace that is denied", spec{Destinations: destinations{everywhere, {Server: "*", Namespace: "!{kube"}}}, [4]bool{false, true, false, false}, "destinations", true},
		{"a cluster that is denied", spec{Destinations: destinations{everywhere, {Server: "!{x", Namespace: "*"}}}, [4]bool{false, true, false, false}, "destinations", true},
		{"a cluster that is denied by name", spec{Destinations: destinations{everywhere, {Name: "![", Namespace: "*"}}}, [4]bool{false, true, false, false}, "destinations", true},
		{"a namespace that is denied somewhere", spec{Destinations: destinations{everywhere, {Server: "{x", Namespace: "!shop"}}}, [4]bool{false, true, false, false}, "destinations", true},
		{"a namespace that is permitted", spec{Destinations: destinations{{Server: "*", Namespace: "{shop"}}}, [4]bool{false, true, false, false}, "destinations", false},
		{"a kind that is denied", spec{NamespaceResourceBlacklist: kinds{{Kind: "{Secret"}}}, [4]bool{false, false, false, false}, "namespaceResourceBlacklist", true},
		{"a group that is denied", spec{NamespaceResourceBlacklist: kinds{{Group: "[", Kind: "ConfigMap"}}}, [4]bool{false, false, false, false}, "namespaceResourceBlacklist", true},
		{"a kind that is permitted", spec{NamespaceResourceWhitelist: kinds{{Kind: "{ConfigMap"}}}, [4]bool{false, false, false, false}, "namespaceResourceWhitelist", false},
		{"a kind without namespaces that is denied", spec{ClusterResourceWhitelist: kinds{{Group: "*", Kind: "*"}}, ClusterResourceBlacklist: kinds{{Kind: "Namespace", Name: "{kube"}}}, [4]bool{false, true, false, false}, "clusterResourceBlacklist", true},
		{"a kind without namespaces that is permitted", spec{ClusterResourceWhitelist: kinds{{Kind: "{Namespace"}}}, [4]bool{false, true, false, false}, "clusterResourceWhitelist", false},
		{"namespaces of Applications, permitted", spec{SourceNamespaces: []string{"{apps"}}, [4]bool{false, true, false, false}, "sourceNamespaces", false},
		{"namespaces of Applications, denied", spec{SourceNamespaces: []string{"*", "!{kube"}}, [4]bool{false, true, false, false}, "sourceNamespaces", true},
		{"namespaces of Applications, by an expression", spec{SourceNamespaces: []string{"/^ap+s$/"}}, [4]bool{false, true, false, true}, "", false},
		{"namespaces of Applications, by an expression that is none", spec{SourceNamespaces: []string{"/(/"}}, [4]bool{false, true, false, false}, "sourceNamespaces", false},
		{"namespaces of Applications, denied by an expression", spec{SourceNamespaces: []string{"*", "!/^ap/"}}, [4]bool{false, true, false, false}, "", false},
		{"a window", spec{SyncWindows: []v1alpha1.SyncWindow{{Kind: "deny", Schedule: "0 0 1 1 *", Duration: "1m", Applications: []string{"{shop"}}}}, [4]bool{false, true, false, false}, "syncWindows", true},
		{"accounts", spec{DestinationServiceAccounts: raw(t, account("{x", "*", "deployer"))}, [4]bool{false, true, false, false}, "destinationServiceAccounts", true},
	} {
		p := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: c.spec}
		app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "shop"}}
		outside := false
		for _, v := range project.Check(p, app, here, "argocd") {
			outside = outside || strings.Contains(v.String(), "sourceNamespaces")
		}
		got := [4]bool{project.PermitsDestination(p, here), project.PermitsKind(p, namespaced, "x", false), project.PermitsKind(p, cluster, "x", true), !outside}
		if got != c.permitted {
			t.Errorf("%s: got %v, want %v", c.name, got, c.permitted)
		}
		restricting, permitting := project.CheckProtection(p), project.Unserved(p)
		named, other := permitting, restricting
		if c.restricts {
			named, other = restricting, permitting
		}
		if len(other) > 0 || (c.field == "") != (len(named) == 0) || c.field != "" && !strings.HasPrefix(named[0].String(), "AppProject team: spec."+c.field+": pattern ") {
			t.Errorf("%s: named are %v, and %v; want spec.%s alone", c.name, named, other, c.field)
		}
	}
}

// Windows and accounts of which it is not known whom they concern let nothing through.
func TestInvalidPatternsOfWindowsAndAccounts(t *testing.T) {
	here := project.Destination{Server: "https://here.example", Namespace: "shop"}
	app := &v1alpha1.Application{}
	for _, w := range []v1alpha1.SyncWindow{{Applications: []string{"{a"}}, {Namespaces: []string{"!{a"}}, {Clusters: []string{"["}}} {
		for _, w.Kind = range []string{"allow", "deny"} {
			w.Schedule, w.Duration = "0 0 1 1 *", "1m"
			p := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: v1alpha1.AppProjectSpec{SyncWindows: []v1alpha1.SyncWindow{w}}}
			if got := project.Windows(p, app, here, project.ByPerson, time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)); !strings.Contains(got.Reason, "project team: spec.syncWindows: pattern ") {
				t.Errorf("%+v: got %q, want it denied by the pattern", w, got.Reason)
			}
		}
	}
	for _, a := range []map[string]string{account("{x", "*", "deployer"), account("*", "[", "deployer")} {
		p := &v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{DestinationServiceAccounts: raw(t, a)}}
		if _, no, _ := project.User(p, app, here, project.Impersonation{Enabled: true}); no == nil || !strings.Contains(no.String(), "is invalid") {
			t.Errorf("%v: got %v, want a refusal", a, no)
		}
	}
}

// A window that opens each minute and stays open for centuries is judged in few steps.
func TestWindowsThatNeverEnd(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 30, 0, time.UTC)
	for schedule, opened := range map[string]time.Time{"* * * * *": now.Truncate(time.Minute), "0 0 29 2 *": time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), "@every 1s": now} {
		w := v1alpha1.SyncWindow{Kind: "deny", Schedule: schedule, Duration: "2500000h", Applications: []string{"*"}}
		p := &v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{SyncWindows: []v1alpha1.SyncWindow{w}}}
		got := project.Windows(p, &v1alpha1.Application{}, project.Destination{}, project.ByPerson, now)
		if want := opened.Add(2500000 * time.Hour); got.Reason == "" || got.Until.Sub(want).Abs() > time.Second {
			t.Errorf("%s: got %q until %s, want it denied until %s", schedule, got.Reason, got.Until, want)
		}
	}
}
