package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/plan"
)

// TestOwnerByMethod: whose an object is, by every method, and by the marks of the method before.
func TestOwnerByMethod(t *testing.T) {
	const (
		id      = "annotations: {argocd.argoproj.io/tracking-id: 'shop:/ConfigMap:d/a'}"
		copied  = "annotations: {argocd.argoproj.io/tracking-id: 'shop:/ConfigMap:d/b'}"
		ours    = "annotations: {argocd.argoproj.io/tracking-id: 'shop:/ConfigMap:d/a', argocd.argoproj.io/installation-id: eu}"
		theirs  = "annotations: {argocd.argoproj.io/tracking-id: 'shop:/ConfigMap:d/a', argocd.argoproj.io/installation-id: us}"
		idAlone = "annotations: {argocd.argoproj.io/installation-id: us}"
		label   = "labels: {app.kubernetes.io/instance: blog}"
		own     = "labels: {example.com/app: blog}"
		owned   = "ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: x, uid: x}]"
	)
	by := func(managers ...string) string {
		entries := make([]string, len(managers))
		for i, m := range managers {
			entries[i] = fmt.Sprintf("{manager: %s, operation: Update, fieldsV1: {f:metadata: {f:labels: {f:app.kubernetes.io/instance: {}}}}}", m)
		}
		return "managedFields: [" + strings.Join(entries, ", ") + "]"
	}
	annotatedBy := func(managers ...string) string {
		return strings.ReplaceAll(by(managers...), "f:labels: {f:app.kubernetes.io/instance: {}}", "f:annotations: {'f:argocd.argoproj.io/tracking-id': {}}")
	}
	annotation := plan.Tracking{Method: plan.TrackByAnnotation}
	byLabel := plan.Tracking{Method: plan.TrackByLabel}
	both := plan.Tracking{Method: plan.TrackByAnnotationAndLabel}
	ownKey := plan.Tracking{Method: plan.TrackByLabel, LabelKey: "example.com/app"}
	installed := plan.Tracking{InstallationID: "eu"}
	installedByLabel := plan.Tracking{Method: plan.TrackByLabel, InstallationID: "eu"}
	for _, c := range []struct {
		name     string
		how      plan.Tracking
		kind     string
		metadata []string
		want     string
	}{
		{"annotation", annotation, "ConfigMap", []string{id}, "shop"},
		{"annotation: of the zero value", plan.Tracking{}, "ConfigMap", []string{id}, "shop"},
		{"annotation: a label beside it", annotation, "ConfigMap", []string{id, label}, "shop"},
		{"annotation: a label alone, as charts have it", annotation, "ConfigMap", []string{label}, ""},
		{"annotation: a label alone, by a person", annotation, "ConfigMap", []string{label, by("kubectl-client-side-apply")}, ""},
		{"annotation: a label alone, by a controller that tracked by it", annotation, "ConfigMap", []string{label, by("kubectl", "argocd-controller")}, "blog"},
		{"annotation: the same, by its older name", annotation, "ConfigMap", []string{label, by("argocd-application-controller")}, "blog"},
		{"annotation: a copied mark, though a label is right", annotation, "ConfigMap", []string{copied, label, by("argocd-controller")}, ""},
		{"label", byLabel, "ConfigMap", []string{label}, "blog"},
		{"label: an annotation that says otherwise", byLabel, "ConfigMap", []string{label, id}, "blog"},
		{"label: an annotation from before", byLabel, "ConfigMap", []string{id, annotatedBy("cyan")}, "shop"},
		{"label: an annotation from before, by another controller", byLabel, "ConfigMap", []string{id, annotatedBy("kubectl", "argocd-controller")}, "shop"},
		{"label: an annotation that somebody put on", byLabel, "ConfigMap", []string{id, annotatedBy("kubectl")}, ""},
		{"label: an annotation, beside another field of a controller", byLabel, "ConfigMap", []string{id, by("cyan")}, ""},
		{"label: a copied annotation from before", byLabel, "ConfigMap", []string{copied, annotatedBy("cyan")}, ""},
		{"label: none", byLabel, "ConfigMap", nil, ""},
		{"label: of another key", ownKey, "ConfigMap", []string{label}, ""},
		{"label: by its own key", ownKey, "ConfigMap", []string{own}, "blog"},
		{"label: copied to what another object owns", byLabel, "Pod", []string{label, owned}, ""},
		{"label: copied by a controller of the cluster", byLabel, "PersistentVolumeClaim", []string{label, by("kube-controller-manager")}, ""},
		{"label: put on by somebody besides", byLabel, "PersistentVolumeClaim", []string{label, by("kube-controller-manager", "kubectl")}, "blog"},
		{"label: copied from a Service", byLabel, "Endpoints", []string{label}, ""},
		{"annotation and label", both, "ConfigMap", []string{id, label}, "shop"},
		{"annotation and label: the label alone", both, "ConfigMap", []string{label}, ""},
		{"annotation and label: the label alone, from before", both, "ConfigMap", []string{label, by("argocd-controller")}, "blog"},
		{"installation: ours", installed, "ConfigMap", []string{ours}, "shop"},
		{"installation: another", installed, "ConfigMap", []string{theirs}, ""},
		{"installation: none, where ours has a name", installed, "ConfigMap", []string{id}, ""},
		{"installation: another, where ours has no name", annotation, "ConfigMap", []string{theirs}, ""},
		{"installation: another, by label", installedByLabel, "ConfigMap", []string{label, idAlone}, ""},
		{"installation: none, by label", installedByLabel, "ConfigMap", []string{label}, "blog"},
	} {
		manifest := fmt.Sprintf("apiVersion: v1\nkind: %s\nmetadata:\n  name: a\n  namespace: d\n", c.kind)
		for _, m := range c.metadata {
			manifest += "  " + m + "\n"
		}
		if got := c.how.OwnerOf(object(t, manifest)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	slice := object(t, "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: a, namespace: d, labels: {app.kubernetes.io/instance: blog}}}")
	if got := byLabel.OwnerOf(slice); got != "" {
		t.Errorf("an EndpointSlice with a Service's label: got %q, want nobody's", got)
	}
}

// TestMarks: what each method writes is read back as the Application's, and is all that is written.
func TestMarks(t *testing.T) {
	const id = "shop:/ConfigMap:d/a"
	long := strings.Repeat("x", 62) + "-long"
	for name, c := range map[string]struct {
		policy              plan.Policy
		labels, annotations string
	}{
		"annotation":           {plan.Policy{Instance: "shop"}, "map[team:a]", "map[argocd.argoproj.io/tracking-id:" + id + " note:b]"},
		"label":                {plan.Policy{Instance: "shop", Tracking: plan.Tracking{Method: plan.TrackByLabel}}, "map[app.kubernetes.io/instance:shop team:a]", "map[note:b]"},
		"a label of its own":   {plan.Policy{Instance: "shop", Tracking: plan.Tracking{Method: plan.TrackByLabel, LabelKey: "example.com/app"}}, "map[example.com/app:shop team:a]", "map[note:b]"},
		"annotation and label": {plan.Policy{Instance: "shop", Tracking: plan.Tracking{Method: plan.TrackByAnnotationAndLabel}}, "map[app.kubernetes.io/instance:shop team:a]", "map[argocd.argoproj.io/tracking-id:" + id + " note:b]"},
		"a label that is cut":  {plan.Policy{Instance: long, Tracking: plan.Tracking{Method: plan.TrackByAnnotationAndLabel}}, "map[app.kubernetes.io/instance:" + long[:62] + " team:a]", "map[argocd.argoproj.io/tracking-id:" + long + ":/ConfigMap:d/a note:b]"},
		"an installation":      {plan.Policy{Instance: "shop", Tracking: plan.Tracking{InstallationID: "eu"}}, "map[team:a]", "map[argocd.argoproj.io/installation-id:eu argocd.argoproj.io/tracking-id:" + id + " note:b]"},
		"for nobody":           {plan.Policy{Tracking: plan.Tracking{Method: plan.TrackByAnnotationAndLabel, InstallationID: "eu"}}, "map[team:a]", "map[note:b]"},
	} {
		o := object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: d, labels: {team: a}, annotations: {note: b}}}")
		plan.Mark(o, c.policy)
		if got := fmt.Sprint(o.GetLabels()); got != c.labels {
			t.Errorf("%s: labels are %s, want %s", name, got, c.labels)
		}
		if got := fmt.Sprint(o.GetAnnotations()); got != c.annotations {
			t.Errorf("%s: annotations are %s, want %s", name, got, c.annotations)
		}
		if got := c.policy.Tracking.OwnerOf(o); got != c.policy.Instance {
			t.Errorf("%s: read back as %q, want %q", name, got, c.policy.Instance)
		}
	}
	bare := object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: d}}")
	plan.Mark(bare, plan.Policy{Instance: "shop", Tracking: plan.Tracking{Method: plan.TrackByLabel}})
	if bare.GetAnnotations() != nil || fmt.Sprint(bare.GetLabels()) != "map[app.kubernetes.io/instance:shop]" {
		t.Errorf("on a bare object: labels %v, annotations %v; want the label alone", bare.GetLabels(), bare.GetAnnotations())
	}
}
