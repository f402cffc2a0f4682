package settings

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// with returns the default settings, changed.
func with(change func(*Settings)) Settings {
	s := Default()
	change(&s)
	return s
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		rule, of, key, value string
		want                 Settings
		// found are the findings, a part of each.
		found []string
	}{
		{"nothing written", ConfigName, "url", "", Default(), nil},
		{"tracking by label", ConfigName, "application.resourceTrackingMethod", "label", with(func(s *Settings) { s.Tracking.Method = TrackByLabel }), nil},
		{"tracking by both", ConfigName, "application.resourceTrackingMethod", " annotation+label\n", with(func(s *Settings) { s.Tracking.Method = TrackByAnnotationAndLabel }), nil},
		{"tracking that is misspelt", ConfigName, "application.resourceTrackingMethod", "lable", Default(), []string{`refused: application.resourceTrackingMethod: "lable" is invalid; did you mean label?`}},
		{"tracking that is unknown", ConfigName, "application.resourceTrackingMethod", "finalizer", Default(), []string{"write one of annotation, label, annotation+label"}},
		{"the label of an instance", ConfigName, "application.instanceLabelKey", "example.com/app", with(func(s *Settings) { s.Tracking.InstanceLabelKey = "example.com/app" }), nil},
		{"an installation", ConfigName, "installationID", "eu-1", with(func(s *Settings) { s.Tracking.InstallationID = "eu-1" }), nil},
		{"exclusions", ConfigName, "resource.exclusions", "- apiGroups: [cilium.io]\n  kinds: [CiliumIdentity]\n  clusters: ['*']\n",
			with(func(s *Settings) {
				s.Exclusions = []ResourceFilter{{APIGroups: []string{"cilium.io"}, Kinds: []string{"CiliumIdentity"}, Clusters: []string{"*"}}}
			}), nil},
		{"inclusions", ConfigName, "resource.inclusions", "- apiGroups: [apps]\n", with(func(s *Settings) { s.Inclusions = []ResourceFilter{{APIGroups: []string{"apps"}}} }), nil},
		{"exclusions that can't be read protect nothing", ConfigName, "resource.exclusions", "kinds: [x]", Default(), []string{"refused: resource.exclusions: invalid YAML"}},
		{"a misspelt field of an exclusion", ConfigName, "resource.exclusions", "- kind: [x]", Default(), []string{`refused: resource.exclusions: invalid YAML: unknown field "kind"`}},
		{"a pattern that is none", ConfigName, "resource.exclusions", "- kinds: ['[']", with(func(s *Settings) { s.Exclusions = []ResourceFilter{{Kinds: []string{"["}}} }), []string{`refused: resource.exclusions: "[" is not a pattern`}},
		{"aggregated roles", ConfigName, "resource.compareoptions", "ignoreAggregatedRoles: true", with(func(s *Settings) { s.CompareOptions.IgnoreAggregatedRoles = true }), nil},
		{"the status of none", ConfigName, "resource.compareoptions", "ignoreResourceStatusField: none", Default(), []string{"named: resource.compareoptions: ignoreResourceStatusField: the status of objects is never compared"}},
		{"the status of none, as YAML reads off", ConfigName, "resource.compareoptions", "ignoreResourceStatusField: off", Default(), []string{"the status of objects is never compared"}},
		{"the status of all", ConfigName, "resource.compareoptions", "ignoreResourceStatusField: all", Default(), nil},
		{"a status that is neither", ConfigName, "resource.compareoptions", "ignoreResourceStatusField: some", Default(), []string{"named: resource.compareoptions: ignoreResourceStatusField is invalid; write all"}},
		{"updates that are looked at", ConfigName, "resource.compareoptions", "ignoreDifferencesOnResourceUpdates: false", Default(), nil},
		{"the poll", ConfigName, "timeout.reconciliation", "5m", with(func(s *Settings) { s.Reconciliation.Every = 5 * time.Minute }), nil},
		{"the poll in seconds", ConfigName, "timeout.reconciliation", "90", with(func(s *Settings) { s.Reconciliation.Every = 90 * time.Second }), nil},
		{"no poll", ConfigName, "timeout.reconciliation", "0s", with(func(s *Settings) { s.Reconciliation.Disabled = true }), nil},
		{"a poll that is none", ConfigName, "timeout.reconciliation", "often", Default(), []string{`named: timeout.reconciliation: "often" is invalid; write a time such as 180s`}},
		{"a poll before now", ConfigName, "timeout.reconciliation", "-5m", Default(), []string{"is invalid"}},
		{"a poll in a hundred years", ConfigName, "timeout.reconciliation", "876000h", Default(), []string{"is invalid"}},
		{"the jitter of the poll", ConfigName, "timeout.reconciliation.jitter", "60s", with(func(s *Settings) { s.Reconciliation.Jitter = time.Minute }), nil},
		{"options of builds", ConfigName, "kustomize.buildOptions", "--enable-helm --helm-command=helm3", Default(), []string{"named: kustomize.buildOptions: --enable-helm has no effect", "named: kustomize.buildOptions: --helm-command helm3 has no effect"}},
		{"files of anywhere", ConfigName, "kustomize.buildOptions", "--load-restrictor LoadRestrictionsNone", with(func(s *Settings) { s.Kustomize.AnyFile = true }), nil},
		{"files of anywhere, in another spelling", ConfigName, "kustomize.buildOptions", "--enable-alpha-plugins --load_restrictor=LoadRestrictionsNone", with(func(s *Settings) { s.Kustomize.AnyFile = true }), []string{"named: kustomize.buildOptions: --enable-alpha-plugins has no effect"}},
		{"files of below", ConfigName, "kustomize.buildOptions", "--load-restrictor=LoadRestrictionsRootOnly", Default(), nil},
		{"files of nowhere", ConfigName, "kustomize.buildOptions", "--load-restrictor=None", Default(), []string{"named: kustomize.buildOptions: --load-restrictor None has no effect"}},
		{"options of builds of a version", ConfigName, "kustomize.buildOptions.v4", "--x", with(func(s *Settings) { s.Kustomize.VersionedOptions = map[string]string{"v4": "--x"} }), []string{"named: kustomize.buildOptions.v4"}},
		{"a program of another version", ConfigName, "kustomize.path.v4", "/k4", with(func(s *Settings) { s.Kustomize.Versions = []string{"v4"} }), []string{"named: kustomize.path.v4: programs of other versions are not run"}},
		{"no kustomize", ConfigName, "kustomize.enable", "false", with(func(s *Settings) { s.Kustomize.Disabled = true }), nil},
		{"global projects", ConfigName, "globalProjects", "- projectName: bounds\n  labelSelector: {matchLabels: {team: a}}\n",
			with(func(s *Settings) {
				s.GlobalProjects = []GlobalProject{{ProjectName: "bounds", LabelSelector: metav1.LabelSelector{MatchLabels: map[string]string{"team": "a"}}}}
			}), nil},
		{"global projects that can't be read", ConfigName, "globalProjects", "- project: bounds", Default(), []string{"refused: globalProjects: invalid YAML"}},
		{"a selector that is none", ConfigName, "globalProjects", "- projectName: b\n  labelSelector: {matchExpressions: [{key: a, operator: Is}]}",
			with(func(s *Settings) {
				s.GlobalProjects = []GlobalProject{{ProjectName: "b", LabelSelector: metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Is"}}}}}
			}), []string{"refused: globalProjects: labelSelector of b is invalid"}},
		{"masked annotations", ConfigName, "resource.sensitive.mask.annotations", "a, b,,", with(func(s *Settings) { s.MaskedAnnotations = []string{"a", "b"} }), nil},
		{"impersonation", ConfigName, "application.sync.impersonation.enabled", "true", with(func(s *Settings) { s.Impersonation.Enabled = true }), nil},
		{"impersonation where a project asks for it", ConfigName, "application.sync.impersonation.enforced", "false", with(func(s *Settings) { s.Impersonation.Enforced = false }), nil},
		{"impersonation that can't be read", ConfigName, "application.sync.impersonation.enabled", "yes", Default(), []string{`refused: application.sync.impersonation.enabled: "yes" is invalid; write true or false`}},
		{"no cluster of its own", ConfigName, "cluster.inClusterEnabled", "false", with(func(s *Settings) { s.InClusterDisabled = true }), nil},
		{"a key that is not served", ConfigName, "extension.config", "extensions: []", Default(), []string{"named: extension.config: extensions are not served"}},
		{"a key that concerns no part of Cyan", ConfigName, "ui.bannercontent", "hello", Default(), nil},
		{"a key that is misspelt", ConfigName, "timeout.reconcilation", "60s", Default(), []string{"named: timeout.reconcilation: unknown key; did you mean timeout.reconciliation?"}},
		{"a key that is misspelt before a kind", ConfigName, "resource.customisations.health.Pod", "return {}", Default(), []string{"did you mean resource.customizations.health.Pod?"}},
		{"a key that nobody knows", ConfigName, "entirelyOurOwnKey", "x", Default(), []string{"named: entirelyOurOwnKey: unknown key; remove it"}},
		{"namespaces of Applications", ParametersName, "application.namespaces", "team-*, ops", with(func(s *Settings) { s.ApplicationNamespaces = []string{"team-*", "ops"} }), nil},
		{"a parameter with its default", ParametersName, "reposerver.include.hidden.directories", "false", Default(), nil},
		{"a parameter with another value", ParametersName, "reposerver.include.hidden.directories", "true", Default(), []string{"named: reposerver.include.hidden.directories"}},
		{"a limit of nothing", ParametersName, "controller.sync.timeout.seconds", "0", Default(), nil},
		{"a limit", ParametersName, "controller.sync.timeout.seconds", "30", Default(), []string{"named: controller.sync.timeout.seconds"}},
		{"policies", RBACName, "policy.csv", "g, a, role:admin", Default(), nil},
		{"policies in more keys", RBACName, "policy.team.csv", "g, a, role:admin", Default(), nil},
		{"notifications", NotificationsName, "service.slack", "token: $x", Default(), []string{"named: service.slack: notifications are not sent"}},
		{"ssh keys of signers", SSHSignersName, SSHSignersKey, "# whom\nsue@example.com " + ed25519 + " laptop\nmal\n", with(func(s *Settings) {
			s.SSHSigners = []SSHSigner{{ed25519ID, "ssh-ed25519", "sue@example.com", "sue@example.com " + ed25519 + " laptop"}}
		}), []string{"named: allowed_signers: line 3: not of the form PRINCIPAL TYPE KEY; write lines as git's gpg.ssh.allowedSignersFile has them"}},
		{"ssh keys under another name", SSHSignersName, "allowed-signers", "", Default(), []string{"named: allowed-signers: unknown key; did you mean allowed_signers?"}},
		{"keys of signers", GPGKeysName, "4AEE18F83AFDEB23", "-----BEGIN", Default(), nil},
	} {
		t.Run(test.rule, func(t *testing.T) {
			got, found := Parse(map[string]map[string]string{test.of: {test.key: test.value}})
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
			checkFound(t, found, test.found)
			for _, f := range found {
				if f.Object != "ConfigMap "+test.of {
					t.Errorf("finding of %q, want ConfigMap %s", f.Object, test.of)
				}
			}
		})
	}
}

func checkFound(t *testing.T, found []Finding, want []string) {
	t.Helper()
	var texts []string
	for _, f := range found {
		texts = append(texts, string(f.Verdict)+": "+f.String())
	}
	if len(texts) != len(want) {
		t.Fatalf("got findings %q, want %q", texts, want)
	}
	for i, part := range want {
		if !strings.Contains(texts[i], part) {
			t.Errorf("got finding %q, want %q", texts[i], part)
		}
	}
}

func TestCustomizations(t *testing.T) {
	const actions = "discovery.lua: return {a = {}}\ndefinitions: [{name: a, action.lua: return obj}]"
	for _, test := range []struct {
		rule string
		data map[string]string
		want []Customization
		// found are the findings, a part of each.
		found []string
	}{
		{"differences of a kind", map[string]string{"resource.customizations.ignoreDifferences.apps_Deployment": "jsonPointers: [/spec/replicas]\njqPathExpressions: [.a]\nmanagedFieldsManagers: [m]"},
			[]Customization{{Group: "apps", Kind: "Deployment", IgnoreDifferences: IgnoredFields{[]string{"/spec/replicas"}, []string{".a"}, []string{"m"}}}}, nil},
		{"differences of a kind without a group", map[string]string{"resource.customizations.ignoreDifferences.Service": "jsonPointers: [/spec]"},
			[]Customization{{Kind: "Service", IgnoreDifferences: IgnoredFields{JSONPointers: []string{"/spec"}}}}, nil},
		{"differences of all kinds", map[string]string{"resource.customizations.ignoreDifferences.all": "jsonPointers: [/spec]"},
			[]Customization{{Group: "*", Kind: "*", IgnoreDifferences: IgnoredFields{JSONPointers: []string{"/spec"}}}}, nil},
		{"differences that can't be read", map[string]string{"resource.customizations.ignoreDifferences.all": "jsonPointer: [/spec]"},
			[]Customization{{Group: "*", Kind: "*"}}, []string{`named: resource.customizations.ignoreDifferences.all: invalid YAML: unknown field "jsonPointer"`}},
		{"everything of one kind is one customization", map[string]string{
			"resource.customizations.health.cert-manager.io_Certificate":                "return {}",
			"resource.customizations.useOpenLibs.cert-manager.io_Certificate":           "true",
			"resource.customizations.ignoreResourceUpdates.cert-manager.io_Certificate": "jsonPointers: [/status]",
			"resource.customizations.knownTypeFields.cert-manager.io_Certificate":       "- {field: spec.x, type: core/v1/PodSpec}",
		}, []Customization{{
			Group: "cert-manager.io", Kind: "Certificate", HealthLua: "return {}", UseOpenLibs: true, IgnoreUpdates: IgnoredFields{JSONPointers: []string{"/status"}},
			KnownTypeFields: []KnownTypeField{{"spec.x", "core/v1/PodSpec"}},
		}}, nil},
		{"libraries that are neither on nor off", map[string]string{"resource.customizations.useOpenLibs.Pod": "some"}, []Customization{{Kind: "Pod"}}, []string{"write true or false"}},
		{"actions", map[string]string{"resource.customizations.actions.apps_Deployment": actions}, []Customization{{Group: "apps", Kind: "Deployment", Actions: actions}}, nil},
		{"actions that are none", map[string]string{"resource.customizations.actions.apps_Deployment": "discovery.lua: 'return {'"},
			[]Customization{{Group: "apps", Kind: "Deployment", Actions: "discovery.lua: 'return {'"}},
			[]string{"named: resource.customizations.actions.apps_Deployment: discovery.lua: invalid Lua: at its end: syntax error; correct it; until then these actions are not offered"}},
		{"a kind with two underscores", map[string]string{"resource.customizations.health.a_b_c": "x"}, nil, []string{`"a_b_c" names no kind`}},
		{"something else to customize", map[string]string{"resource.customizations.helth.Pod": "x"}, []Customization{{Kind: "Pod"}}, []string{"unknown key; did you mean resource.customizations.health.Pod?"}},
		{"the one key with all kinds", map[string]string{"resource.customizations": "apps/Deployment:\n  health.lua: return {}\n  health.lua.useOpenLibs: true\n  ignoreDifferences: |\n    jsonPointers: [/a]\n" +
			"  ignoreResourceUpdates: |\n    jsonPointers: [/b]\n  knownTypeFields: [{field: f, type: t}]\nService:\n  health.lua: return 1\n'*.example.com/*':\n  health.lua: return 2\n"},
			[]Customization{
				{Group: "*.example.com", Kind: "*", HealthLua: "return 2"},
				{Kind: "Service", HealthLua: "return 1"},
				{Group: "apps", Kind: "Deployment", HealthLua: "return {}", UseOpenLibs: true, IgnoreDifferences: IgnoredFields{JSONPointers: []string{"/a"}},
					IgnoreUpdates: IgnoredFields{JSONPointers: []string{"/b"}}, KnownTypeFields: []KnownTypeField{{"f", "t"}}},
			}, nil},
		{"actions in the one key", map[string]string{"resource.customizations": "Pod:\n  actions: |\n    discovery.lua: return {}\n"}, []Customization{{Kind: "Pod", Actions: "discovery.lua: return {}"}}, nil},
		{"actions that are none in the one key", map[string]string{"resource.customizations": "Pod: {actions: '{}'}"}, []Customization{{Kind: "Pod", Actions: "{}"}}, []string{"named: resource.customizations: Pod.actions: discovery.lua is missing; correct it"}},
		{"a pattern that is none in the one key", map[string]string{"resource.customizations": "'[/Pod': {}"}, []Customization{{Group: "[", Kind: "Pod"}}, []string{`"[" is not a pattern`}},
		{"a key of its own counts more than the one key", map[string]string{"resource.customizations": "Pod: {health.lua: return 1}", "resource.customizations.health.Pod": "return 2"},
			[]Customization{{Kind: "Pod", HealthLua: "return 2"}}, nil},
		{"a script that is none", map[string]string{"resource.customizations.health.Pod": "return {"}, []Customization{{Kind: "Pod", HealthLua: "return {"}}, []string{"named: resource.customizations.health.Pod: invalid Lua: at its end: syntax error; correct it"}},
		{"a script that is none in the one key", map[string]string{"resource.customizations": "Pod: {health.lua: 'return {'}"}, []Customization{{Kind: "Pod", HealthLua: "return {"}}, []string{"named: resource.customizations: Pod.health.lua: invalid Lua"}},
		{"the one key can't be read", map[string]string{"resource.customizations": "Pod: {health: x}"}, nil, []string{`named: resource.customizations: invalid YAML: unknown field "health"`}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			got, found := Parse(map[string]map[string]string{ConfigName: test.data})
			if !reflect.DeepEqual(got.Customizations, test.want) {
				t.Errorf("got  %+v\nwant %+v", got.Customizations, test.want)
			}
			checkFound(t, found, test.found)
		})
	}
}

