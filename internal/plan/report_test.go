package plan_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

const (
	healthyWeb  = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: d}, spec: {replicas: 1}, status: {replicas: 1, updatedReplicas: 1, availableReplicas: 1}}"
	degradedWeb = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: d}, spec: {replicas: 1}, status: {conditions: [{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded, message: late}]}}"
	plainMap    = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: d}}"
)

// TestResourceStatuses: all that a status says of an object comes from the plan.
func TestResourceStatuses(t *testing.T) {
	p := plan.Plan{Resources: []plan.Resource{
		{Key: plan.Key{Group: "apps", Kind: "Deployment", Namespace: "d", Name: "web"}, Version: "v1", Status: v1alpha1.OutOfSync, RequiresPruning: true, Wave: 3, Live: object(t, healthyWeb)},
		{Key: plan.Key{Kind: "Secret", Namespace: "d", Name: "gone"}, Version: "v1", Status: v1alpha1.Synced},
		{Key: plan.Key{Kind: "ConfigMap", Namespace: "d", Name: "a"}, Version: "v1", Status: v1alpha1.Synced, Live: object(t, plainMap)},
	}}
	want := []v1alpha1.ResourceStatus{
		{Group: "apps", Version: "v1", Kind: "Deployment", Namespace: "d", Name: "web", Status: v1alpha1.OutOfSync, RequiresPruning: true, SyncWave: 3, Health: &v1alpha1.HealthStatus{Status: v1alpha1.HealthHealthy}},
		{Version: "v1", Kind: "Secret", Namespace: "d", Name: "gone", Status: v1alpha1.Synced, Health: &v1alpha1.HealthStatus{Status: v1alpha1.HealthMissing}},
		{Version: "v1", Kind: "ConfigMap", Namespace: "d", Name: "a", Status: v1alpha1.Synced},
	}
	got := p.ResourceStatuses()
	for i := range want {
		if i >= len(got) || !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("got %+v, want %+v", got, want[i])
		}
	}
}

