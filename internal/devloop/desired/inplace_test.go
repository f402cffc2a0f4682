package desired_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
)

// listing is an Application in namespace argocd that goes to namespace shop and lists resources, each as
// GROUP/KIND/NAMESPACE/NAME.
func listing(name string, resources ...string) v1alpha1.Application {
	app := v1alpha1.Application{}
	app.Name, app.Namespace = name, "argocd"
	app.Spec.Destination = v1alpha1.ApplicationDestination{Server: v1alpha1.InClusterServer, Namespace: "shop"}
	for _, r := range resources {
		part := strings.Split(r, "/")
		app.Status.Resources = append(app.Status.Resources, v1alpha1.ResourceStatus{Group: part[0], Kind: part[1], Namespace: part[2], Name: part[3]})
	}
	return app
}

func to(app v1alpha1.Application, to v1alpha1.ApplicationDestination) v1alpha1.Application {
	app.Spec.Destination = to
	return app
}

const (
	aService    = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
	aDeployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: []}}}\n"
	elsewhere   = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: other}\n"
)

func TestManaging(t *testing.T) {
	service, deployment := "/Service/shop/web", "apps/Deployment/shop/web"
	far := v1alpha1.ApplicationDestination{Name: "production", Server: "https://production.example", Namespace: "shop"}
	for _, row := range []struct {
		rule  string
		text  string
		apps  []v1alpha1.Application
		named string
		want  string
		err   string
	}{
		{"the one that lists an object", aService, []v1alpha1.Application{listing("cart", "/Service/shop/cart"), listing("shop", service)}, "", "shop", ""},
		{"an object of another group is another one", aService, []v1alpha1.Application{listing("shop", "serving.knative.dev/Service/shop/web")}, "", "", "no Application manages what is rendered: Service web; sync the Application once"},
		{"an object of another kind is another one", aService, []v1alpha1.Application{listing("shop", "/Secret/shop/web")}, "", "", "no Application manages"},
		{"an object of another name is another one", aService, []v1alpha1.Application{listing("shop", "/Service/shop/website")}, "", "", "no Application manages"},
		{"one that names no namespace is in that of the Application", aService, []v1alpha1.Application{listing("shop", "/Service/other/web")}, "", "", "no Application manages"},
		{"one that names a namespace is there", elsewhere, []v1alpha1.Application{listing("shop", "/Service/other/web"), listing("here", service)}, "", "shop", ""},
		{"one that lives in no namespace", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n", []v1alpha1.Application{listing("shop", "/Namespace//shop")}, "", "shop", ""},
		{"of several, the one that runs the pods", aService + "---\n" + aDeployment, []v1alpha1.Application{listing("net", service), listing("shop", deployment)}, "", "shop", ""},
		{"several are named", aService, []v1alpha1.Application{listing("shop-b", service), listing("shop-a", service)}, "",
			"", "--in-place: several Applications manage what is rendered: argocd/shop-a, argocd/shop-b; name one with --application NAMESPACE/NAME"},
		{"the one that is named", aService, []v1alpha1.Application{listing("shop-b", service), listing("shop-a", service)}, "shop-a", "shop-a", ""},
		{"by its namespace as well", aService, []v1alpha1.Application{listing("shop-b", service), listing("shop-a", service)}, "argocd/shop-b", "shop-b", ""},
		{"one that is named and manages none", aService, []v1alpha1.Application{listing("shop", service), listing("cart")}, "cart",
			"", `Application "cart": manages none of what is rendered: Service web; render what the Application deploys`},
		{"one that is named and not there", aService, []v1alpha1.Application{listing("shop", service)}, "shpo", "", `Application "shpo": not found; did you mean "shop"?`},
		{"one that is named and like none", aService, []v1alpha1.Application{listing("shop", service)}, "payments", "", "Application \"payments\": not found; `cyan app list` lists"},
		{"none at all", aService, nil, "", "", "--in-place: no Application found in the cluster; leave --in-place out"},
		{"one of another cluster counts for nothing", aService, []v1alpha1.Application{to(listing("far", service), far), listing("shop", service)}, "", "shop", ""},
		{"one of another cluster that is named", aService, []v1alpha1.Application{to(listing("far", service), far)}, "far", "", `Application "far": deploys to cluster production https://production.example,`},
		{"another cluster by its server", aService, []v1alpha1.Application{to(listing("far", service), v1alpha1.ApplicationDestination{Server: "https://production.example"})}, "far", "", "deploys to cluster https://production.example,"},
		{"this cluster by its name", aService, []v1alpha1.Application{to(listing("shop", service), v1alpha1.ApplicationDestination{Name: "in-cluster", Namespace: "shop"})}, "", "shop", ""},
		{"this cluster by the URL of the loop", aService, []v1alpha1.Application{to(listing("shop", service), v1alpha1.ApplicationDestination{Server: "https://127.0.0.1:6443/", Namespace: "shop"})}, "", "shop", ""},
		{"no cluster is this one", aService, []v1alpha1.Application{to(listing("shop", service), v1alpha1.ApplicationDestination{Namespace: "shop"})}, "", "shop", ""},
	} {
		got, err := desired.Managing(objects(t, row.text), row.apps, row.named, "https://127.0.0.1:6443")
		if (err == nil) != (row.err == "") || err != nil && !strings.Contains(err.Error(), row.err) {
			t.Errorf("%s: got error %v, want %q", row.rule, err, row.err)
		}
		if name := nameOf(got); name != row.want {
			t.Errorf("%s: got %q, want %q", row.rule, name, row.want)
		}
	}
	many := objects(t, strings.TrimSuffix(strings.Repeat(aService+"---\n", 8), "---\n"))
	if _, err := desired.Managing(many, []v1alpha1.Application{listing("shop")}, "", ""); err == nil || !strings.Contains(err.Error(), strings.Repeat("Service web, ", 6)+"2 more;") {
		t.Errorf("many objects: got %v, want six of them and how many more", err)
	}
}

func nameOf(app *v1alpha1.Application) string {
	if app == nil {
		return ""
	}
	return app.Name
}

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	return objects(t, text)[0].Object
}