func kind(name string) schema.GroupKind { return schema.ParseGroupKind(name) }

func TestExcludes(t *testing.T) {
	for _, test := range []struct {
		rule                   string
		inclusions, exclusions []ResourceFilter
		kind, server           string
		want                   bool
	}{
		{"nothing is written", nil, nil, "Deployment.apps", "https://a", false},
		{"events", nil, nil, "Event.events.k8s.io", "https://a", true},
		{"events of the first group", nil, nil, "Event", "https://a", true},
		{"what is measured", nil, nil, "PodMetrics.metrics.k8s.io", "https://a", true},
		{"a kind", nil, []ResourceFilter{{APIGroups: []string{"apps"}, Kinds: []string{"Deployment"}}}, "Deployment.apps", "https://a", true},
		{"another kind of the group", nil, []ResourceFilter{{APIGroups: []string{"apps"}, Kinds: []string{"Deployment"}}}, "StatefulSet.apps", "https://a", false},
		{"the kind in another group", nil, []ResourceFilter{{APIGroups: []string{"apps"}, Kinds: []string{"Deployment"}}}, "Deployment.example.com", "https://a", false},
		{"the group without a name", nil, []ResourceFilter{{APIGroups: []string{""}, Kinds: []string{"*"}}}, "Secret", "https://a", true},
		{"all kinds of groups", nil, []ResourceFilter{{APIGroups: []string{"*.cilium.io"}}}, "X.v2.cilium.io", "https://a", true},
		{"in a cluster", nil, []ResourceFilter{{Kinds: []string{"Secret"}, Clusters: []string{"https://*.local/x"}}}, "Secret", "https://a.local/x", true},
		{"in another cluster", nil, []ResourceFilter{{Kinds: []string{"Secret"}, Clusters: []string{"https://*.local/x"}}}, "Secret", "https://a.example", false},
		{"what is included", []ResourceFilter{{APIGroups: []string{"apps"}}}, nil, "Deployment.apps", "https://a", false},
		{"what is not included", []ResourceFilter{{APIGroups: []string{"apps"}}}, nil, "Secret", "https://a", true},
		{"what is included and excluded", []ResourceFilter{{APIGroups: []string{"apps"}}}, []ResourceFilter{{Kinds: []string{"Deployment"}}}, "Deployment.apps", "https://a", true},
		{"a pattern that is none", nil, []ResourceFilter{{Kinds: []string{"["}}}, "Secret", "https://a", false},
	} {
		if got := (Settings{Inclusions: test.inclusions, Exclusions: test.exclusions}).Excludes(kind(test.kind), test.server); got != test.want {
			t.Errorf("%s: %s in %s excluded %v, want %v", test.rule, test.kind, test.server, got, test.want)
		}
	}
}

