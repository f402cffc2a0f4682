package view

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// observe reads objects, one a document.
func observe(t testing.TB, documents string) []Observed {
	t.Helper()
	var all []Observed
	for document := range strings.SplitSeq(documents, "\n---\n") {
		object := &unstructured.Unstructured{}
		data, err := yaml.YAMLToJSON([]byte(document))
		if err == nil {
			err = object.UnmarshalJSON(data)
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, document)
		}
		all = append(all, Observe(object, nil))
	}
	return all
}

func managed(keys ...string) *v1alpha1.Application {
	app := &v1alpha1.Application{}
	for _, key := range keys {
		part := strings.Split(key, "/")
		app.Status.Resources = append(app.Status.Resources, v1alpha1.ResourceStatus{Group: part[0], Version: "v1", Kind: part[1], Namespace: part[2], Name: part[3], Status: v1alpha1.Synced})
	}
	return app
}

// draw draws a tree as text, one node a line.
func draw(nodes []Node) string {
	var b strings.Builder
	depth := map[string]int{}
	for _, n := range nodes {
		depth[n.ID] = 0
		if n.Parent != "" {
			depth[n.ID] = depth[n.Parent] + 1
		}
		fmt.Fprintf(&b, "%s%s", strings.Repeat("  ", depth[n.ID]), n.ID)
		for _, info := range n.Info {
			fmt.Fprintf(&b, " [%s: %s]", info.Name, info.Value)
		}
		for _, word := range []string{string(n.Sync), string(n.Health), string(n.Role), strings.Join(n.Images, ","), strings.Join(n.URLs, ",")} {
			if word != "" {
				b.WriteString(" " + word)
			}
		}
		if n.Idle {
			b.WriteString(" idle")
		}
		if len(n.Targets) > 0 {
			fmt.Fprintf(&b, " -> %s", strings.Join(n.Targets, ", "))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

const blueGreen = `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web, namespace: shop, uid: r, annotations: {rollout.argoproj.io/revision: "3"}}
spec: {strategy: {blueGreen: {activeService: web}}, template: {spec: {containers: [{name: web, image: "web:3"}]}}}
status: {stableRS: two, currentPodHash: three, blueGreen: {activeSelector: two, previewSelector: three}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-one, namespace: shop, uid: one, creationTimestamp: "2026-01-01T00:00:00Z", labels: {rollouts-pod-template-hash: one}, annotations: {rollout.argoproj.io/revision: "1"}, ownerReferences: [{apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web, uid: r}]}
spec: {replicas: 0, template: {spec: {containers: [{name: web, image: "web:1"}]}}}
status: {replicas: 0}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-two, namespace: shop, uid: two, creationTimestamp: "2026-01-02T00:00:00Z", labels: {rollouts-pod-template-hash: two}, annotations: {rollout.argoproj.io/revision: "2"}, ownerReferences: [{apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web, uid: r}]}
spec: {replicas: 1, template: {spec: {containers: [{name: web, image: "web:2"}]}}}
status: {replicas: 1, readyReplicas: 1, availableReplicas: 1}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-three, namespace: shop, uid: three, creationTimestamp: "2026-01-03T00:00:00Z", labels: {rollouts-pod-template-hash: three}, annotations: {rollout.argoproj.io/revision: "3"}, ownerReferences: [{apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web, uid: r}]}
spec: {replicas: 1, template: {spec: {containers: [{name: web, image: "web:3"}]}}}
status: {replicas: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: web-two-a, namespace: shop, uid: two-a, labels: {app: web, rollouts-pod-template-hash: two}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-two, uid: two}]}
spec: {nodeName: n1, containers: [{name: web, image: "web:2"}]}
status: {phase: Running, conditions: [{type: Ready, status: "True"}], containerStatuses: [{name: web, ready: true, restartCount: 2, state: {running: {}}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web-three-a, namespace: shop, uid: three-a, labels: {app: web, rollouts-pod-template-hash: three}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-three, uid: three}]}
spec: {containers: [{name: web, image: "web:3"}]}
status: {phase: Pending, containerStatuses: [{name: web, ready: false, restartCount: 0, state: {waiting: {reason: ImagePullBackOff}}}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, uid: s}
spec: {selector: {app: web, rollouts-pod-template-hash: two}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-x, namespace: shop, uid: es, ownerReferences: [{apiVersion: v1, kind: Service, name: web, uid: s}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop, uid: i, annotations: {link.argocd.argoproj.io/bad: "javascript:alert(1)", link.argocd.argoproj.io/docs: "https://docs.example"}}
spec: {rules: [{host: web.example, http: {paths: [{path: /, backend: {service: {name: web}}}, {path: /x, backend: {service: {name: other}}}]}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: stranger, namespace: shop, uid: x, labels: {app: web}}
spec: {containers: [{name: x, image: x}]}
`

// The tree of a Rollout in the middle of a switch: what its ReplicaSets and pods do, what the Service selects, what the
// Ingress names; and what belongs to nobody is not there.
func TestTreeOfARollout(t *testing.T) {
	app := managed("argoproj.io/Rollout/shop/web", "/Service/shop/web", "networking.k8s.io/Ingress/shop/web", "/ConfigMap/shop/web")
	app.Status.Resources[0].Health = &v1alpha1.HealthStatus{Status: v1alpha1.HealthSuspended}
	nodes, hidden := Tree(app, observe(t, blueGreen))
	const want = `argoproj.io/Rollout/shop/web [Revision: Rev:3] Synced Suspended web:3
  apps/ReplicaSet/shop/web-three [Revision: Rev:3] Progressing preview web:3
    /Pod/shop/web-three-a [Status Reason: ImagePullBackOff] [Containers: 0/1] Degraded preview web:3
  apps/ReplicaSet/shop/web-two [Revision: Rev:2] Healthy active web:2
    /Pod/shop/web-two-a [Status Reason: Running] [Node: n1] [Containers: 1/1] [Restart Count: 2] Healthy active web:2
  apps/ReplicaSet/shop/web-one [Revision: Rev:1] Healthy old web:1 idle
/Service/shop/web Synced Healthy -> /Pod/shop/web-two-a
  discovery.k8s.io/EndpointSlice/shop/web-x
networking.k8s.io/Ingress/shop/web Synced Progressing https://docs.example,http://web.example -> /Service/shop/web
/ConfigMap/shop/web Synced
`
	if got := draw(nodes); got != want || hidden != 0 {
		t.Errorf("hidden %d, got:\n%s\nwant:\n%s", hidden, got, want)
	}
}

// Beyond the bound, what is in trouble stays, with its owners, and the number of the rest is known.
func TestTheWorstOfALargeTreeStays(t *testing.T) {
	f := forest{byUID: map[string]int{}, byID: map[string]int{}, roles: map[string]map[string]Role{}}
	for i := range 4 {
		f.add(Observed{Node: Node{ID: fmt.Sprintf("d%d", i), Managed: true, Sync: v1alpha1.Synced}}, noParent)
		for j := range 5 {
			n := Node{ID: fmt.Sprintf("d%d-p%d", i, j), Health: v1alpha1.HealthHealthy, Targets: []string{"d0-p0"}}
			if i == 2 && j == 3 {
				n.Health = v1alpha1.HealthDegraded
			}
			f.add(Observed{Node: n}, 6*i)
		}
	}
	nodes, hidden := f.cut(f.inOrder(), 6)
	var ids []string
	for _, n := range nodes {
		ids = append(ids, n.ID)
	}
	if want := []string{"d0", "d0-p0", "d1", "d2", "d2-p3", "d3"}; !slices.Equal(ids, want) || hidden != 18 {
		t.Errorf("got %v and %d hidden, want %v and 18", ids, hidden, want)
	}
}
