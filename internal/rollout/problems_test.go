package rollout_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/rollout/strategy"
)

// invalidSpecs are the specs that cannot be carried out, each with the fields of its problems, and the change that
// repairs it.
var invalidSpecs = []struct {
	name   string
	patch  string
	fields string
	repair string
}{
	{"selector missing", `{"spec":{"selector":null}}`, "spec.selector", `{"spec":{"selector":{"matchLabels":{"app":"app"}}}}`},
	{"selector empty", `{"spec":{"selector":{"matchLabels":null}}}`, "spec.selector", `{"spec":{"selector":{"matchLabels":{"app":"app"}}}}`},
	{"selector does not match the template", `{"spec":{"selector":{"matchLabels":{"app":"other"}}}}`, "spec.selector", `{"spec":{"template":{"metadata":{"labels":{"app":"other"}}},"strategy":{"blueGreen":{"activeService":"free","previewService":""}}}}`},
	{"selector with an unknown operator", `{"spec":{"selector":{"matchExpressions":[{"key":"app","operator":"Near"}]}}}`, "spec.selector", `{"spec":{"selector":{"matchExpressions":[{"key":"app","operator":"Exists"}]}}}`},
	{"no container", `{"spec":{"template":{"spec":{"containers":[]}}}}`, "spec.template.spec.containers", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app"}]}}}}`},
	{"container without a name", `{"spec":{"template":{"spec":{"containers":[{"image":"app"}]}}}}`, "spec.template.spec.containers[0].name", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app"}]}}}}`},
	{"second container without an image", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app"},{"name":"side"}]}}}}`, "spec.template.spec.containers[1].image", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app"},{"name":"side","image":"side"}]}}}}`},
	{"pods that are not restarted", `{"spec":{"template":{"spec":{"restartPolicy":"Never"}}}}`, "spec.template.spec.restartPolicy", `{"spec":{"template":{"spec":{"restartPolicy":"Always"}}}}`},
	{"progress deadline of minReadySeconds", `{"spec":{"progressDeadlineSeconds":60,"minReadySeconds":60}}`, "spec.progressDeadlineSeconds", `{"spec":{"minReadySeconds":59}}`},
	{"default progress deadline below minReadySeconds", `{"spec":{"minReadySeconds":601}}`, "spec.progressDeadlineSeconds", `{"spec":{"minReadySeconds":599}}`},
	{"negative size", `{"spec":{"replicas":-1}}`, "spec.replicas", `{"spec":{"replicas":0}}`},
	{"no strategy", `{"spec":{"strategy":{"blueGreen":null}}}`, "spec.strategy", `{"spec":{"strategy":{"blueGreen":{"activeService":"active"}}}}`},
	{"two strategies", `{"spec":{"strategy":{"canary":{}}}}`, "spec.strategy", `{"spec":{"strategy":{"canary":null}}}`},
	{"canary", `{"spec":{"strategy":{"canary":{},"blueGreen":null}}}`, "spec.strategy.canary", `{"spec":{"strategy":{"canary":null,"blueGreen":{"activeService":"active"}}}}`},
	{"no active Service", `{"spec":{"strategy":{"blueGreen":{"activeService":""}}}}`, "spec.strategy.blueGreen.activeService", `{"spec":{"strategy":{"blueGreen":{"activeService":"active"}}}}`},
	{"one Service for both", `{"spec":{"strategy":{"blueGreen":{"previewService":"active"}}}}`, "spec.strategy.blueGreen.previewService", `{"spec":{"strategy":{"blueGreen":{"previewService":"preview"}}}}`},
	{"scale-down limit above the history limit", `{"spec":{"revisionHistoryLimit":1,"strategy":{"blueGreen":{"scaleDownDelayRevisionLimit":2}}}}`, "spec.strategy.blueGreen.scaleDownDelayRevisionLimit", `{"spec":{"strategy":{"blueGreen":{"scaleDownDelayRevisionLimit":1}}}}`},
	{"scale-down limit above the default history limit", `{"spec":{"strategy":{"blueGreen":{"scaleDownDelayRevisionLimit":11}}}}`, "spec.strategy.blueGreen.scaleDownDelayRevisionLimit", `{"spec":{"strategy":{"blueGreen":{"scaleDownDelayRevisionLimit":10}}}}`},
	{"anti-affinity of neither form", `{"spec":{"strategy":{"blueGreen":{"antiAffinity":{}}}}}`, "spec.strategy.blueGreen.antiAffinity", `{"spec":{"strategy":{"blueGreen":{"antiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{}}}}}}`},
	{"anti-affinity of both forms", `{"spec":{"strategy":{"blueGreen":{"antiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{},"preferredDuringSchedulingIgnoredDuringExecution":{"weight":1}}}}}}`, "spec.strategy.blueGreen.antiAffinity", `{"spec":{"strategy":{"blueGreen":{"antiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":null}}}}}`},
	{"pre-promotion analysis", `{"spec":{"strategy":{"blueGreen":{"prePromotionAnalysis":{}}}}}`, "spec.strategy.blueGreen.prePromotionAnalysis", `{"spec":{"strategy":{"blueGreen":{"prePromotionAnalysis":null}}}}`},
	{"post-promotion analysis", `{"spec":{"strategy":{"blueGreen":{"postPromotionAnalysis":{}}}}}`, "spec.strategy.blueGreen.postPromotionAnalysis", `{"spec":{"strategy":{"blueGreen":{"postPromotionAnalysis":null}}}}`},
	{"active Service missing", `{"spec":{"strategy":{"blueGreen":{"activeService":"missing"}}}}`, "spec.strategy.blueGreen.activeService", `{"spec":{"strategy":{"blueGreen":{"activeService":"active"}}}}`},
	{"preview Service missing", `{"spec":{"strategy":{"blueGreen":{"previewService":"missing"}}}}`, "spec.strategy.blueGreen.previewService", `{"spec":{"strategy":{"blueGreen":{"previewService":""}}}}`},
	{"Service of another Rollout", `{"spec":{"strategy":{"blueGreen":{"activeService":"taken"}}}}`, "spec.strategy.blueGreen.activeService", `{"spec":{"strategy":{"blueGreen":{"activeService":"mine"}}}}`},
	{"Service that selects other labels", `{"spec":{"strategy":{"blueGreen":{"previewService":"elsewhere"}}}}`, "spec.strategy.blueGreen.previewService", `{"spec":{"template":{"metadata":{"labels":{"tier":"web"}}}}}`},
	{"workload and template", `{"spec":{"workloadRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"web"}}}`, "spec.workloadRef", `{"spec":{"template":{"spec":{"containers":null}}}}`},
	{"workload of an unsupported kind", `{"spec":{"workloadRef":{"apiVersion":"apps/v1","kind":"StatefulSet","name":"web"},"template":{"spec":{"containers":null}}}}`, "spec.workloadRef", `{"spec":{"workloadRef":{"kind":"Deployment"}}}`},
	{"workload of an unsupported version", `{"spec":{"workloadRef":{"apiVersion":"v1","kind":"Deployment","name":"web"},"template":{"spec":{"containers":null}}}}`, "spec.workloadRef", `{"spec":{"workloadRef":{"apiVersion":"apps/v1"}}}`},
	{"workload without a name", `{"spec":{"workloadRef":{"apiVersion":"apps/v1","kind":"Deployment"},"template":{"spec":{"containers":null}}}}`, "spec.workloadRef.name", `{"spec":{"workloadRef":{"name":"web"}}}`},
	{"workload missing", `{"spec":{"workloadRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"missing"},"template":{"spec":{"containers":null}}}}`, "spec.workloadRef", `{"spec":{"workloadRef":{"name":"web"}}}`},
	{"workload of a wrong scaleDown", `{"spec":{"workloadRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"web","scaleDown":"later"},"template":{"spec":{"containers":null}}}}`, "spec.workloadRef.scaleDown", `{"spec":{"workloadRef":{"scaleDown":"onsuccess"}}}`},
	{"several", `{"spec":{"replicas":-1,"minReadySeconds":700,"selector":null}}`, "spec.progressDeadlineSeconds spec.replicas spec.selector", `{"spec":{"replicas":1,"minReadySeconds":0,"selector":{"matchLabels":{"app":"app"}}}}`},
}

func TestInvalidSpecs(t *testing.T) {
	for _, c := range invalidSpecs {
		t.Run(c.name, func(t *testing.T) {
			ro := exampleRollout()
			if problems := problemFields(t, ro); problems != "" {
				t.Fatalf("before: %s", problems)
			}
			ro = patched(t, ro, c.patch)
			if got := problemFields(t, ro); got != c.fields {
				t.Errorf("got problems of %q, want %q", got, c.fields)
			}
			if got := problemFields(t, patched(t, ro, c.repair)); got != "" {
				t.Errorf("after the repair: problems of %s", got)
			}
		})
	}
}

func patched(t *testing.T, ro *v1alpha1.Rollout, patch string) *v1alpha1.Rollout {
	t.Helper()
	after := &v1alpha1.Rollout{}
	if err := merge(ro, patch, after); err != nil {
		t.Fatal(err)
	}
	return after
}

// problemFields are the fields of a Rollout's problems in a namespace with a few Services and a Deployment.
func problemFields(t *testing.T, ro *v1alpha1.Rollout) string {
	t.Helper()
	services := map[string]*corev1.Service{}
	for _, text := range []string{
		"{metadata: {name: active}, spec: {selector: {app: app, rollouts-pod-template-hash: abc}}}", "{metadata: {name: preview}, spec: {selector: {app: app}}}",
		"{metadata: {name: free}}", "{metadata: {name: elsewhere}, spec: {selector: {tier: web}}}",
		"{metadata: {name: taken, annotations: {argo-rollouts.argoproj.io/managed-by-rollouts: other}}}",
		"{metadata: {name: mine, annotations: {argo-rollouts.argoproj.io/managed-by-rollouts: app}}}",
	} {
		service := &corev1.Service{}
		if err := yaml.UnmarshalStrict([]byte(text), service); err != nil {
			t.Fatal(err)
		}
		services[service.Name] = service
	}
	seen := rollout.Observation{Rollout: ro}
	if bg := ro.Spec.Strategy.BlueGreen; bg != nil {
		seen.Active, seen.Preview = services[bg.ActiveService], services[bg.PreviewService]
	}
	if ref := ro.Spec.WorkloadRef; ref != nil && ref.Name == "web" {
		seen.Workload = &rollout.Workload{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "app"}}, Template: exampleRollout().Spec.Template}
	}
	var fields []string
	for _, p := range strategy.Problems(seen) {
		if p.Says == "" || !strings.HasPrefix(p.String(), p.Field+": ") {
			t.Errorf("the problem of %s reads %q", p.Field, p)
		}
		fields = append(fields, p.Field)
	}
	return strings.Join(fields, " ")
}

func TestLint(t *testing.T) {
	for _, c := range []struct{ name, patch, want string }{
		{"nothing wrong", `{}`, ""},
		{"what a cluster has is not asked for", `{"spec":{"strategy":{"blueGreen":{"activeService":"missing","previewService":"missing-too"}}}}`, ""},
		{"a workload is not asked for", `{"spec":{"workloadRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"missing"},"selector":null,"template":null}}`, ""},
		{"what is wrong by itself", `{"spec":{"replicas":-2}}`, "spec.replicas: -2 is negative"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, p := range strategy.Lint(patched(t, exampleRollout(), c.patch)) {
				got = append(got, p.String())
			}
			if strings.Join(got, "\n") != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
