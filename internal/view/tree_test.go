package view

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// read reads an object; nil for what is none.
func read(document string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	data, err := yaml.YAMLToJSON([]byte(document))
	if err == nil {
		err = object.UnmarshalJSON(data)
	}
	if err != nil || object.IsList() {
		return nil
	}
	return object
}

// observe reads objects, one a document.
func observe(t testing.TB, documents string) []Observed {
	t.Helper()
	var all []Observed
	for document := range strings.SplitSeq(documents, "\n---\n") {
		object := read(document)
		if object == nil {
			t.Fatalf("not an object:\n%s", document)
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
networking.k8s.io/Ingress/shop/web Synced Progressing https://docs.example,http://web.example,http://web.example/x -> /Service/shop/web
/ConfigMap/shop/web Synced
`
	if got := draw(nodes); got != want || hidden != 0 {
		t.Errorf("hidden %d, got:\n%s\nwant:\n%s", hidden, got, want)
	}
}

// status writes an object as the status of an Application lists it.
func status(key string, change func(*v1alpha1.ResourceStatus)) *v1alpha1.Application {
	app := managed(key)
	change(&app.Status.Resources[0])
	return app
}

// manifest writes an object: APIVERSION/KIND/NAME, its uid, and those that own it as APIVERSION/KIND/NAME=UID.
func manifest(is, uid, rest string, owners ...string) string {
	part := strings.Split(is, " ")
	text := fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n  namespace: shop\n  uid: %s\n", part[0], part[1], part[2], uid)
	for i, owner := range owners {
		if i == 0 {
			text += "  ownerReferences:\n"
		}
		of := strings.Split(owner, " ")
		text += fmt.Sprintf("  - {apiVersion: %s, kind: %s, name: %s, uid: %s}\n", of[0], of[1], of[2], of[3])
	}
	return text + rest
}

func documents(all ...string) string { return strings.Join(all, "\n---\n") }

// What stands in a tree, and below what.
func TestTrees(t *testing.T) {
	podOf := func(name, owner string) string {
		return manifest("v1 Pod "+name, name, "status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}\nspec: {containers: []}", owner)
	}
	const running = " [Status Reason: Running] [Containers: 0/0]"
	for _, c := range []struct {
		rule, observed, want string
		app                  *v1alpha1.Application
	}{
		{"nothing", "", "", managed()},
		{"what is managed is there, though nothing is observed of it, in the order of the status", "", "/ConfigMap/shop/b Synced\n/ConfigMap/shop/a Synced\n", managed("/ConfigMap/shop/b", "/ConfigMap/shop/a")},
		{"what the status lists twice is there once", "", "/ConfigMap/shop/a Synced\n", managed("/ConfigMap/shop/a", "/ConfigMap/shop/a")},
		{"objects of the cluster and of several namespaces are there", "", "rbac/ClusterRole//a Synced\n/ConfigMap/shop/a Synced\n/ConfigMap/till/a Synced\n", managed("rbac/ClusterRole//a", "/ConfigMap/shop/a", "/ConfigMap/till/a")},
		{"what is observed and nobody's is not", manifest("v1 Pod a", "a", ""), "/ConfigMap/shop/a Synced\n", managed("/ConfigMap/shop/a")},
		{"what is owned stands below its owner, and so on", documents(manifest("batch/v1 CronJob c", "c", ""), podOf("p", "batch/v1 Job j j"), manifest("batch/v1 Job j", "j", "", "batch/v1 CronJob c c")),
			"batch/CronJob/shop/c Synced Healthy\n  batch/Job/shop/j Progressing\n    /Pod/shop/p" + running + " Healthy\n", managed("batch/CronJob/shop/c")},
		{"siblings are in the order of their kinds, then the newest first, then by name", documents(manifest("v1 Service s", "s", ""),
			manifest("discovery.k8s.io/v1 EndpointSlice b", "b", "", "v1 Service s s"), manifest("discovery.k8s.io/v1 EndpointSlice a", "a", "", "v1 Service s s"),
			strings.Replace(manifest("discovery.k8s.io/v1 EndpointSlice new", "n", "", "v1 Service s s"), "metadata:", "metadata:\n  creationTimestamp: '2026-01-01T00:00:00Z'", 1),
			manifest("a/v1 Alpha z", "z", "", "v1 Service s s")),
			"/Service/shop/s Synced Healthy\n  a/Alpha/shop/z\n  discovery.k8s.io/EndpointSlice/shop/new\n  discovery.k8s.io/EndpointSlice/shop/a\n  discovery.k8s.io/EndpointSlice/shop/b\n", managed("/Service/shop/s")},
		{"of an owner that is not observed, the name is enough", documents(podOf("p", "e.io/v1 Engine e any")), "e.io/Engine/shop/e Synced\n  /Pod/shop/p" + running + " Healthy\n", managed("e.io/Engine/shop/e")},
		{"that may be an object of the cluster", documents(podOf("p", "e.io/v1 Engine e any")), "e.io/Engine//e Synced\n  /Pod/shop/p" + running + " Healthy\n", managed("e.io/Engine//e")},
		{"an owner of no group has none", documents(podOf("p", "v1 Node one any")), "/Node//one Synced\n  /Pod/shop/p" + running + " Healthy\n", managed("/Node//one")},
		{"an owner of the name and another group is another", documents(podOf("p", "f.io/v1 Engine e any")), "e.io/Engine/shop/e Synced\n", managed("e.io/Engine/shop/e")},
		{"an owner that was made again is another", documents(manifest("batch/v1 Job j", "new", ""), podOf("p", "batch/v1 Job j old")), "batch/Job/shop/j Synced Progressing\n", managed("batch/Job/shop/j")},
		{"an owner in another namespace is none", documents(manifest("batch/v1 Job j", "j", ""), strings.Replace(podOf("p", "batch/v1 Job j j"), "namespace: shop", "namespace: elsewhere", 1)), "batch/Job/shop/j Synced Progressing\n", managed("batch/Job/shop/j")},
		{"of an owner that is not observed, too", documents(strings.Replace(podOf("p", "e.io/v1 Engine e any"), "namespace: shop", "namespace: elsewhere", 1)), "e.io/Engine/shop/e Synced\n", managed("e.io/Engine/shop/e")},
		{"what is managed stands by itself, whoever owns it", documents(manifest("batch/v1 CronJob c", "c", ""), manifest("batch/v1 Job j", "j", "", "batch/v1 CronJob c c")),
			"batch/CronJob/shop/c Synced Healthy\nbatch/Job/shop/j Synced Progressing\n", managed("batch/CronJob/shop/c", "batch/Job/shop/j")},
		{"of two owners, one has it", documents(manifest("batch/v1 Job a", "a", ""), manifest("batch/v1 Job b", "b", ""), manifest("discovery.k8s.io/v1 EndpointSlice p", "p", "", "batch/v1 Job b b", "batch/v1 Job a a")),
			"batch/Job/shop/a Synced Progressing\n  discovery.k8s.io/EndpointSlice/shop/p\nbatch/Job/shop/b Synced Progressing\n", managed("batch/Job/shop/a", "batch/Job/shop/b")},
		{"two that own each other are there if one is managed", documents(manifest("batch/v1 Job a", "a", "", "batch/v1 Job b b"), manifest("batch/v1 Job b", "b", "", "batch/v1 Job a a")),
			"batch/Job/shop/a Synced Progressing\n  batch/Job/shop/b Progressing\n", managed("batch/Job/shop/a")},
		{"the health of the status counts, which was judged with the settings", manifest("batch/v1 Job j", "j", ""), "batch/Job/shop/j Synced Suspended\n",
			status("batch/Job/shop/j", func(r *v1alpha1.ResourceStatus) { r.Health = &v1alpha1.HealthStatus{Status: v1alpha1.HealthSuspended} })},
	} {
		t.Run(c.rule, func(t *testing.T) {
			var observed []Observed
			if c.observed != "" {
				observed = observe(t, c.observed)
			}
			nodes, hidden := Tree(c.app, observed)
			if got := draw(nodes); got != c.want || hidden != 0 {
				t.Errorf("hidden %d, got:\n%s\nwant:\n%s", hidden, got, c.want)
			}
		})
	}
}

// What versions of a Rollout or of a Deployment do, and their pods.
func TestRolesInTrees(t *testing.T) {
	rolloutOf := func(strategy, status string) string {
		return manifest("argoproj.io/v1alpha1 Rollout web", "r", "spec: {strategy: {"+strategy+": {}}}\nstatus: "+status)
	}
	set := func(hash string, size int, owner string, more string) string {
		text := manifest("apps/v1 ReplicaSet "+hash, "rs-"+hash, fmt.Sprintf("spec: {replicas: %d}\nstatus: {replicas: %d, readyReplicas: %d, availableReplicas: %d}", size, size, size, size), owner)
		return strings.Replace(text, "metadata:", "metadata:\n  labels: {rollouts-pod-template-hash: "+hash+"}\n  annotations: {"+more+"}", 1)
	}
	const ofRollout, ofDeployment = "argoproj.io/v1alpha1 Rollout web r", "apps/v1 Deployment web d"
	deployment := strings.Replace(manifest("apps/v1 Deployment web", "d", ""), "metadata:", "metadata:\n  annotations: {deployment.kubernetes.io/revision: '2'}", 1)
	revision := func(n int) string { return fmt.Sprintf("deployment.kubernetes.io/revision: '%d'", n) }
	pod := func(of string) string {
		return manifest("v1 Pod "+of+"-pod", of+"-pod", "spec: {}", "apps/v1 ReplicaSet "+of+" rs-"+of)
	}
	for _, c := range []struct{ rule, observed, want string }{
		{"what has the traffic is active, though it is stable and the newest as well", documents(rolloutOf("blueGreen", "{stableRS: a, currentPodHash: a, blueGreen: {activeSelector: a, previewSelector: a}}"), set("a", 1, ofRollout, "")), "a active"},
		{"before the switch, the newest is the preview and the stable one active", documents(rolloutOf("blueGreen", "{stableRS: a, currentPodHash: b, blueGreen: {activeSelector: a}}"), set("a", 1, ofRollout, ""), set("b", 1, ofRollout, "")), "a active, b preview"},
		{"what the preview Service selects is the preview, though another is wanted", documents(rolloutOf("blueGreen", "{stableRS: a, currentPodHash: c, blueGreen: {activeSelector: a, previewSelector: b}}"), set("a", 1, ofRollout, ""), set("b", 1, ofRollout, ""), set("c", 1, ofRollout, "")), "a active, b preview, c preview"},
		{"after the switch, the one before stays stable until the end", documents(rolloutOf("blueGreen", "{stableRS: a, currentPodHash: b, blueGreen: {activeSelector: b}}"), set("a", 1, ofRollout, ""), set("b", 1, ofRollout, "")), "a stable, b active"},
		{"a canary", documents(rolloutOf("canary", "{stableRS: a, currentPodHash: b}"), set("a", 1, ofRollout, ""), set("b", 1, ofRollout, "")), "a stable, b canary"},
		{"a canary that is done", documents(rolloutOf("canary", "{stableRS: a, currentPodHash: a}"), set("a", 1, ofRollout, "")), "a stable"},
		{"others are old, with pods or without", documents(rolloutOf("blueGreen", "{stableRS: a, blueGreen: {activeSelector: a}}"), set("b", 1, ofRollout, ""), set("c", 0, ofRollout, "")), "b old, c old idle"},
		{"the active version of a Rollout without pods is not old", documents(rolloutOf("blueGreen", "{stableRS: a, currentPodHash: a, blueGreen: {activeSelector: a}}"), set("a", 0, ofRollout, "")), "a active"},
		{"of a Rollout without a status, nothing is known", documents(rolloutOf("blueGreen", "{}"), set("a", 1, ofRollout, "")), "a"},
		{"a pod does what its ReplicaSet does", documents(rolloutOf("blueGreen", "{blueGreen: {activeSelector: a}}"), set("a", 1, ofRollout, ""), pod("a")), "a active, a-pod active"},
		{"the empty ReplicaSets of a Deployment before the last are old", documents(deployment, set("a", 0, ofDeployment, revision(1)), set("b", 1, ofDeployment, revision(2))), "a old idle, b"},
		{"those with pods are on their way", documents(deployment, set("a", 1, ofDeployment, revision(1)), set("b", 1, ofDeployment, revision(2))), "a, b"},
		{"the last of a Deployment without pods is not old", documents(deployment, set("b", 0, ofDeployment, revision(2))), "b"},
		{"an old one in trouble is not idle", documents(deployment, strings.Replace(set("a", 0, ofDeployment, revision(1)), "status: {", "status: {conditions: [{type: ReplicaFailure, status: 'True'}], ", 1)), "a old"},
		{"one that is being scaled down has pods yet", documents(deployment, strings.Replace(set("a", 0, ofDeployment, revision(1)), "replicas: 0, readyReplicas", "replicas: 1, readyReplicas", 1)), "a"},
		{"one that nobody sized is of one pod", documents(deployment, strings.Replace(set("a", 0, ofDeployment, revision(1)), "spec: {replicas: 0}", "spec: {}", 1)), "a"},
		{"a ReplicaSet of another group is none", documents(rolloutOf("blueGreen", "{blueGreen: {activeSelector: a}}"), strings.Replace(set("a", 1, ofRollout, ""), "apps/v1", "other.io/v1", 1)), "a"},
		{"a Pod of another group is none", documents(rolloutOf("blueGreen", "{blueGreen: {activeSelector: a}}"), set("a", 1, ofRollout, ""), strings.Replace(pod("a"), "apiVersion: v1", "apiVersion: other.io/v1", 1)), "a active, a-pod"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			nodes, _ := Tree(managed("argoproj.io/Rollout/shop/web", "apps/Deployment/shop/web"), observe(t, c.observed))
			var is []string
			for _, n := range nodes {
				if n.Managed {
					continue
				}
				words := []string{n.Name, string(n.Role)}
				if n.Idle {
					words = append(words, "idle")
				}
				is = append(is, strings.TrimSpace(strings.Join(words, " ")))
			}
			slices.Sort(is)
			if got := strings.Join(is, ", "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	// A Rollout below another object, as an operator may make it.
	nodes, _ := Tree(managed("e.io/Engine/shop/e"), observe(t, documents(strings.Replace(rolloutOf("blueGreen", "{blueGreen: {activeSelector: a}}"), "metadata:", "metadata:\n  ownerReferences: [{apiVersion: e.io/v1, kind: Engine, name: e, uid: e}]", 1), set("a", 1, ofRollout, ""))))
	if len(nodes) != 3 || nodes[2].Role != RoleActive {
		t.Errorf("a Rollout that is owned: got %s", draw(nodes))
	}
}

// What a Service and an Ingress send requests to.
func TestTargetsInTrees(t *testing.T) {
	service := func(selector string) string {
		return manifest("v1 Service web", "s", "spec: {selector: "+selector+"}")
	}
	const owner = "batch/v1 Job j j"
	pod := func(name, labels string) string {
		return strings.Replace(manifest("v1 Pod "+name, name, "spec: {}", owner), "metadata:", "metadata:\n  labels: "+labels, 1)
	}
	job := manifest("batch/v1 Job j", "j", "")
	ingress := func(spec string) string { return manifest("networking.k8s.io/v1 Ingress in", "i", "spec: "+spec) }
	for _, c := range []struct{ rule, observed, of, want string }{
		{"pods with all the labels", documents(job, service("{a: x, b: z}"), pod("one", "{a: x, b: z, c: c}"), pod("two", "{a: x}"), pod("three", "{a: x, b: other}")), "web", "/Pod/shop/one"},
		{"several pods", documents(job, service("{a: x}"), pod("one", "{a: x}"), pod("two", "{a: x}")), "web", "/Pod/shop/one /Pod/shop/two"},
		{"no selector selects nothing", documents(job, service("{}"), pod("one", "{a: x}")), "web", ""},
		{"a label without a value has to be there all the same", documents(job, service("{a: ''}"), pod("one", "{b: x}"), pod("two", "{a: ''}")), "web", "/Pod/shop/two"},
		{"pods of another namespace are others", documents(job, strings.Replace(service("{a: x}"), "namespace: shop", "namespace: till", 1), pod("one", "{a: x}")), "web", ""},
		{"pods of others are not there", documents(job, service("{a: x}"), strings.Replace(pod("one", "{a: x}"), "uid: j", "uid: other", 1)), "web", ""},
		{"what is called a Pod in another group is none", documents(job, service("{a: x}"), strings.Replace(pod("one", "{a: x}"), "apiVersion: v1\n", "apiVersion: other.io/v1\n", 1)), "web", ""},
		{"an Ingress without rules", documents(service("{}"), ingress("{defaultBackend: {service: {name: web}}}")), "in", "/Service/shop/web"},
		{"an Ingress names a Service once", documents(service("{}"), ingress("{defaultBackend: {service: {name: web}}, rules: [{http: {paths: [{backend: {service: {name: web}}}]}}]}")), "in", "/Service/shop/web"},
		{"a Service that is not there", ingress("{defaultBackend: {service: {name: gone}}}"), "in", ""},
		{"an Ingress that names no Service", documents(service("{}"), ingress("{defaultBackend: {resource: {name: web}}, rules: [{host: h}, {http: {paths: [{path: /}, 7]}}, x]}")), "in", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			nodes, _ := Tree(managed("/Service/shop/web", "/Service/till/web", "batch/Job/shop/j", "networking.k8s.io/Ingress/shop/in"), observe(t, c.observed))
			var got []string
			for _, n := range nodes {
				if n.Name == c.of {
					got = append(got, n.Targets...)
				}
			}
			if got := strings.Join(got, " "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// A node has of the status what an Application knows of it, and of the object the rest; lists are never null.
func TestNodes(t *testing.T) {
	app := status("apps/Deployment/shop/web", func(r *v1alpha1.ResourceStatus) {
		r.Version, r.Status, r.Hook, r.SyncWave, r.RequiresPruning = "v1beta1", v1alpha1.OutOfSync, true, 3, true
		r.Health = &v1alpha1.HealthStatus{Status: v1alpha1.HealthDegraded, Message: "no pods"}
	})
	want := Node{
		ID: "apps/Deployment/shop/web", Group: "apps", Version: "v1beta1", Kind: "Deployment", Namespace: "shop", Name: "web", Managed: true, Sync: v1alpha1.OutOfSync, Hook: true, Wave: 3, Prunes: true,
		Health: v1alpha1.HealthDegraded, Message: "no pods", Info: []NodeInfo{}, Images: []string{}, Targets: []string{}, URLs: []string{},
	}
	check := func(name string, got, want Node) {
		t.Helper()
		if got.from = nil; !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
		}
	}
	nodes, _ := Tree(app, nil)
	check("not observed", nodes[0], want)
	if o := nodes[0].Observed(); o.Node.ID != want.ID || o.ResourceVersion != "" || (Node{ID: "x"}).Observed().Node.ID != "x" {
		t.Errorf("what is not observed is its node alone: got %+v", o)
	}
	observed := observe(t, strings.Replace(manifest("apps/v1 Deployment web", "u", "spec: {template: {spec: {containers: [{image: a}]}}}"), "metadata:", "metadata:\n  resourceVersion: '7'\n  creationTimestamp: '2026-01-01T09:00:00+09:00'", 1))
	nodes, _ = Tree(app, observed)
	want.UID, want.Created, want.Images = "u", "2026-01-01T00:00:00Z", []string{"a"}
	check("observed", nodes[0], want)
	if got := nodes[0].Observed().ResourceVersion; got != "7" {
		t.Errorf("resource version %q, want 7", got)
	}
	app.Status.Resources[0].Version, app.Status.Resources[0].Health = "", nil
	nodes, _ = Tree(app, observed)
	if n := nodes[0]; n.Version != "v1" || n.Health != v1alpha1.HealthProgressing {
		t.Errorf("what the status does not have is observed: got version %q and health %q", n.Version, n.Health)
	}
	app.Status.Resources[0].Health = &v1alpha1.HealthStatus{Status: v1alpha1.HealthDegraded, Message: strings.Repeat("x", 2*longestText)}
	if nodes, _ = Tree(app, nil); len(nodes[0].Message) > longestText+len("…") {
		t.Errorf("a message of %d bytes is shown", len(nodes[0].Message))
	}
	if !reflect.DeepEqual(observed[0].Node.Targets, []string(nil)) || observed[0].Node.Managed {
		t.Errorf("what was observed is changed: %+v", observed[0].Node)
	}
}

// In a tree that is too large, nodes stay in the order of how much somebody needs to see them.
func TestWhichNodesStay(t *testing.T) {
	is := func(id string, n Node) Node { n.ID = id; return n }
	inOrder := []Node{
		is("missing", Node{Health: v1alpha1.HealthMissing}), is("unknown", Node{Health: v1alpha1.HealthUnknown}), is("degraded", Node{Health: v1alpha1.HealthDegraded}),
		is("suspended", Node{Health: v1alpha1.HealthSuspended}), is("progressing", Node{Health: v1alpha1.HealthProgressing}),
		is("drifted", Node{Managed: true, Sync: v1alpha1.OutOfSync}), is("managed", Node{Managed: true, Sync: v1alpha1.Synced}),
		is("owned", Node{Health: v1alpha1.HealthHealthy}), is("idle", Node{Idle: true}),
	}
	f := newForest()
	for _, n := range slices.Backward(inOrder) {
		f.add(Observed{Node: n}, noParent)
	}
	for i := range inOrder {
		most := i + 1
		nodes, hidden := f.cut(f.inOrder(), most)
		var got []string
		for _, n := range nodes {
			got = append(got, n.ID)
		}
		var want []string
		for _, n := range inOrder {
			want = append(want, n.ID)
		}
		// Of those that are as bad, the first in the tree's order stay.
		if most == 3 || most >= 5 {
			slices.Reverse(got)
			if want = want[:most]; !slices.Equal(got, want) {
				t.Errorf("of %d: got %v, want %v", most, got, want)
			}
		}
		if len(got) != most || hidden != len(inOrder)-most {
			t.Errorf("of %d: got %v and %d hidden", most, got, hidden)
		}
	}
}

// Beyond the bound, what is in trouble stays, with its owners, and the number of the rest is known.
func TestTheWorstOfALargeTreeStays(t *testing.T) {
	f := newForest()
	for i := range 4 {
		f.add(Observed{Node: Node{ID: fmt.Sprintf("d%d", i), Managed: true, Sync: v1alpha1.Synced}}, noParent)
		for j := range 5 {
			n := Node{ID: fmt.Sprintf("d%d-p%d", i, j), Health: v1alpha1.HealthHealthy}
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

// Whatever people write, a tree is made in the time and of the size that its nodes have.
func TestTreesAreBounded(t *testing.T) {
	t.Run("owners", func(t *testing.T) {
		app, observed := managed("/Pod/shop/p0"), []Observed{{Node: Node{ID: "/Pod/shop/p0", Kind: "Pod", Namespace: "shop", Name: "p0", UID: "0"}}}
		for i := 1; i < 2_000; i++ {
			n := Node{ID: fmt.Sprintf("/Pod/shop/p%d", i), Kind: "Pod", Namespace: "shop", Name: fmt.Sprintf("p%d", i), UID: fmt.Sprint(i)}
			observed = append(observed, Observed{Node: n, Owners: []Owner{{Kind: "Pod", Name: fmt.Sprintf("p%d", i-1), UID: fmt.Sprint(i - 1)}}})
		}
		nodes, _ := Tree(app, observed)
		if len(nodes) != mostDepth+1 {
			t.Errorf("got %d nodes, want %d and the first", len(nodes), mostDepth)
		}
	})
	t.Run("selectors", func(t *testing.T) {
		app := &v1alpha1.Application{}
		var observed []Observed
		for i := range 3000 {
			for _, kind := range []string{"Service", "Pod"} {
				n := Node{ID: fmt.Sprintf("/%s/shop/x%04d", kind, i), Kind: kind, Namespace: "shop", Name: fmt.Sprintf("x%04d", i), UID: kind + fmt.Sprint(i)}
				observed = append(observed, Observed{Node: n, labels: map[string]string{"a": "x"}, selector: map[string]string{"a": "x"}})
				app.Status.Resources = append(app.Status.Resources, v1alpha1.ResourceStatus{Kind: kind, Namespace: "shop", Name: n.Name, Status: v1alpha1.Synced})
			}
		}
		nodes, hidden := Tree(app, observed)
		targets := 0
		for _, n := range nodes {
			targets += len(n.Targets)
		}
		if len(nodes) != MostNodes || hidden != 1000 || targets != mostTargets {
			t.Errorf("got %d nodes, %d hidden and %d targets, want %d, 1000 and %d", len(nodes), hidden, targets, MostNodes, mostTargets)
		}
	})
	t.Run("targets that are left out", func(t *testing.T) {
		f := newForest()
		f.add(Observed{Node: Node{ID: "s", Kind: "Service", Health: v1alpha1.HealthDegraded}, selector: map[string]string{"a": "x"}}, noParent)
		for _, id := range []string{"kept", "left out"} {
			f.add(Observed{Node: Node{ID: id, Kind: "Pod"}, labels: map[string]string{"a": "x"}}, noParent)
		}
		nodes, hidden := f.cut(f.inOrder(), 2)
		if len(nodes) != 2 || hidden != 1 || !slices.Equal(nodes[0].Targets, []string{"kept"}) {
			t.Errorf("got %+v and %d hidden", nodes, hidden)
		}
	})
}