// TestHealth: an Application is as well as the worst of its objects that count.
func TestHealth(t *testing.T) {
	ignored := strings.Replace(degradedWeb, "namespace: d}", "namespace: d, annotations: {argocd.argoproj.io/ignore-healthcheck: 'true'}}", 1)
	for _, c := range []struct {
		name      string
		resources []plan.Resource
		want      v1alpha1.HealthStatusCode
	}{
		{"nothing", nil, v1alpha1.HealthHealthy},
		{"all well", []plan.Resource{{Live: object(t, healthyWeb)}, {Live: object(t, plainMap)}}, v1alpha1.HealthHealthy},
		{"one is degraded", []plan.Resource{{Live: object(t, healthyWeb)}, {Live: object(t, degradedWeb)}}, v1alpha1.HealthDegraded},
		{"one is missing, which OutOfSync says", []plan.Resource{{Live: object(t, healthyWeb)}, {}}, v1alpha1.HealthHealthy},
		{"one is missing, another degraded", []plan.Resource{{}, {Live: object(t, degradedWeb)}}, v1alpha1.HealthDegraded},
		{"all are missing", []plan.Resource{{}, {}}, v1alpha1.HealthMissing},
		{"all are missing but one that is to be pruned", []plan.Resource{{}, {Live: object(t, healthyWeb), RequiresPruning: true}}, v1alpha1.HealthMissing},
		{"all are missing but a hook", []plan.Resource{{}, {Live: object(t, healthyWeb), Hook: true}}, v1alpha1.HealthMissing},
		{"one is missing beside one that does not count", []plan.Resource{{}, {Live: object(t, ignored)}}, v1alpha1.HealthHealthy},
		{"only one that is to be pruned", []plan.Resource{{Live: object(t, healthyWeb), RequiresPruning: true}}, v1alpha1.HealthHealthy},
		{"a degraded one that is to be pruned does not count", []plan.Resource{{Live: object(t, degradedWeb), RequiresPruning: true}}, v1alpha1.HealthHealthy},
		{"a degraded one that says so does not count", []plan.Resource{{Live: object(t, ignored)}}, v1alpha1.HealthHealthy},
		{"one that does not count stops none", []plan.Resource{{Live: object(t, ignored)}, {Live: object(t, degradedWeb)}}, v1alpha1.HealthDegraded},
	} {
		if got := (plan.Plan{Resources: c.resources}).Health(); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// TestShared: objects of another Application are named, with what to do.
func TestShared(t *testing.T) {
	p := plan.Plan{Resources: []plan.Resource{{Key: plan.Key{Kind: "Secret", Name: "mine"}}, {Key: plan.Key{Kind: "Secret", Namespace: "d", Name: "ours"}, SharedWith: "blog"}}}
	if got, want := strings.Join(p.Shared(), "|"), "Secret d/ours: belongs to Application blog as well; remove it from one of the two"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestSummary: images and addresses, each once and in order.
func TestSummary(t *testing.T) {
	var p plan.Plan
	for _, text := range []string{
		"{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{image: 'z:1'}, {image: ''}, {name: x}], initContainers: [{image: 'init:1'}]}}",
		"{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, annotations: {link.argocd.argoproj.io/doc: 'https://doc', other: x}}, spec: {template: {spec: {containers: [{image: 'a:1'}, {image: 'z:1'}]}}}}",
		"{apiVersion: batch/v1, kind: CronJob, metadata: {name: c}, spec: {jobTemplate: {spec: {template: {spec: {containers: [{image: 'cron:1'}, text]}}}}}}",
		"{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i}, spec: {rules: [{host: b.example}, {host: ''}, {http: {}}, text]}}",
		"{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: s}, spec: {tls: [{hosts: [a.example]}], rules: [{host: a.example}, {host: a.example}]}}",
		"{apiVersion: x/v1, kind: Other, metadata: {name: o}, spec: {rules: [{host: not.example}]}}",
	} {
		p.Resources = append(p.Resources, plan.Resource{Live: object(t, text)})
	}
	p.Resources = append(p.Resources, plan.Resource{})
	got := p.Summary()
	if images := strings.Join(got.Images, " "); images != "a:1 cron:1 init:1 z:1" {
		t.Errorf("images: got %q", images)
	}
	if urls := strings.Join(got.ExternalURLs, " "); urls != "http://b.example https://a.example https://doc" {
		t.Errorf("addresses: got %q", urls)
	}
}

// TestURLsOf: an Ingress offers the hosts and paths of its rules, by the scheme of each host, and for a rule without a
// host the addresses of its load balancer.
func TestURLsOf(t *testing.T) {
	const status = ", status: {loadBalancer: {ingress: [{ip: 192.0.2.1}, {hostname: lb.example, ip: 192.0.2.2}, {}, odd]}}"
	paths := func(all string) string { return "rules: [{host: a.example, http: {paths: [" + all + "]}}]" }
	for _, c := range []struct{ name, annotations, spec, status, want string }{
		{"a host", "", "rules: [{host: a.example}]", "", "http://a.example"},
		{"several hosts, of which one is secure", "", "tls: [{hosts: [b.example]}], rules: [{host: a.example}, {host: b.example}]", "", "http://a.example https://b.example"},
		{"secure by a pattern", "", "tls: [{hosts: ['*.example']}], rules: [{host: a.example}, {host: b.a.example}, {host: example}]", "", "https://a.example http://b.a.example http://example"},
		{"secure without naming a host", "", "tls: [{secretName: s}], rules: [{host: a.example}]", "", "https://a.example"},
		{"a pattern of hosts", "", "rules: [{host: '*.example'}]", "", ""},
		{"no host", "", "tls: [{hosts: [b.example]}], rules: [{http: {paths: [{path: /grafana}]}}]", status, "http://192.0.2.1/grafana http://lb.example/grafana"},
		{"no host, and no address yet", "", "rules: [{http: {paths: [{path: /}]}}]", "", ""},
		{"paths", "", paths("{path: /}, {path: /api/}, {path: '/web/*'}, {path: /api}"), "", "http://a.example http://a.example/api http://a.example/web"},
		{"an expression", "", paths("{path: '/api(/|$)(.*)'}, {path: '/v[0-9]+'}"), "", "http://a.example"},
		{"a path that is none", "", paths("odd, {path: 1}"), "", "http://a.example"},
		{"without its own links", "argocd.argoproj.io/ignore-default-links: 'true', link.argocd.argoproj.io/docs: 'Docs|https://docs.example'", "rules: [{host: a.example}]", "", "Docs|https://docs.example"},
		{"with its own links", "argocd.argoproj.io/ignore-default-links: 'false'", "rules: [{host: a.example}]", "", "http://a.example"},
		{"a rule that is none", "", "rules: [odd]", status, ""},
	} {
		of := object(t, "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i, annotations: {"+c.annotations+"}}, spec: {"+c.spec+"}"+c.status+"}")
		if got := strings.Join(plan.URLsOf(of), " "); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSplitLink(t *testing.T) {
	for link, want := range map[string][2]string{
		"https://a.example":         {"", "https://a.example"},
		"Docs|https://a.example":    {"Docs", "https://a.example"},
		" Docs | https://a.example": {"Docs", "https://a.example"},
		"|https://a.example?b=c|d":  {"", "https://a.example?b=c|d"},
	} {
		if title, address := plan.SplitLink(link); title != want[0] || address != want[1] {
			t.Errorf("%q: got %q and %q, want %q", link, title, address, want)
		}
	}
}

// TestMergeConditions: what still holds keeps its time, and all stand in one order.
func TestMergeConditions(t *testing.T) {
	at := func(hour int) *metav1.Time {
		m := metav1.NewTime(time.Date(2026, 5, 1, hour, 0, 0, 0, time.UTC))
		return &m
	}
	before := []v1alpha1.ApplicationCondition{
		{Type: "A", Message: "stays", LastTransitionTime: at(1)}, {Type: "A", Message: "was", LastTransitionTime: at(1)}, {Type: "B", Message: "goes", LastTransitionTime: at(1)}, {Type: "D", Message: "untimed"},
	}
	now := []v1alpha1.ApplicationCondition{{Type: "D", Message: "untimed"}, {Type: "C", Message: "stays"}, {Type: "A", Message: "stays"}, {Type: "A", Message: "new"}}
	var got []string
	for _, c := range plan.MergeConditions(before, now, *at(2)) {
		got = append(got, c.Type+" "+c.Message+" "+c.LastTransitionTime.Format("15"))
	}
	if text := strings.Join(got, ", "); text != "A new 02, A stays 01, C stays 02, D untimed 02" {
		t.Errorf("got %q", text)
	}
}
