package plan_test

import (
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

func TestDrift(t *testing.T) {
	const git = "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{port: 80}], selector: {app: web}}}"
	const there = "{apiVersion: v1, kind: Service, metadata: {name: web, uid: u, resourceVersion: '9', managedFields: [{manager: mesh, operation: Update, fieldsType: FieldsV1, fieldsV1: {'f:spec': {'f:selector': {'f:app': {}}}}}]}," +
		" spec: {ports: [{port: 80, protocol: TCP}], selector: {app: web}, type: ClusterIP}, status: {loadBalancer: {}}}"
	changed := func(text, from, to string) string {
		if !strings.Contains(text, from) {
			t.Fatalf("%s isn't in %s", from, text)
		}
		return strings.Replace(text, from, to, 1)
	}
	for _, c := range []struct {
		name                 string
		git, live, predicted string
		ignore               []v1alpha1.IgnoreDifference
		want                 string
	}{
		{name: "defaults, without a prediction", git: git, live: there},
		{name: "defaults, as the server foresees them", git: git, live: there, predicted: there},
		{name: "a value", git: changed(git, "port: 80", "port: 81"), live: there, want: "spec.ports[0].port"},
		{name: "a value, foreseen", git: git, live: changed(there, "port: 80", "port: 81"), predicted: there, want: "spec.ports[0].port"},
		{name: "a field that others added", git: git, live: changed(there, "name: web,", "name: web, labels: {mesh: on},"), predicted: changed(there, "name: web,", "name: web, labels: {mesh: on},")},
		{name: "a field that git no longer has", git: git, live: changed(there, "app: web}, type", "app: web, tier: a}, type"), predicted: there, want: "spec.selector.tier"},
		{name: "a list of another length", git: changed(git, "[{port: 80}]", "[{port: 80}, {port: 90}]"), live: there, want: "spec.ports"},
		{name: "no list, and an empty one", git: changed(git, "selector: {app: web}", "selector: {app: web}, externalIPs: []"), live: there},
		{name: "status and bookkeeping", git: git, live: changed(changed(there, "resourceVersion: '9'", "resourceVersion: '10', generation: 4"), "loadBalancer: {}", "loadBalancer: {ingress: [{ip: 192.0.2.1}]}"), predicted: there},
		{name: "an ignored field", git: changed(git, "app: web", "app: other"), live: there, want: "",
			ignore: []v1alpha1.IgnoreDifference{{Kind: "Service", JSONPointers: []string{"/spec/selector/app"}}}},
		{name: "a field that is ignored elsewhere", git: changed(git, "app: web", "app: other"), live: there, want: "spec.selector.app",
			ignore: []v1alpha1.IgnoreDifference{{Kind: "Service", Name: "api", JSONPointers: []string{"/spec/selector/app"}}}},
		{name: "an ignored expression", git: changed(git, "port: 80", "port: 81"), live: there, want: "",
			ignore: []v1alpha1.IgnoreDifference{{Group: "*", Kind: "*", JQPathExpressions: []string{".spec.ports[].port"}}}},
		{name: "what a trusted manager has set", git: changed(git, "app: web", "app: other"), live: there, want: "",
			ignore: []v1alpha1.IgnoreDifference{{Kind: "Service", ManagedFieldsManagers: []string{"mesh"}}}},
	} {
		live := plan.Live{Object: object(t, c.live)}
		if c.predicted != "" {
			live.Predicted = object(t, c.predicted)
		}
		var got []string
		for _, d := range plan.Drift(object(t, c.git), live, c.ignore) {
			got = append(got, d.Path)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestIgnoredDifferencesThatCantBeRead(t *testing.T) {
	found := plan.CheckIgnore([]v1alpha1.IgnoreDifference{
		{JSONPointers: []string{"/spec/replicas", "spec/replicas"}, JQPathExpressions: []string{".spec.replicas", ".spec[", "nonsense(.)"}},
	})
	if text := strings.Join(found, "\n"); len(found) != 3 || !strings.Contains(text, `".spec["`) || !strings.Contains(text, `"nonsense(.)"`) || !strings.Contains(text, `"spec/replicas" must begin`) {
		t.Error(text)
	}
}

func TestSyncOptionsThatMeanNothing(t *testing.T) {
	desired := []plan.Desired{{Object: object(t, "{apiVersion: v1, kind: Secret, metadata: {name: key, namespace: d, annotations: {argocd.argoproj.io/sync-options: 'Prune=false,Delet=false'}}}")}}
	found := plan.CheckOptions([]string{"CreateNamespace=true", "Replace", "Frobnicate=1"}, desired)
	text := strings.Join(found, "\n")
	for _, part := range []string{`"Replace" has no value`, `"Frobnicate=1" means nothing; the options are`, "Secret d/key", "is it Delete?"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not said in\n%s", part, text)
		}
	}
	if len(found) != 3 {
		t.Error(text)
	}
}

// A mark is read back as it was written; one on a copy of the object is none.
func FuzzTracking(f *testing.F) {
	f.Add("shop", "apps", "Deployment", "d", "web")
	f.Add("team_shop", "", "Namespace", "", "d")
	f.Add("", ":", "/", "x:y", "a/b")
	f.Fuzz(func(t *testing.T, instance, group, kind, namespace, name string) {
		key := plan.Key{Group: group, Kind: kind, Namespace: namespace, Name: name}
		id := plan.TrackingID(instance, key)
		gotInstance, got, ok := plan.ParseTrackingID(id)
		if !ok {
			return
		}
		if plan.TrackingID(gotInstance, got) != id {
			t.Errorf("%q is read as %q of %v", id, gotInstance, got)
		}
		if !strings.ContainsAny(instance+group+kind+namespace+name, ":/") && (gotInstance != instance || got != key) {
			t.Errorf("%q is read as %q of %v", id, gotInstance, got)
		}
	})
}

func TestOwner(t *testing.T) {
	web := object(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: d}}")
	plan.Mark(web, plan.Policy{Instance: "shop"})
	if got := plan.Owner(web); got != "shop" {
		t.Error(got)
	}
	copied := web.DeepCopy()
	copied.SetName("web-copy")
	if got := plan.Owner(copied); got != "" {
		t.Errorf("a copy is %q's", got)
	}
}
