package project_test

import (
	"encoding/json"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/project"
)

func raw(t *testing.T, entries ...any) []runtime.RawExtension {
	t.Helper()
	var all []runtime.RawExtension
	for _, e := range entries {
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, runtime.RawExtension{Raw: text})
	}
	return all
}

func account(server, namespace, name string) map[string]string {
	return map[string]string{"server": server, "namespace": namespace, "defaultServiceAccount": name}
}

// A protection that is asked for and not given is named, by its field.
func TestCheckProtection(t *testing.T) {
	for name, c := range map[string]struct {
		spec v1alpha1.AppProjectSpec
		says string
	}{
		"nothing asked for":           {v1alpha1.AppProjectSpec{}, ""},
		"signed commits":              {v1alpha1.AppProjectSpec{SignatureKeys: raw(t, map[string]string{"keyID": "4AEE18F83AFDEB23"})}, ""},
		"signatures of no key":        {v1alpha1.AppProjectSpec{SignatureKeys: raw(t, map[string]string{"keyID": "ada"})}, "AppProject team: spec.signatureKeys: entry 1 is invalid"},
		"policies":                    {v1alpha1.AppProjectSpec{SourceIntegrity: &raw(t, map[string]any{"git": map[string]any{"policies": []any{map[string]any{"repos": []any{map[string]string{"url": "*"}}, "gpg": map[string]string{"mode": "none"}}}}})[0]}, ""},
		"policies that can't be read": {v1alpha1.AppProjectSpec{SourceIntegrity: &raw(t, 7)[0]}, "AppProject team: spec.sourceIntegrity: invalid: "},
		"policies beside keys": {v1alpha1.AppProjectSpec{SourceIntegrity: &raw(t, map[string]any{})[0], SignatureKeys: raw(t, map[string]string{"keyID": "4AEE18F83AFDEB23"})},
			"AppProject team: spec.sourceIntegrity: written beside spec.signatureKeys, and only one of them can hold"},
		"service accounts":              {v1alpha1.AppProjectSpec{DestinationServiceAccounts: raw(t, account("*", "*", "deployer"))}, ""},
		"service accounts of no object": {v1alpha1.AppProjectSpec{DestinationServiceAccounts: raw(t, account("*", "*", "deployer"), "deployer")}, "AppProject team: spec.destinationServiceAccounts: entry 2 is invalid"},
	} {
		got := project.CheckProtection(&v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: c.spec})
		if c.says == "" && len(got) > 0 || c.says != "" && (len(got) != 1 || !strings.HasPrefix(got[0].String(), c.says)) {
			t.Errorf("%s: got %v, want %q", name, got, c.says)
		}
	}
}