func TestIgnoredOf(t *testing.T) {
	s := Settings{Customizations: []Customization{
		{Group: "*", Kind: "*", IgnoreDifferences: IgnoredFields{JSONPointers: []string{"/all"}}},
		{Group: "apps", Kind: "Deployment", IgnoreDifferences: IgnoredFields{JQPathExpressions: []string{".d"}, ManagedFieldsManagers: []string{"m"}}},
		{Group: "apps", Kind: "Deployment", HealthLua: "x"},
	}}
	want := []v1alpha1.IgnoreDifference{
		{Group: "apps", Kind: "Deployment", JSONPointers: []string{"/all"}},
		{Group: "apps", Kind: "Deployment", JQPathExpressions: []string{".d"}, ManagedFieldsManagers: []string{"m"}},
		{Kind: "Secret", JSONPointers: []string{"/all"}},
	}
	if got := s.IgnoredOf(kind("Deployment.apps"), kind("Secret")); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	roles := kind("ClusterRole.rbac.authorization.k8s.io")
	aggregated := Settings{CompareOptions: CompareOptions{IgnoreAggregatedRoles: true}}
	if got := aggregated.IgnoredOf(roles, kind("Role.rbac.authorization.k8s.io")); len(got) != 1 || got[0].Kind != "ClusterRole" || len(got[0].JQPathExpressions) != 1 {
		t.Errorf("of aggregated roles %+v, want one rule", got)
	}
	if got := (Settings{}).IgnoredOf(roles); got != nil {
		t.Errorf("got %+v of roles by default, want none", got)
	}
}

