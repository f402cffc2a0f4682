package operation_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/problem"
)

// What an Application is refused for, or has passed over, is named by its field, without a cluster.
func TestLint(t *testing.T) {
	const (
		source = "source: {repoURL: 'https://git.example/shop', path: k8s}, "
		here   = "destination: {server: 'https://kubernetes.default.svc'}"
	)
	for _, c := range []struct{ name, spec, refused, passedOver string }{
		{"a whole Application", source + here + ", syncPolicy: {syncOptions: [CreateNamespace=true], retry: {limit: 2, backoff: {duration: 5s, factor: 1, maxDuration: 1m}}}, ignoreDifferences: [{kind: Deployment, jsonPointers: [/spec/replicas]}]", "", ""},
		{"one of sources", "sources: [{repoURL: 'https://git.example/shop'}], " + here, "", ""},
		{"by name", source + "destination: {name: in-cluster}", "", ""},
		{"no source", here, "spec: is missing; set repoURL, path and targetRevision", ""},
		{"several", "sources: [{repoURL: 'https://git.example/a'}, {repoURL: 'https://git.example/b'}], " + here, "spec.sources: has several sources, and one is served; keep one, or make an Application of each", ""},
		{"no URL", "source: {repoURL: '', path: k8s}, " + here, "spec.source.repoURL: is empty; set the URL of a git repository", ""},
		{"a registry", "sources: [{repoURL: 'oci://registry.example/shop'}], " + here, "spec.sources[0].repoURL: is an OCI registry, and git is served; set the URL of a git repository", ""},
		{"no cluster", source + "destination: {namespace: shop}", "spec.destination: names no cluster; set server to https://kubernetes.default.svc for the cluster of the control plane", ""},
		{"two clusters", source + "destination: {server: 'https://a', name: b}", `spec.destination: server "https://a" and name "b"; keep one of them`, ""},
		{"the second ignored difference", source + here + ", ignoreDifferences: [{kind: a, jsonPointers: [/a]}, {kind: b, jqPathExpressions: ['.spec[']}]", `spec.ignoreDifferences[1]: jqPathExpressions ".spec["`, ""},
		{"a sync option", source + here + ", syncPolicy: {syncOptions: [Prune=false, PruneLst=true]}", "", `spec.syncPolicy.syncOptions[1]: "PruneLst=true": unknown sync option; did you mean PruneLast?`},
		{"a wait that is none", source + here + ", syncPolicy: {retry: {backoff: {duration: soon}}}", "", `spec.syncPolicy.retry.backoff.duration: "soon" is not a time, 5s is taken; write one such as 30s`},
		{"a longest wait that is none", source + here + ", syncPolicy: {retry: {backoff: {maxDuration: 3 minutes}}}", "", `spec.syncPolicy.retry.backoff.maxDuration: "3 minutes" is not a time, 3m0s is taken`},
		{"no waits", source + here + ", syncPolicy: {retry: {limit: 1}}", "", ""},
	} {
		app := &v1alpha1.Application{}
		if err := yaml.Unmarshal([]byte("{metadata: {name: shop}, spec: {"+c.spec+"}}"), app); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		refused, passedOver := operation.Lint(app)
		for what, pair := range map[string]struct {
			got  []*problem.Error
			want string
		}{"refused": {refused, c.refused}, "passed over": {passedOver, c.passedOver}} {
			if pair.want == "" && len(pair.got) > 0 || pair.want != "" && (len(pair.got) != 1 || !strings.HasPrefix(pair.got[0].Error(), "Application shop: "+pair.want)) {
				t.Errorf("%s: %s are %v, want %q", c.name, what, pair.got, pair.want)
			}
		}
	}
}
