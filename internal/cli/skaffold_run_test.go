package cli_test

import (
	"context"
	"os"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
)

// runShell is a shell in a repository with a skaffold.yaml that builds nothing.
type runShell struct {
	*shell
	namespace string
}

const runManifests = `apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: cyan}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: shared}
data: {color: cyan}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`

func newRunShell(t *testing.T, files map[string]string) *runShell {
	t.Helper()
	s := newShell(t)
	namespace := s.cluster.Namespace(t)
	all := map[string]string{
		"skaffold.yaml": "apiVersion: skaffold/v4beta11\nkind: Config\nmetadata: {name: shop}\nmanifests: {rawYaml: [k8s/*.yaml]}\n",
		"k8s/all.yaml":  runManifests,
	}
	for name, content := range files {
		all[name] = content
	}
	kubeconfig := os.Getenv("KUBECONFIG")
	inTree(t, all)
	t.Setenv("KUBECONFIG", kubeconfig)
	t.Setenv("HOME", t.TempDir())
	return &runShell{s, namespace}
}

func (s *runShell) exists(object client.Object, name string) bool {
	s.t.Helper()
	err := s.cluster.Client.Get(s.t.Context(), client.ObjectKey{Namespace: s.namespace, Name: name}, object)
	if err != nil && !apierrors.IsNotFound(err) {
		s.t.Fatal(err)
	}
	return err == nil
}

// config makes a ConfigMap that somebody else has made.
func (s *runShell) config(name string, annotations map[string]string) {
	s.t.Helper()
	foreign := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name, Annotations: annotations}, Data: map[string]string{"mine": "kept"}}
	if err := s.cluster.Client.Create(s.t.Context(), foreign); err != nil {
		s.t.Fatal(err)
	}
}

// What is run stays; delete removes what was made, and nothing else.
func TestSkaffoldRunAndDelete(t *testing.T) {
	s := newRunShell(t, nil)
	s.config("shared", nil)
	s.config("foreign", nil)
	s.says([]string{"skaffold", "run", "-n", s.namespace, "-l", "team=a"}, "deployed", "ConfigMap settings, ConfigMap shared, Service web", "ready")
	made := &corev1.ConfigMap{}
	if !s.exists(made, "settings") || made.Labels[desired.LoopLabel] == "" || made.Labels["team"] != "a" {
		t.Errorf("settings: got labels %v, want those of the run and team=a", made.Labels)
	}
	if !s.exists(made, "shared") || made.Labels[desired.LoopLabel] != "" || made.Data["mine"] != "kept" || made.Data["color"] != "cyan" {
		t.Errorf("an object that was there: got %v, %v; want it applied, and without the mark", made.Labels, made.Data)
	}
	s.says([]string{"skaffold", "delete", "-n", s.namespace, "--dry-run"}, "ConfigMap", "settings", "Service", "web")
	if !s.exists(made, "settings") {
		t.Error("a dry run has deleted")
	}
	s.says([]string{"skaffold", "delete", "-n", s.namespace}, "settings", "web")
	for name, want := range map[string]bool{"settings": false, "shared": true, "foreign": true} {
		if got := s.exists(&corev1.ConfigMap{}, name); got != want {
			t.Errorf("ConfigMap %s after delete: got %t, want %t", name, got, want)
		}
	}
	if s.exists(&corev1.Service{}, "web") {
		t.Error("Service web is left")
	}
	s.says([]string{"skaffold", "delete", "-n", s.namespace}, "nothing of shop is in namespace "+s.namespace)
}

// What ends forwards no port: its lines would name one that is closed by then.
func TestSkaffoldRunForwardsNothing(t *testing.T) {
	s := newRunShell(t, map[string]string{
		"skaffold.yaml": "apiVersion: skaffold/v4beta11\nkind: Config\nmetadata: {name: shop}\nmanifests: {rawYaml: [k8s/*.yaml]}\nportForward: [{resourceType: service, resourceName: web, port: 80}]\n",
	})
	for _, more := range [][]string{nil, {"--port-forward=off"}} {
		if out, note, err := s.try(append([]string{"skaffold", "run", "-n", s.namespace}, more...)...); err != nil || strings.Contains(out+note, "http://127.") {
			t.Errorf("%v: got %v, %s%s, want no port", more, err, out, note)
		}
	}
}