func TestHealthScript(t *testing.T) {
	s := Settings{Customizations: []Customization{
		{Group: "*", Kind: "*", HealthLua: "all"}, {Group: "*.example.com", Kind: "*", HealthLua: "group"}, {Group: "db.example.com", Kind: "Base", HealthLua: "kind"}, {Group: "apps", Kind: "Deployment"},
	}}
	for name, want := range map[string]string{"Base.db.example.com": "kind", "Other.db.example.com": "all", "Deployment.apps": "all"} {
		if got, ok := s.HealthScript(kind(name)); got.HealthLua != want || !ok {
			t.Errorf("%s: script %q, want %q", name, got.HealthLua, want)
		}
	}
	if _, ok := (Settings{Customizations: s.Customizations[1:]}).HealthScript(kind("Deployment.apps")); ok {
		t.Error("Deployment.apps: a script, want none")
	}
}

func TestActionScripts(t *testing.T) {
	s := Settings{Customizations: []Customization{
		{Group: "*", Kind: "*", Actions: "all"}, {Group: "*.example.com", Kind: "*", Actions: "group"}, {Group: "db.example.com", Kind: "Base", Actions: "kind"}, {Group: "apps", Kind: "Deployment"},
	}}
	for name, want := range map[string]string{"Base.db.example.com": "kind", "Other.db.example.com": "all", "Deployment.apps": "all"} {
		if got := s.ActionScripts(kind(name)); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if got := (Settings{Customizations: s.Customizations[1:]}).ActionScripts(kind("Deployment.apps")); got != "" {
		t.Errorf("Deployment.apps: got %q, want none", got)
	}
}

func TestServesNamespace(t *testing.T) {
	s := Settings{ApplicationNamespaces: []string{"ops", "team-*", "/^x[0-9]+$/", "/(/"}}
	for name, want := range map[string]bool{"ops": true, "opsx": false, "team-a": true, "x12": true, "x": false, "": false} {
		if got := s.ServesNamespace(name); got != want {
			t.Errorf("%q served %v, want %v", name, got, want)
		}
	}
}

func TestGlobalProjectsOf(t *testing.T) {
	matching := func(value string) metav1.LabelSelector {
		return metav1.LabelSelector{MatchLabels: map[string]string{"team": value}}
	}
	s := Settings{GlobalProjects: []GlobalProject{{"bounds", matching("a")}, {"others", matching("b")}, {"everything", metav1.LabelSelector{}},
		{"broken", metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Is"}}}}}}
	for _, test := range []struct {
		name, team string
		want       []string
	}{
		{"mine", "a", []string{"bounds", "everything"}}, {"mine", "c", []string{"everything"}}, {"bounds", "a", []string{"everything"}},
	} {
		if got := s.GlobalProjectsOf(test.name, map[string]string{"team": test.team}); !slices.Equal(got, test.want) {
			t.Errorf("of %s in team %s: %q, want %q", test.name, test.team, got, test.want)
		}
	}
}

func TestFindingsAreProblems(t *testing.T) {
	f := Finding{Object: "ConfigMap argocd-cm", Field: "dex.config", Verdict: Named, Cause: "sign-in is not served", Remedy: "use RBAC"}
	if got, want := f.Problem().Error(), "ConfigMap argocd-cm: dex.config: sign-in is not served; use RBAC"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := f.String(), "dex.config: sign-in is not served; use RBAC"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"- kinds: ['[']", "Pod: {health.lua: x}", "{}", "5m", "label", "a_b_c", "&a [*a]"} {
		f.Add("resource.exclusions", seed)
		f.Add("resource.customizations", seed)
		f.Add("resource.customizations.ignoreDifferences.all", seed)
		f.Add("globalProjects", seed)
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		for _, name := range ConfigMapNames {
			s, _ := Parse(map[string]map[string]string{name: {key: value}})
			s.Excludes(schema.GroupKind{Group: "apps", Kind: "Deployment"}, "https://a")
			s.HealthScript(schema.GroupKind{Group: "apps", Kind: "Deployment"})
		}
	})
}

func TestInSecret(t *testing.T) {
	for _, test := range []struct {
		rule, secretType string
		data             map[string]string
		want             []string
	}{
		{"a repository", "repository", map[string]string{"type": "git", "url": "https://h/x", "password": "p", "insecure": "true"}, nil},
		{"a repository of charts", "repository", map[string]string{"type": "helm", "url": "https://h/x"}, []string{"named: type: Helm charts are not rendered"}},
		{"keys that are not served", "repo-creds", map[string]string{"gcpServiceAccountKey": "secret"}, []string{"named: gcpServiceAccountKey: keys of Google Cloud"}},
		{"keys that are switched off", "repository", map[string]string{"gcpServiceAccountKey": "", "useAzureWorkloadIdentity": "false"}, nil},
		{"a misspelt key", "repository", map[string]string{"pasword": "p"}, []string{"named: pasword: unknown key; did you mean password?"}},
		{"a cluster", "cluster", map[string]string{"server": "https://c", "config": `{"bearerToken":"t","tlsClientConfig":{"insecure":true}}`}, nil},
		{"a cluster with a login that is not served", "cluster", map[string]string{"server": "https://c", "config": `{"awsAuthConfig":{"clusterName":"x"}}`}, []string{"refused: config.awsAuthConfig"}},
		{"a login that is not served, empty", "cluster", map[string]string{"config": `{"awsAuthConfig":null}`}, nil},
		{"a misspelt key of a connection", "cluster", map[string]string{"config": `{"bearertoken":"t"}`}, []string{"did you mean config.bearerToken?"}},
		{"a connection that can't be read", "cluster", map[string]string{"config": "{"}, nil},
		{"credentials for generators", "scm-creds", nil, []string{"harmless: label argocd.argoproj.io/secret-type: concerns ApplicationSets"}},
		{"credentials to write with", "repository-write", nil, []string{"named: label argocd.argoproj.io/secret-type: credentials to write rendered manifests with are not used; use repository"}},
		{"another type", "cluser", nil, []string{"named: label argocd.argoproj.io/secret-type: unknown type; use cluster"}},
	} {
		data := map[string][]byte{}
		for key, value := range test.data {
			data[key] = []byte(value)
		}
		found := InSecret("x", test.secretType, data)
		t.Run(test.rule, func(t *testing.T) { checkFound(t, found, test.want) })
		for _, f := range found {
			if f.Object != "Secret x" || strings.Contains(f.String(), "secret-value") {
				t.Errorf("%s: %+v", test.rule, f)
			}
		}
	}
}
