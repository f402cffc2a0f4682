package rollout_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/rollout/strategy"
)

// invalidSpecs are the specs that cannot be carried out, each with its problems, a line each, and the change that
// repairs it.
var invalidSpecs = []struct {
	name     string
	patch    string
	problems string
	repair   string
}{
	{"selector missing", `{"spec":{"selector":null}}`, "spec.selector: missing; give the labels of the template that find its pods, as in matchLabels: {app: NAME}", `{"spec":{"selector":{"matchLabels":{"app":"app"}}}}`},
	{"selector empty", `{"spec":{"selector":{"matchLabels":null}}}`, "spec.selector: empty, which selects every pod; give the labels of the template that find its pods", `{"spec":{"selector":{"matchLabels":{"app":"app"}}}}`},
	{"selector does not match the template", `{"spec":{"selector":{"matchLabels":{"app":"other"}}}}`, "spec.selector: app=other does not match the labels of the template (app=app); give labels that the template has", `{"spec":{"template":{"metadata":{"labels":{"app":"other"}}},"strategy":{"blueGreen":{"activeService":"free","previewService":""}}}}`},
	{"selector with an unknown operator", `{"spec":{"selector":{"matchExpressions":[{"key":"app","operator":"Near"}]}}}`, `spec.selector: invalid: "Near" is not a valid label selector operator`, `{"spec":{"selector":{"matchExpressions":[{"key":"app","operator":"Exists"}]}}}`},
	{"no container", `{"spec":{"template":{"spec":{"containers":[]}}}}`, "spec.template.spec.containers: empty; add a container, or name a Deployment in spec.workloadRef", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app"}]}}}}`},
	{"container without a name", `{"spec":{"template":{"spec":{"containers":[{"image":"app"}]}}}}`, "spec.template.spec.containers[0].name: missing; name the container", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app"}]}}}}`},
	{"second container without an image", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app"},{"name":"side"}]}}}}`, "spec.template.spec.containers[1].image: missing; give the image that the container runs", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app"},{"name":"side","image":"side"}]}}}}`},
	{"pods that are not restarted", `{"spec":{"template":{"spec":{"restartPolicy":"Never"}}}}`, "spec.template.spec.restartPolicy: Never is invalid, because the pods of a Rollout are always restarted; give Always, or leave it out", `{"spec":{"template":{"spec":{"restartPolicy":"Always"}}}}`},
	{"progress deadline of minReadySeconds", `{"spec":{"progressDeadlineSeconds":60,"minReadySeconds":60}}`, "spec.progressDeadlineSeconds: 60 is not more than minReadySeconds (60), so that no pod is available in time; give more than minReadySeconds", `{"spec":{"minReadySeconds":59}}`},
	{"default progress deadline below minReadySeconds", `{"spec":{"minReadySeconds":601}}`, "spec.progressDeadlineSeconds: 600 is not more than minReadySeconds (601), so that no pod is available in time; give more than minReadySeconds", `{"spec":{"minReadySeconds":599}}`},
	{"negative size", `{"spec":{"replicas":-1}}`, "spec.replicas: -1 is negative", `{"spec":{"replicas":0}}`},
	{"no strategy", `{"spec":{"strategy":{"blueGreen":null}}}`, "spec.strategy: missing; give blueGreen with an activeService", `{"spec":{"strategy":{"blueGreen":{"activeService":"active"}}}}`},
	{"two strategies", `{"spec":{"strategy":{"canary":{}}}}`, "spec.strategy: both blueGreen and canary are set; keep one", `{"spec":{"strategy":{"canary":null}}}`},
	{"canary", `{"spec":{"strategy":{"canary":{},"blueGreen":null}}}`, "spec.strategy.canary: not served by this version of Cyan; use blueGreen", `{"spec":{"strategy":{"canary":null,"blueGreen":{"activeService":"active"}}}}`},
	{"no active Service", `{"spec":{"strategy":{"blueGreen":{"activeService":""}}}}`, "spec.strategy.blueGreen.activeService: missing; name the Service that takes the traffic", `{"spec":{"strategy":{"blueGreen":{"activeService":"active"}}}}`},
	{"one Service for both", `{"spec":{"strategy":{"blueGreen":{"previewService":"active"}}}}`, "spec.strategy.blueGreen.previewService: Service active is the activeService; name another Service", `{"spec":{"strategy":{"blueGreen":{"previewService":"preview"}}}}`},
	{"scale-down limit above the history limit", `{"spec":{"revisionHistoryLimit":1,"strategy":{"blueGreen":{"scaleDownDelayRevisionLimit":2}}}}`, "spec.strategy.blueGreen.scaleDownDelayRevisionLimit: 2 is more than revisionHistoryLimit (1); lower it, or raise revisionHistoryLimit", `{"spec":{"strategy":{"blueGreen":{"scaleDownDelayRevisionLimit":1}}}}`},
	{"scale-down limit above the default history limit", `{"spec":{"strategy":{"blueGreen":{"scaleDownDelayRevisionLimit":11}}}}`, "spec.strategy.blueGreen.scaleDownDelayRevisionLimit: 11 is more than revisionHistoryLimit (10); lower it, or raise revisionHistoryLimit", `{"spec":{"strategy":{"blueGreen":{"scaleDownDelayRevisionLimit":10}}}}`},
	{"anti-affinity of neither form", `{"spec":{"strategy":{"blueGreen":{"antiAffinity":{}}}}}`, "spec.strategy.blueGreen.antiAffinity: empty; give preferredDuringSchedulingIgnoredDuringExecution or requiredDuringSchedulingIgnoredDuringExecution", `{"spec":{"strategy":{"blueGreen":{"antiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{}}}}}}`},
	{"anti-affinity of both forms", `{"spec":{"strategy":{"blueGreen":{"antiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{},"preferredDuringSchedulingIgnoredDuringExecution":{"weight":1}}}}}}`, "spec.strategy.blueGreen.antiAffinity: both preferredDuringSchedulingIgnoredDuringExecution and requiredDuringSchedulingIgnoredDuringExecution are set; keep one", `{"spec":{"strategy":{"blueGreen":{"antiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":null}}}}}`},
	{"pre-promotion analysis", `{"spec":{"strategy":{"blueGreen":{"prePromotionAnalysis":{}}}}}`, "spec.strategy.blueGreen.prePromotionAnalysis: not served by this version of Cyan; remove it, or gate by autoPromotionEnabled: false", `{"spec":{"strategy":{"blueGreen":{"prePromotionAnalysis":null}}}}`},
	{"post-promotion analysis", `{"spec":{"strategy":{"blueGreen":{"postPromotionAnalysis":{}}}}}`, "spec.strategy.blueGreen.postPromotionAnalysis: not served by this version of Cyan; remove it", `{"spec":{"strategy":{"blueGreen":{"postPromotionAnalysis":null}}}}`},
	{"active Service missing", `{"spec":{"strategy":{"blueGreen":{"activeService":"missing"}}}}`, "spec.strategy.blueGreen.activeService: Service missing not found in namespace shop; create it", `{"spec":{"strategy":{"blueGreen":{"activeService":"active"}}}}`},
	{"preview Service missing", `{"spec":{"strategy":{"blueGreen":{"previewService":"missing"}}}}`, "spec.strategy.blueGreen.previewService: Service missing not found in namespace shop; create it", `{"spec":{"strategy":{"blueGreen":{"previewService":""}}}}`},
	{"Service of another Rollout", `{"spec":{"strategy":{"blueGreen":{"activeService":"taken"}}}}`, "spec.strategy.blueGreen.activeService: Service taken is managed by Rollout other already; use another Service", `{"spec":{"strategy":{"blueGreen":{"activeService":"mine"}}}}`},
	{"Service that selects other labels", `{"spec":{"strategy":{"blueGreen":{"previewService":"elsewhere"}}}}`, "spec.strategy.blueGreen.previewService: Service elsewhere selects tier=web, which the labels of the template do not have; change the selector of the Service, or the labels", `{"spec":{"template":{"metadata":{"labels":{"tier":"web"}}}}}`},
	{"workload and template", `{"spec":{"workloadRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"web"}}}`, "spec.template: template must be empty for workload reference rollout; remove it, or spec.workloadRef", `{"spec":{"template":null}}`},
	{"workload and labels of a template", `{"spec":{"workloadRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"web"},"template":{"spec":null}}}`, "spec.template: template must be empty for workload reference rollout; remove it, or spec.workloadRef", `{"spec":{"template":{"metadata":null,"spec":{"containers":[]}}}}`},
	{"workload of an unsupported kind", `{"spec":{"workloadRef":{"apiVersion":"apps/v1","kind":"StatefulSet","name":"web"},"template":null}}`, "spec.workloadRef: apps/v1 StatefulSet is not supported; name a Deployment or ReplicaSet (apps/v1) or a PodTemplate (v1)", `{"spec":{"workloadRef":{"kind":"Deployment"}}}`},
	{"workload of an unsupported version", `{"spec":{"workloadRef":{"apiVersion":"v1","kind":"Deployment","name":"web"},"template":null}}`, "spec.workloadRef: v1 Deployment is not supported; name a Deployment or ReplicaSet (apps/v1) or a PodTemplate (v1)", `{"spec":{"workloadRef":{"apiVersion":"apps/v1"}}}`},
	{"workload without a name", `{"spec":{"workloadRef":{"apiVersion":"apps/v1","kind":"Deployment"},"template":null}}`, "spec.workloadRef.name: missing; name the Deployment", `{"spec":{"workloadRef":{"name":"web"}}}`},
	{"workload missing", `{"spec":{"workloadRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"missing"},"template":null}}`, "spec.workloadRef: Deployment missing not found in namespace shop; create it, or name another", `{"spec":{"workloadRef":{"name":"web"}}}`},
	{"workload of a wrong scaleDown", `{"spec":{"workloadRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"web","scaleDown":"later"},"template":null}}`, `spec.workloadRef.scaleDown: unknown value "later"; give never, onsuccess or progressively`, `{"spec":{"workloadRef":{"scaleDown":"onsuccess"}}}`},
	{"quantity in words", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app","resources":{"limits":{"memory":"invalid"}}}]}}}}`, `spec: not all of it can be read: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'; correct the field`, `{"spec":{"template":{"metadata":{"labels":{"app":"app"}},"spec":{"containers":[{"name":"app","image":"app"}]}}}}`},
	{"several", `{"spec":{"replicas":-1,"minReadySeconds":700,"selector":null}}`, "spec.progressDeadlineSeconds: 600 is not more than minReadySeconds (700), so that no pod is available in time; give more than minReadySeconds\nspec.replicas: -1 is negative\nspec.selector: missing; give the labels of the template that find its pods, as in matchLabels: {app: NAME}", `{"spec":{"replicas":1,"minReadySeconds":0,"selector":{"matchLabels":{"app":"app"}}}}`},
}

func TestInvalidSpecs(t *testing.T) {
	for _, c := range invalidSpecs {
		t.Run(c.name, func(t *testing.T) {
			ro := exampleRollout()
			if problems := problemsOf(t, ro); problems != "" {
				t.Fatalf("before: %s", problems)
			}
			ro = patched(t, ro, c.patch)
			if got := problemsOf(t, ro); got != c.problems {
				t.Errorf("got %q, want %q", got, c.problems)
			}
			if got := problemsOf(t, patched(t, ro, c.repair)); got != "" {
				t.Errorf("after the repair: %s", got)
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

// problemsOf returns the problems of a Rollout, a line each, in a namespace with a few Services and a Deployment.
func problemsOf(t *testing.T, ro *v1alpha1.Rollout) string {
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
	ro = ro.DeepCopy()
	ro.Namespace = "shop"
	seen := rollout.Observation{Rollout: ro}
	if bg := ro.Spec.Strategy.BlueGreen; bg != nil {
		seen.Active, seen.Preview = services[bg.ActiveService], services[bg.PreviewService]
	}
	if ref := ro.Spec.WorkloadRef; ref != nil && ref.Name == "web" {
		seen.Workload = &rollout.Workload{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "app"}}, Template: exampleRollout().Spec.Template}
	}
	return lines(strategy.Problems(seen))
}

// lines returns problems as they are shown, a line each.
func lines(problems []*problem.Error) string {
	shown := make([]string, len(problems))
	for i, p := range problems {
		shown[i] = p.Error()
	}
	return strings.Join(shown, "\n")
}

func TestLint(t *testing.T) {
	for _, c := range []struct{ name, patch, want string }{
		{"nothing wrong", `{}`, ""},
		{"what a cluster has is not asked for", `{"spec":{"strategy":{"blueGreen":{"activeService":"missing","previewService":"missing-too"}}}}`, ""},
		{"a workload is not asked for", `{"spec":{"workloadRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"missing"},"selector":null,"template":null}}`, ""},
		{"a workload of a kind that is not served", `{"spec":{"workloadRef":{"apiVersion":"apps/v1","kind":"StatefulSet","name":"web"},"template":null}}`, "spec.workloadRef: apps/v1 StatefulSet is not supported; name a Deployment or ReplicaSet (apps/v1) or a PodTemplate (v1)"},
		{"what is wrong by itself", `{"spec":{"replicas":-2}}`, "spec.replicas: -2 is negative"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := lines(strategy.Lint(patched(t, exampleRollout(), c.patch))); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
