package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// skaffoldWorld is a copy of the example, for the program that is called skaffold, in a namespace of its own.
func skaffoldWorld(t *testing.T) *devWorld {
	t.Helper()
	w := newDevWorld(t)
	w.namespace = "skaffold-" + strings.ToLower(strings.ReplaceAll(t.Name(), "_", "-"))
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
	if err := w.cluster.Client.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.cluster.Client.Delete(context.Background(), namespace); client.IgnoreNotFound(err) != nil {
			t.Error(err)
		}
	})
	return w
}

// skaffold is a line of that program, in the namespace.
func (w *devWorld) skaffold(line string) *exec.Cmd {
	cmd := w.command()
	cmd.Path, cmd.Args = program("skaffold"), append([]string{program("skaffold")}, strings.Fields(line)...)
	cmd.Env = append(cmd.Env, "HOME="+w.data, "GOCACHE="+goEnv(w.t, "GOCACHE"), "GOMODCACHE="+goEnv(w.t, "GOMODCACHE"), "SKAFFOLD_NAMESPACE="+w.namespace)
	return cmd
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// left are the objects of the example that are in the namespace.
func (w *devWorld) left() []string {
	w.t.Helper()
	var all []string
	services, rollouts, configs := &corev1.ServiceList{}, &v1alpha1.RolloutList{}, &corev1.ConfigMapList{}
	for _, list := range []client.ObjectList{services, rollouts, configs} {
		if err := w.cluster.Client.List(context.Background(), list, client.InNamespace(w.namespace)); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, s := range services.Items {
		all = append(all, "Service "+s.Name)
	}
	for _, r := range rollouts.Items {
		all = append(all, "Rollout "+r.Name)
	}
	for _, c := range configs.Items {
		if c.Name != "kube-root-ca.crt" {
			all = append(all, "ConfigMap "+c.Name)
		}
	}
	return all
}

const articlesLine = "dev -p local --port-forward -f k8s/skaffold.yml"

// The line that people know runs as it stands: a save is seen by the port that is forwarded, and Ctrl-C removes what
// was made, and nothing else.
func TestSkaffoldDev(t *testing.T) {
	w := skaffoldWorld(t)
	if err := w.cluster.Client.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "foreign"}}); err != nil {
		t.Fatal(err)
	}
	w.setVersion("first")
	w.cmd = w.skaffold(articlesLine)
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.awaitPrinted("✓ ready")
	target := forwarded.FindStringSubmatch(w.out.String())[1] + "/"
	w.setVersion("second")
	eventually(t, 2*time.Minute, "the forwarded port answers second", func() (bool, string) {
		answer := get(target)
		return strings.Contains(answer, "second"), answer
	})
	w.end()
	eventually(t, time.Minute, "what was made goes", func() (bool, string) {
		left := fmt.Sprint(w.left())
		return left == "[ConfigMap foreign]", left
	})
}

// An image that is built under another name than the one that is deployed is named with both, and nothing is built.
func TestSkaffoldDevNamesTheOtherImage(t *testing.T) {
	w := skaffoldWorld(t)
	w.write("k8s/skaffold.yml", strings.Replace(w.read("k8s/skaffold.yml"), "request-counter/app", "request-conuter/app", 1))
	err := w.skaffold(articlesLine).Run()
	out := w.out.String()
	if err == nil || !strings.Contains(out, "k8s/skaffold.yml:8: image request-conuter/app") || !strings.Contains(out, "k8s/kustomize/overlays/local/kustomization.yml:9 has request-counter/app") || strings.Contains(out, "built ") {
		t.Errorf("got %v, %s\nwant both names with their places, and nothing built", err, out)
	}
}

// The loop refuses to begin where GitOps deploys the app.
func TestSkaffoldDevBesideGitOps(t *testing.T) {
	w := skaffoldWorld(t)
	tracked := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "active-service", Annotations: map[string]string{v1alpha1.TrackingIDAnnotation: "counter:/Service:" + w.namespace + "/active-service"}},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "app"}, Ports: []corev1.ServicePort{{Port: 80}}},
	}
	if err := w.cluster.Client.Create(t.Context(), tracked); err != nil {
		t.Fatal(err)
	}
	w.cmd = w.skaffold(articlesLine)
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.awaitPrinted("Application counter deploys it")
	if err := w.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = w.cmd.Wait()
	if got := fmt.Sprint(w.left()); got != "[Service active-service]" || strings.Contains(w.out.String(), "✓ built") {
		t.Errorf("got %s\n%s\nwant what GitOps deploys alone, and nothing built", got, w.out)
	}
}

// What is run stays and answers; delete removes it. A Rollout needs somebody who carries it out.
func TestSkaffoldRunOnRealPods(t *testing.T) {
	w := skaffoldWorld(t)
	w.write("k8s/kustomize/overlays/local/kustomization.yml", strings.Replace(w.read("k8s/kustomize/overlays/local/kustomization.yml"), "  - ../../base/app\n", "", 1))
	definition := w.read("k8s/skaffold.yml")
	w.write("k8s/skaffold.yml", definition[:strings.Index(definition, "    - image: request-counter/app")]+definition[strings.Index(definition, "    - image: request-counter/redis"):])
	if err := w.skaffold("run -p local -f k8s/skaffold.yml").Run(); err != nil {
		t.Fatalf("%v\n%s", err, w.out)
	}
	pods := &corev1.PodList{}
	if err := w.cluster.Client.List(t.Context(), pods, client.InNamespace(w.namespace)); err != nil {
		t.Fatal(err)
	}
	if len(pods.Items) != 1 || pods.Items[0].Status.Phase != corev1.PodRunning {
		t.Errorf("after run: got %d pods, want one that runs", len(pods.Items))
	}
	if err := w.skaffold("delete -p local -f k8s/skaffold.yml").Run(); err != nil {
		t.Fatalf("%v\n%s", err, w.out)
	}
	if left := w.left(); len(left) != 0 {
		t.Errorf("after delete: got %v, want nothing", left)
	}
}