func TestUser(t *testing.T) {
	on, lenient, off := project.Impersonation{Enabled: true, Enforced: true}, project.Impersonation{Enabled: true}, project.Impersonation{Enforced: true}
	here := project.Destination{Server: "https://far.example", Namespace: "shop"}
	for name, c := range map[string]struct {
		accounts          []runtime.RawExtension
		how               project.Impersonation
		to                project.Destination
		user, no, warning string
	}{
		"off":                                     {how: off, to: here},
		"off, though accounts are named":          {accounts: raw(t, account("*", "*", "deployer")), how: off, to: here, warning: "impersonation is off"},
		"the account of the destination":          {accounts: raw(t, account("https://far.example", "shop", "deployer")), how: on, to: here, user: "system:serviceaccount:shop:deployer"},
		"by globs":                                {accounts: raw(t, account("https://*.example", "sh*", "deployer")), how: on, to: here, user: "system:serviceaccount:shop:deployer"},
		"in another namespace":                    {accounts: raw(t, account("*", "*", "robots:deployer")), how: on, to: here, user: "system:serviceaccount:robots:deployer"},
		"of a destination without a namespace":    {accounts: raw(t, account("*", "*", "deployer")), how: on, to: project.Destination{Server: "https://far.example"}, user: "system:serviceaccount:apps:deployer"},
		"the first that matches":                  {accounts: raw(t, account("*", "blog", "a"), account("*", "shop", "b"), account("*", "*", "c")), how: on, to: here, user: "system:serviceaccount:shop:b"},
		"of another cluster":                      {accounts: raw(t, account("https://near.example", "*", "deployer")), how: on, to: here, no: `no matching service account found for destination server https://far.example and namespace "shop"`},
		"of another namespace":                    {accounts: raw(t, account("*", "blog", "deployer")), how: on, to: here, no: "no matching service account found"},
		"none":                                    {how: on, to: here, no: "no matching service account found"},
		"none, which is not enforced":             {how: lenient, to: here},
		"one, which is not enforced":              {accounts: raw(t, account("*", "*", "deployer")), how: lenient, to: here, user: "system:serviceaccount:shop:deployer"},
		"an account without a name":               {accounts: raw(t, account("*", "*", "")), how: on, to: here, no: `defaultServiceAccount "" is invalid`},
		"a namespace without an account":          {accounts: raw(t, account("*", "*", "robots:")), how: on, to: here, no: `defaultServiceAccount "robots:" is invalid`},
		"an account without its namespace":        {accounts: raw(t, account("*", "*", ":deployer")), how: on, to: here, no: "is invalid"},
		"a pattern for an account":                {accounts: raw(t, account("*", "*", "*")), how: on, to: here, no: "is invalid"},
		"an account that would be somebody else":  {accounts: raw(t, account("*", "*", "a:b:c")), how: on, to: here, no: "is invalid"},
		"an invalid one behind another":           {accounts: raw(t, account("*", "*", "deployer"), account("*", "*", "*")), how: on, to: here, user: "system:serviceaccount:shop:deployer"},
		"accounts that can't be read":             {accounts: raw(t, 7), how: on, to: here, no: "entry 1 is invalid"},
		"accounts that can't be read, though off": {accounts: raw(t, 7), how: off, to: here, no: "entry 1 is invalid"},
	} {
		p := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: v1alpha1.AppProjectSpec{DestinationServiceAccounts: c.accounts}}
		app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "shop"}}
		user, no, warning := project.User(p, app, c.to, c.how)
		if user != c.user {
			t.Errorf("%s: got user %q, want %q", name, user, c.user)
		}
		for what, pair := range map[string]struct {
			got  *project.Violation
			want string
		}{"refusal": {no, c.no}, "warning": {warning, c.warning}} {
			if (pair.got == nil) != (pair.want == "") || pair.got != nil && !strings.Contains(pair.got.String(), pair.want) {
				t.Errorf("%s: got %s %v, want %q", name, what, pair.got, pair.want)
			}
		}
	}
}

// A global project adds what it allows and what it denies; everything else is the project's own.
func TestWithGlobal(t *testing.T) {
	kinds := func(kind string) []v1alpha1.GroupKindPattern { return []v1alpha1.GroupKindPattern{{Kind: kind}} }
	spec := func(name string) v1alpha1.AppProjectSpec {
		return v1alpha1.AppProjectSpec{
			SourceRepos: []string{name}, Destinations: []v1alpha1.ApplicationDestination{{Server: name}}, SyncWindows: []v1alpha1.SyncWindow{{Kind: name}},
			ClusterResourceWhitelist: kinds(name + "-cw"), ClusterResourceBlacklist: kinds(name + "-cb"),
			NamespaceResourceWhitelist: kinds(name + "-nw"), NamespaceResourceBlacklist: kinds(name + "-nb"),
		}
	}
	own := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: spec("own")}
	own.Spec.SourceNamespaces = []string{"apps"}
	global := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "global"}, Spec: spec("global")}
	global.Spec.SourceNamespaces, global.Spec.PermitOnlyProjectScopedClusters = []string{"elsewhere"}, true
	before := own.DeepCopy()
	got := project.WithGlobal(own, global)
	both := func(suffix string) []v1alpha1.GroupKindPattern {
		return append(kinds("own"+suffix), kinds("global"+suffix)...)
	}
	want := v1alpha1.AppProjectSpec{
		SourceRepos: []string{"own", "global"}, Destinations: []v1alpha1.ApplicationDestination{{Server: "own"}, {Server: "global"}},
		SyncWindows: []v1alpha1.SyncWindow{{Kind: "own"}, {Kind: "global"}}, SourceNamespaces: []string{"apps"},
		ClusterResourceWhitelist: both("-cw"), ClusterResourceBlacklist: both("-cb"), NamespaceResourceWhitelist: both("-nw"), NamespaceResourceBlacklist: both("-nb"),
	}
	if got.Name != "team" || !equality.Semantic.DeepEqual(got.Spec, want) {
		t.Errorf("got %s with %+v, want team with %+v", got.Name, got.Spec, want)
	}
	if !equality.Semantic.DeepEqual(own, before) {
		t.Error("the project itself was changed")
	}
}

