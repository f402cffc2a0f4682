package validate

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
)

func TestParseMinor(t *testing.T) {
	for text, want := range map[string]int{"1.25": 25, "v1.31": 31, "1.37": 37, "v1.30.4": 30, "1.24": 0, "1.38": 0, "2.0": 0, "1": 0, "": 0, "master": 0, "1.1000": 0} {
		got, err := ParseMinor(text)
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
}

// What an API server of a version serves, and what is said of what it does not serve, or will not for long.
func TestVersions(t *testing.T) {
	for _, c := range []struct {
		rule  string
		kind  schema.GroupVersionKind
		minor int
		want  string // in the finding; "" for none
		rest  string // in the warning
	}{
		{"served to the end", gvk("autoscaling", "v2beta2", "HorizontalPodAutoscaler"), 25, "", "deprecated since v1.23, and not served from v1.26 on; use autoscaling/v2; no field changes"},
		{"not after it", gvk("autoscaling", "v2beta2", "HorizontalPodAutoscaler"), 26, "not served since v1.26; use autoscaling/v2; no field changes", ""},
		{"gone before", gvk("autoscaling", "v2beta1", "HorizontalPodAutoscaler"), 25, "not served since v1.25", ""},
		{"an old beta", gvk("storage.k8s.io", "v1beta1", "CSIStorageCapacity"), 26, "", "deprecated since v1.24, and not served from v1.27 on"},
		{"an old beta, gone", gvk("storage.k8s.io", "v1beta1", "CSIStorageCapacity"), 27, "not served since v1.27", ""},
		{"flow control is served in beta", gvk("flowcontrol.apiserver.k8s.io", "v1beta3", "FlowSchema"), 28, "", ""},
		{"and deprecated with the next", gvk("flowcontrol.apiserver.k8s.io", "v1beta3", "FlowSchema"), 31, "", "deprecated since v1.29, and not served from v1.32 on; use flowcontrol.apiserver.k8s.io/v1; no field changes"},
		{"and not before it was there", gvk("flowcontrol.apiserver.k8s.io", "v1beta3", "FlowSchema"), 25, "not served before v1.26", ""},
		{"a new beta is asked for", gvk("storage.k8s.io", "v1beta1", "VolumeAttributesClass"), 32, "storage.k8s.io/v1beta1 VolumeAttributesClass is not served", ""},
		{"a stable version too new", gvk("storage.k8s.io", "v1", "VolumeAttributesClass"), 33, "not served before v1.34", ""},
		{"a stable version at last", gvk("storage.k8s.io", "v1", "VolumeAttributesClass"), 34, "", ""},
		{"a policy too new", gvk("admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicy"), 29, "not served before v1.30; use a cluster of v1.30 or later", ""},
		{"a stable version that is deprecated", gvk("", "v1", "Endpoints"), 37, "", "v1 Endpoints is deprecated since v1.33; use discovery.k8s.io/v1 EndpointSlice"},
		{"before that", gvk("", "v1", "Endpoints"), 32, "", ""},
		{"a kind that has always been there", gvk("apps", "v1", "Deployment"), 25, "", ""},
	} {
		kinds := newKinds(&Known{Minor: c.minor})
		found := kinds.find(c.kind)
		if got := found.problem + "; " + found.remedy; (found.problem != "") != (c.want != "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %v in 1.%d: got %q, want %q", c.rule, c.kind, c.minor, got, c.want)
		}
		if found.problem != "" {
			continue
		}
		s := &subject{rendered: object(t, "{apiVersion: v1, kind: X, metadata: {name: x}}")}
		checkDeprecated(s, c.kind, c.minor)
		if got := lines(s.warnings); (got != "") != (c.rest != "") || !strings.Contains(got, c.rest) {
			t.Errorf("%s: %v in 1.%d: got the warning %q, want %q", c.rule, c.kind, c.minor, got, c.rest)
		}
	}
}

// Of every version of a kind that Kubernetes has removed, or is going to, it is known what else changes in an object.
func TestMigrationsAreKnown(t *testing.T) {
	asked := map[string]bool{"Eviction": true, "DeploymentRollback": true, "ControllerRevision": true, "Scale": true, "Binding": true, "ComponentStatus": true}
	for kind := range clientscheme.Scheme.AllKnownTypes() {
		l, _ := lifecycleOf(kind)
		if l.removed == 0 || l.removed > NewestMinor || asked[kind.Kind] || strings.HasSuffix(kind.Kind, "List") || strings.HasSuffix(kind.Kind, "Review") || strings.HasSuffix(kind.Kind, "Options") {
			continue
		}
		if migrations[kind] == "" && !strings.Contains(kind.Version, "alpha") {
			t.Errorf("%s is removed in 1.%d, and what else changes is not known", kind, l.removed)
		}
	}
	for kind := range migrations {
		if _, known := lifecycleOf(kind); !known {
			t.Errorf("%s has never been there", kind)
		}
	}
	for kind := range standIns {
		if !noFieldChanges(kind) {
			t.Errorf("%s has other fields than what stands in for it", kind)
		}
	}
}

// An object of a version without rules of its own is checked by those of the version that has the same fields.
func TestStandIn(t *testing.T) {
	const hpa = "{apiVersion: autoscaling/v2beta2, kind: HorizontalPodAutoscaler, metadata: {name: x}, spec: {maxReplicas: %, scaleTargetRef: {kind: Deployment, name: d, apiVersion: apps/v1}}}"
	for max, want := range map[string]string{"3": "", "0": "spec.maxReplicas"} {
		got := lines(Check(fromManifest(t, strings.Replace(hpa, "%", max, 1)), &Known{Minor: 25}))
		if (got != "") != (want != "") || !strings.Contains(got, want) {
			t.Errorf("maxReplicas %s: got %q, want %q", max, got, want)
		}
	}
}