// An object that GitOps deploys is left alone, whichever of the two came first.
func TestSkaffoldRunBesideGitOps(t *testing.T) {
	s := newRunShell(t, nil)
	tracked := map[string]string{v1alpha1.TrackingIDAnnotation: "shop:/ConfigMap:" + s.namespace + "/settings"}
	s.config("settings", tracked)
	for _, line := range [][]string{{"skaffold", "run", "-n", s.namespace}, {"skaffold", "apply", "k8s/all.yaml", "-n", s.namespace}} {
		_, _, err := s.try(line...)
		if err == nil || !strings.Contains(err.Error(), "settings") || !strings.Contains(err.Error(), "Application shop deploys it") {
			t.Errorf("%s: got %v, want the Application named", line[1], err)
		}
		if s.exists(&corev1.Service{}, "web") {
			t.Errorf("%s: something was applied", line[1])
		}
	}
	if err := s.cluster.Client.Delete(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "settings"}}); err != nil {
		t.Fatal(err)
	}
	s.run("skaffold", "run", "-n", s.namespace)
	made := &corev1.ConfigMap{}
	s.exists(made, "settings")
	made.Annotations = tracked
	if err := s.cluster.Client.Update(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	s.says([]string{"skaffold", "delete", "-n", s.namespace}, "settings is left: Application shop deploys it by now")
	if !s.exists(made, "settings") || s.exists(&corev1.Service{}, "web") {
		t.Error("after delete: want what the Application deploys, and nothing else")
	}
}

// Objects go to the namespace that the manifests name; one that they have is made and removed with the rest.
func TestSkaffoldRunWhereManifestsGo(t *testing.T) {
	const of = "kind: Namespace\napiVersion: v1\nmetadata: {name: NAME}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: NAME}\n" +
		"spec: {replicas: 0, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: \"web:1\"}]}}}\n"
	s := newRunShell(t, nil)
	name := s.namespace + "-made"
	inTreeFile(t, "k8s/all.yaml", strings.ReplaceAll(of, "NAME", name))
	s.says([]string{"skaffold", "run"}, "shop in namespace "+name)
	s.namespace = name
	if !s.exists(&appsv1.Deployment{}, "web") {
		t.Error("Deployment web is missing in the namespace of the manifests")
	}
	s.says([]string{"skaffold", "delete"}, "Namespace", name)
	eventuallyGone(t, s, name)
}

func eventuallyGone(t *testing.T, s *runShell, name string) {
	t.Helper()
	namespace := &corev1.Namespace{}
	err := s.cluster.Client.Get(context.Background(), client.ObjectKey{Name: name}, namespace)
	if err == nil && namespace.DeletionTimestamp == nil || err != nil && !apierrors.IsNotFound(err) {
		t.Errorf("namespace %s: got %v, want it on its way out", name, err)
	}
}

func inTreeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What is wrong is known before anything is deployed.
func TestSkaffoldRunRefuses(t *testing.T) {
	for _, c := range []struct {
		rule  string
		files map[string]string
		line  string
		want  string
	}{
		{"a namespace that is not there", nil, "run -n nowhere-at-all", "namespace nowhere-at-all: not found; create it"},
		{"manifests that are invalid", map[string]string{"k8s/all.yaml": strings.Replace(runManifests, "port: 80", "port: eighty", 1)}, "run", "k8s/all.yaml:14"},
		{"a deployment without its images", map[string]string{
			"skaffold.yaml": "apiVersion: skaffold/v4beta11\nkind: Config\nbuild: {artifacts: [{image: web}]}\nmanifests: {rawYaml: [k8s/*.yaml]}\n", "Dockerfile": "FROM scratch\n",
			"k8s/all.yaml": deployment("web", "web"),
		}, "deploy", "without web; build all images with `skaffold build --file-output`"},
		{"a label that is none", nil, "run -l team", "--label: \"team\" is not of the form KEY=VALUE"},
		{"ports of pods", nil, "run --port-forward=pods", "--port-forward: ports of all pods are not forwarded"},
		{"images that stay here, for nodes that cannot get them", map[string]string{
			"skaffold.yaml": "apiVersion: skaffold/v4beta11\nkind: Config\nbuild: {artifacts: [{image: web}], local: {push: false}}\nmanifests: {rawYaml: [k8s/*.yaml]}\n", "Dockerfile": "FROM scratch\n",
			"k8s/all.yaml": deployment("web", "web"),
		}, "run --as nobody", "skaffold.yaml:3: image web: not pushed, as build.local.push is false, and the cluster names no registry"},
		{"a context that the file names and that is not there", map[string]string{
			"skaffold.yaml": "apiVersion: skaffold/v4beta11\nkind: Config\nmanifests: {rawYaml: [k8s/*.yaml]}\ndeploy: {kubeContext: moon}\n",
		}, "run", "context \"moon\" not found"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := newRunShell(t, c.files)
			line := append([]string{"skaffold"}, strings.Fields(c.line)...)
			if !strings.Contains(c.line, "-n ") {
				line = append(line, "-n", s.namespace)
			}
			if _, _, err := s.try(line...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if s.exists(&corev1.ConfigMap{}, "settings") {
				t.Error("something was applied")
			}
		})
	}
}