// A repository whose Secret is for a project alone is permitted there, as it is written and nothing beside it.
func TestWithRepositories(t *testing.T) {
	for _, c := range []struct {
		name  string
		own   []string
		urls  []string
		asked string
		want  bool
	}{
		{"its own repository", nil, []string{"https://git.example/team/shop"}, "https://git.example/team/shop.git", true},
		{"one beside it", nil, []string{"https://git.example/team/shop"}, "https://git.example/team/blog", false},
		{"one below it", nil, []string{"https://git.example/team"}, "https://git.example/team/blog", false},
		{"one that sourceRepos has", []string{"https://git.example/team/blog"}, []string{"https://git.example/team/shop"}, "https://git.example/team/blog", true},
		{"one that sourceRepos denies", []string{"!https://git.example/team/*"}, []string{"https://git.example/team/shop"}, "https://git.example/team/shop", false},
		{"a pattern", nil, []string{"https://git.example/*"}, "https://git.example/team/shop", false},
		{"everything but a place", nil, []string{"!https://other.example/x"}, "https://git.example/team/shop", false},
		{"no URL", nil, []string{""}, "https://git.example/team/shop", false},
		{"none", nil, nil, "https://git.example/team/shop", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			own := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: v1alpha1.AppProjectSpec{SourceRepos: c.own}}
			before := own.DeepCopy()
			_, no := project.PermitSource(project.WithRepositories(own, c.urls...), v1alpha1.ApplicationSource{RepoURL: c.asked})
			if got := no == nil; got != c.want {
				t.Errorf("permitted: %v (%v), want %v", got, no, c.want)
			}
			if !equality.Semantic.DeepEqual(own, before) {
				t.Error("the project itself was changed")
			}
		})
	}
}

// A cluster whose Secret is for a project alone needs no place in its destinations, which may deny it all the same.
func TestDestinationsOfAProjectsOwnClusters(t *testing.T) {
	for _, c := range []struct {
		name, of     string
		destinations []v1alpha1.ApplicationDestination
		want         bool
	}{
		{"its own cluster", "team", nil, true},
		{"one for all", "", nil, false},
		{"that of another project", "other", nil, false},
		{"its own, which it denies", "team", []v1alpha1.ApplicationDestination{{Server: "!https://far", Namespace: "*"}}, false},
		{"its own, of which it denies a namespace", "team", []v1alpha1.ApplicationDestination{{Server: "https://far", Namespace: "!shop"}}, false},
		{"its own, of which it denies another namespace", "team", []v1alpha1.ApplicationDestination{{Server: "https://far", Namespace: "!blog"}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: v1alpha1.AppProjectSpec{Destinations: c.destinations}}
			if got := project.PermitsDestination(p, project.Destination{Server: "https://far", Namespace: "shop", Project: c.of}); got != c.want {
				t.Errorf("permitted: %v, want %v", got, c.want)
			}
		})
	}
}