const blueGreen = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: app, namespace: shop, labels: {app: shop}}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop}}
  template: {metadata: {labels: {app: shop}}, spec: {containers: [{name: app, image: "shop:2"}]}}
  strategy:
    blueGreen: {activeService: a, previewService: p, autoPromotionSeconds: 3, previewReplicaCount: 1}
`

func text(t *testing.T, object *unstructured.Unstructured) string {
	t.Helper()
	data, err := yaml.Marshal(object.Object)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// What a loop in place applies of an object of git's: nothing that takes the traffic anywhere.
func TestPart(t *testing.T) {
	const preview = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: app, namespace: shop}
spec:
  template: {metadata: {labels: {app: shop}}, spec: {containers: [{name: app, image: "shop:2"}]}}
  strategy: {blueGreen: {autoPromotionEnabled: %v, autoPromotionSeconds: 0}}
`
	const referring = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: app, namespace: shop}
spec: {workloadRef: {kind: Deployment, name: web}, strategy: {blueGreen: {activeService: a}}}
`
	const referred = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: app, namespace: shop}\nspec: {strategy: {blueGreen: {autoPromotionEnabled: false, autoPromotionSeconds: 0}}}\n"
	const canary = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: app}\nspec: {replicas: 2, strategy: {canary: {}}}\n"
	const service = "apiVersion: v1\nkind: Service\nmetadata: {name: a%s}\nspec: {selector: {app: shop}, type: NodePort}\n"
	managed := fmt.Sprintf(service, ", annotations: {argo-rollouts.argoproj.io/managed-by-rollouts: app}")
	const scaled = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s}\nspec: {replicas: 2, paused: false}\n"
	for _, row := range []struct {
		rule         string
		object, live string
		workloads    []string
		switching    desired.Switching
		want         string
	}{
		{"a Rollout: its template, and no switch", blueGreen, blueGreen, nil, desired.SwitchAsked, fmt.Sprintf(preview, false)},
		{"a Rollout that switches to each save", blueGreen, blueGreen, nil, desired.SwitchEach, fmt.Sprintf(preview, true)},
		{"a Rollout of a workload: no switch", referring, blueGreen, nil, desired.SwitchAsked, referred},
		{"a Rollout of another strategy as it is", canary, canary, nil, desired.SwitchAsked, canary},
		{"what was another strategy before as well", blueGreen, canary, nil, desired.SwitchAsked, blueGreen},
		{"a Service that a Rollout has lead somewhere", fmt.Sprintf(service, ""), managed, nil, desired.SwitchAsked, "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {type: NodePort}\n"},
		{"any other Service", fmt.Sprintf(service, ""), fmt.Sprintf(service, ""), nil, desired.SwitchAsked, fmt.Sprintf(service, "")},
		{"a workload that a Rollout runs", fmt.Sprintf(scaled, "web"), fmt.Sprintf(scaled, "web"), []string{"web"}, desired.SwitchAsked, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {paused: false}\n"},
		{"any other workload", fmt.Sprintf(scaled, "redis"), fmt.Sprintf(scaled, "redis"), []string{"web"}, desired.SwitchAsked, fmt.Sprintf(scaled, "redis")},
		{"what has the name of a workload", aService, aService, []string{"web"}, desired.SwitchAsked, aService},
	} {
		rendered, live := object(t, row.object), object(t, row.live)
		got := desired.Part(rendered, live, row.workloads, row.switching)
		if want := text(t, object(t, row.want)); text(t, got) != want {
			t.Errorf("%s: got\n%s\nwant\n%s", row.rule, text(t, got), want)
		}
		if !reflect.DeepEqual(rendered, object(t, row.object)) || !reflect.DeepEqual(live, object(t, row.live)) {
			t.Errorf("%s: what was given has changed", row.rule)
		}
	}
	all := []*unstructured.Unstructured{object(t, referring), object(t, blueGreen), object(t, strings.Replace(referring, "kind: Rollout", "kind: Other", 1))}
	if got, want := desired.Workloads(all), []string{"web"}; !reflect.DeepEqual(got, want) {
		t.Errorf("Workloads: got %q, want %q", got, want)
	}
}

// What a Rollout has that in place stays git's is named; what is there by default, and when it switches, is not.
func TestLeftToGit(t *testing.T) {
	live := strings.NewReplacer("  replicas: 2\n", "  replicas: 2\n  progressDeadlineSeconds: 600\n", "autoPromotionSeconds: 3", "autoPromotionEnabled: false, scaleDownDelaySeconds: 30", "shop:2", "shop:1").Replace(blueGreen)
	for _, row := range []struct {
		rule, from, to string
		want           []string
	}{
		{"nothing", "", "", nil},
		{"a number", "replicas: 2", "replicas: 3", []string{"spec.replicas"}},
		{"a number of another kind that is the same", "replicas: 2", "replicas: 2.0", nil},
		{"a number as text", "replicas: 2", `replicas: "2"`, []string{"spec.replicas"}},
		{"a field that git does not have", "  replicas: 2", "  replicas: 2\n  paused: true", []string{"spec.paused"}},
		{"a field within", "previewReplicaCount: 1", "previewReplicaCount: 2", []string{"spec.strategy"}},
		{"a Service", "activeService: a", "activeService: b", []string{"spec.strategy"}},
		{"a selector", "selector: {matchLabels: {app: shop}}", "selector: {matchLabels: {app: other, tier: web}}", []string{"spec.selector"}},
		{"text in the place of a map", "selector: {matchLabels: {app: shop}}", "selector: {matchLabels: all}", []string{"spec.selector"}},
		{"several", "replicas: 2\n  selector: {matchLabels: {app: shop}}", "replicas: 3\n  minReadySeconds: 1", []string{"spec.minReadySeconds", "spec.replicas"}},
	} {
		rendered := strings.Replace(blueGreen, row.from, row.to, 1)
		if got := desired.LeftToGit(object(t, rendered), object(t, live)); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: got %q, want %q", row.rule, got, row.want)
		}
	}
	deeper, flat := strings.Replace(blueGreen, "selector: {matchLabels: {app: shop}}", "selector: {matchLabels: {app: {a: b}}}", 1), blueGreen
	if got, want := desired.LeftToGit(object(t, deeper), object(t, flat)), []string{"spec.selector"}; !reflect.DeepEqual(got, want) {
		t.Errorf("a map in the place of text: got %q, want %q", got, want)
	}
}

func TestAffects(t *testing.T) {
	for _, row := range []struct{ rule, text, want string }{
		{"a Rollout with a preview", blueGreen, ""},
		{"a Rollout without one", "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: app}\nspec: {strategy: {canary: {}}}\n", "Rollout app has no preview: it is changed as it serves"},
		{"a Deployment", aDeployment, "Deployment web has no preview: it is changed as it serves"},
		{"a CronJob", "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c}\nspec: {jobTemplate: {spec: {template: {spec: {}}}}}\n", "CronJob c has no preview: it is changed as it serves"},
		{"a Pod", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n", "Pod p has no preview: it is changed as it serves"},
		{"a Service", aService, "Service web has no preview: what serves has the change as well"},
		{"a ConfigMap", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n", "ConfigMap c has no preview: what serves has the change as well"},
		{"what nothing runs by", "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q}\n", ""},
		{"a template of something else", "apiVersion: x.io/v1\nkind: Thing\nmetadata: {name: q}\nspec: {template: {text: none}}\n", ""},
	} {
		if got := desired.Affects(object(t, row.text)); got != row.want {
			t.Errorf("%s: got %q, want %q", row.rule, got, row.want)
		}
	}
}

// TestPreviews: the Services that show what is new are those of Rollouts, each once.
func TestPreviews(t *testing.T) {
	second := strings.Replace(blueGreen, "previewService: p", "previewService: o", 1)
	services := []*unstructured.Unstructured{object(t, blueGreen), object(t, second), object(t, blueGreen), object(t, strings.Replace(blueGreen, "previewService: p, ", "", 1)), object(t, strings.Replace(blueGreen, "previewService: p", `previewService: ""`, 1)), object(t, strings.Replace(blueGreen, "kind: Rollout", "kind: Other", 1))}
	if got, want := desired.Previews(services), []string{"o", "p"}; !reflect.DeepEqual(got, want) {
		t.Errorf("Previews: got %q, want %q", got, want)
	}
}

// In place objects carry no mark of a loop, and hooks are left to syncs.
func TestInPlace(t *testing.T) {
	const hook = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, annotations: {argocd.argoproj.io/hook: PreSync}}\n"
	at := desired.Place{Namespace: "shop", Namespaced: map[schema.GroupVersionKind]bool{{Version: "v1", Kind: "Service"}: true}}
	got, err := desired.In(objects(t, aService+"---\n"+hook+"---\n"+blueGreen), at)
	if err != nil || !reflect.DeepEqual(names(got.Objects), []string{"Service shop/web", "Rollout shop/app"}) {
		t.Fatalf("got %q, %v", names(got.Objects), err)
	}
	if want := []string{"Job migrate is left out: a hook (PreSync) runs when the Application is synced"}; !reflect.DeepEqual(got.Notes, want) {
		t.Errorf("notes: got %q, want %q", got.Notes, want)
	}
	if !reflect.DeepEqual(got.Objects[1], object(t, blueGreen)) || got.Objects[0].GetLabels() != nil {
		t.Errorf("got %v and %v, want them without marks", got.Objects[0], got.Objects[1])
	}
	if own, err := desired.In(objects(t, hook), place(true)); err != nil || len(own.Objects) != 1 || len(own.Notes) > 0 {
		t.Errorf("in a namespace of the loop's own: got %d objects, notes %q, %v; want the hook", len(own.Objects), own.Notes, err)
	}
}

// What runs is found by the name that is built.
func TestRunningImages(t *testing.T) {
	running := desired.Images(object(t, pod))
	for built, want := range map[string]string{
		"request-counter/app": "request-counter/app:latest", "busybox": "docker.io/library/busybox:1.36", "shop": "",
		"request-counter/redis": "localhost:5000/request-counter/redis@sha256:0000000000000000000000000000000000000000000000000000000000000000",
	} {
		if got := desired.RefOf(running, built); got != want {
			t.Errorf("%s: got %q, want %q", built, got, want)
		}
	}
	if got := desired.Images(object(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {image: shop}\n")); len(got) > 0 {
		t.Errorf("a ConfigMap: got %v, want none", got)
	}
}

// A Rollout that git has wait for a person waits for one on the way back as well.
func TestWayBack(t *testing.T) {
	for _, row := range []struct{ name, spec, want string }{
		{"waits", "{strategy: {blueGreen: {autoPromotionEnabled: false}}}", "Rollout app: waits for a person on the way back as well, as git has it; git's version takes the traffic with `cyan rollout promote app -n shop`"},
		{"switches by itself", "{strategy: {blueGreen: {autoPromotionEnabled: true}}}", ""},
		{"is not said", "{strategy: {blueGreen: {activeService: a}}}", ""},
		{"another strategy", "{strategy: {canary: {}}}", ""},
	} {
		rollout := object(t, "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: app, namespace: shop}\nspec: "+row.spec)
		if got := desired.WayBack(rollout); got != row.want {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
}
