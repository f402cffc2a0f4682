package cli_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func template(image string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "shop"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "shop", Image: image}}},
	}
}

// paused makes a Rollout that waits before its switch, with both its versions.
func paused(s *shell) (namespace string) {
	s.t.Helper()
	namespace = s.cluster.Namespace(s.t)
	ctx, c := s.t.Context(), s.cluster.Client
	two := int32(2)
	ro := &v1alpha1.Rollout{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "shop", Annotations: map[string]string{v1alpha1.RevisionAnnotation: "2"}},
		Spec: v1alpha1.RolloutSpec{
			Replicas: &two, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}}, Template: template("registry.example/shop:v2"),
			Strategy: v1alpha1.RolloutStrategy{BlueGreen: &v1alpha1.BlueGreenStrategy{ActiveService: "active", PreviewService: "preview"}},
		},
	}
	if err := c.Create(ctx, ro); err != nil {
		s.t.Fatal(err)
	}
	ro.Status = v1alpha1.RolloutStatus{
		Phase: v1alpha1.RolloutPaused, Message: "BlueGreenPause", ObservedGeneration: "1", CurrentPodHash: "bbb", StableRS: "aaa", Replicas: 4, UpdatedReplicas: 2, ReadyReplicas: 4, AvailableReplicas: 4,
		PauseConditions: []v1alpha1.PauseCondition{{Reason: v1alpha1.PauseBlueGreen, StartTime: metav1.Now()}}, ControllerPause: true,
	}
	ro.Status.BlueGreen.ActiveSelector, ro.Status.BlueGreen.PreviewSelector = "aaa", "bbb"
	if err := c.Status().Update(ctx, ro); err != nil {
		s.t.Fatal(err)
	}
	for i, hash := range []string{"aaa", "bbb"} {
		labels := map[string]string{"app": "shop", v1alpha1.PodHashLabel: hash}
		rs := &appsv1.ReplicaSet{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: namespace, Name: "shop-" + hash, Labels: labels, Annotations: map[string]string{v1alpha1.RevisionAnnotation: string(rune('1' + i))},
				OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(ro, v1alpha1.GroupVersion.WithKind("Rollout"))},
			},
			Spec: appsv1.ReplicaSetSpec{Replicas: &two, Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: template("registry.example/shop:v" + string(rune('1'+i)))},
		}
		rs.Spec.Template.Labels = labels
		service := &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: []string{"active", "preview"}[i]},
			Spec:       corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(80)}}},
		}
		for _, o := range []client.Object{rs, service} {
			if err := c.Create(ctx, o); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	return namespace
}

func (s *shell) rollout(namespace string) *v1alpha1.Rollout {
	s.t.Helper()
	ro := &v1alpha1.Rollout{}
	s.get(ro, namespace, "shop")
	return ro
}

func TestRolloutGet(t *testing.T) {
	s := newShell(t)
	namespace := paused(s)
	for _, line := range [][]string{
		{"kubectl-argo-rollouts", "get", "rollout", "shop", "-n", namespace}, {"cyan", "rollout", "get", "shop", "-n", namespace}, {"kubectl-cyan", "rollout", "get", "shop", "-n", namespace},
	} {
		s.says(line, "Name:            shop", "॥ Paused", "BlueGreenPause", "active → revision:1 (active)", "preview → revision:2 (preview)", "# revision:2", "shop-bbb", "stable,active", "registry.example/shop:v2")
	}
	s.says([]string{"cyan", "rollout", "list", "-n", namespace}, "shop", "BlueGreen", "Paused")
	s.says([]string{"kubectl-argo-rollouts", "list", "rollouts", "-n", namespace}, "shop")
	s.says([]string{"cyan", "rollout", "get", "shop", "-n", namespace, "-o", "yaml"}, "kind: Rollout")
	_, _, err := s.try("cyan", "rollout", "get", "shop", "-n", "default")
	if got := kit.Message(err); !strings.HasPrefix(got, `Error: Rollout "shop": not found in namespace "default"; there is one in namespace test-`) || !strings.HasSuffix(got, ": add --namespace") {
		t.Errorf("got %q, want the namespace that has one", got)
	}
}

// Each verb writes what the controller, and any other that knows these kinds, acts on.
func TestRolloutVerbs(t *testing.T) {
	s := newShell(t)
	for _, c := range []struct {
		line  []string
		says  string
		wrote func(*v1alpha1.Rollout) bool
	}{
		{[]string{"promote"}, "promoted", func(ro *v1alpha1.Rollout) bool { return len(ro.Status.PauseConditions) == 0 && !ro.Status.PromoteFull }},
		{[]string{"promote", "--full"}, "fully promoted", func(ro *v1alpha1.Rollout) bool { return ro.Status.PromoteFull }},
		{[]string{"abort"}, "aborted", func(ro *v1alpha1.Rollout) bool { return ro.Status.Abort }},
		{[]string{"retry"}, "not aborted", func(ro *v1alpha1.Rollout) bool { return !ro.Status.Abort }},
		{[]string{"pause"}, "paused", func(ro *v1alpha1.Rollout) bool { return ro.Spec.Paused }},
		{[]string{"restart"}, "restarts now", func(ro *v1alpha1.Rollout) bool {
			return ro.Spec.RestartAt != nil && time.Since(ro.Spec.RestartAt.Time) < time.Minute
		}},
		{[]string{"set-image", "shop=registry.example/shop:v3"}, "image updated", func(ro *v1alpha1.Rollout) bool {
			return ro.Spec.Template.Spec.Containers[0].Image == "registry.example/shop:v3"
		}},
		{[]string{"undo"}, "revision 1", func(ro *v1alpha1.Rollout) bool {
			return ro.Spec.Template.Spec.Containers[0].Image == "registry.example/shop:v1" && len(ro.Spec.Template.Labels) == 1
		}},
		{[]string{"undo", "--to-revision", "1"}, "revision 1", func(ro *v1alpha1.Rollout) bool {
			return ro.Spec.Template.Spec.Containers[0].Image == "registry.example/shop:v1"
		}},
	} {
		namespace := paused(s)
		line := append([]string{"cyan", "rollout", c.line[0], "shop"}, append(c.line[1:], "-n", namespace)...)
		s.says(line, c.says)
		if ro := s.rollout(namespace); !c.wrote(ro) {
			t.Errorf("%v wrote %+v %+v", c.line, ro.Spec, ro.Status)
		}
	}
	// The plugin's own spellings.
	namespace := paused(s)
	s.run("kubectl-argo-rollouts", "set", "image", "shop", "shop=registry.example/shop:v4", "-n", namespace)
	s.run("kubectl-argo-rollouts", "abort", "shop", "-n", namespace)
	s.run("kubectl-argo-rollouts", "retry", "rollout", "shop", "-n", namespace)
	if ro := s.rollout(namespace); ro.Spec.Template.Spec.Containers[0].Image != "registry.example/shop:v4" || ro.Status.Abort {
		t.Errorf("%+v %+v", ro.Spec, ro.Status)
	}
}

func TestRolloutStatus(t *testing.T) {
	s := newShell(t)
	namespace := paused(s)
	if out, _, err := s.try("kubectl-argo-rollouts", "status", "shop", "-n", namespace, "--watch=false"); err != nil || !strings.HasPrefix(out, "Paused") {
		t.Error(out, err)
	}
	// One that waits for a person says which command goes on with it, in the words of the program that runs.
	for program, want := range map[string]string{
		"cyan": "go on with `cyan rollout promote shop`, or give up with `cyan rollout abort shop`", "kubectl-argo-rollouts": "go on with `kubectl argo rollouts promote shop`",
	} {
		line := []string{program, "rollout", "status", "shop", "-n", namespace, "--timeout", "1ms"}
		if program != "cyan" {
			line = slices.Delete(line, 1, 2)
		}
		if _, stderr, err := s.try(line...); err == nil || !strings.Contains(stderr+err.Error(), want) {
			t.Errorf("%s: got %q, %v; want %q", program, stderr, err, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		ro := s.rollout(namespace)
		ro.Status.Phase, ro.Status.Message, ro.Status.StableRS = v1alpha1.RolloutDegraded, "RolloutAborted: by hand", "aaa"
		done <- s.cluster.Client.Status().Update(ctx, ro)
	}()
	out, _, err := s.tryWith(ctx, "", "cyan", "rollout", "status", "shop", "-n", namespace)
	if err == nil || !strings.Contains(out+err.Error(), "by hand") {
		t.Error(out, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRolloutLint(t *testing.T) {
	s := newShell(t)
	good := `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: shop
spec:
  selector:
    matchLabels: {app: shop}
  template:
    metadata:
      labels: {app: shop}
    spec:
      containers:
        - name: shop
          image: registry.example/shop:v1
  strategy:
    blueGreen:
      activeService: active
      previewService: preview
`
	s.run("cyan", "rollout", "lint", "-f", write(t, "good.yaml", good))
	out, _, err := s.try("kubectl-argo-rollouts", "lint", "-f", write(t, "bad.yaml", strings.Replace(good, "previewService: preview", "previewService: active", 1)))
	const want = "bad.yaml:18: Rollout shop: spec.strategy.blueGreen.previewService: Service active is the activeService; name another Service"
	if err == nil || !strings.Contains(out+err.Error(), want) {
		t.Errorf("got %q and %v, want %q", out, err, want)
	}
}

// TestUndoWritesWhatWasAskedFor: a return to a revision writes its template without what the controller added to its
// ReplicaSet.
func TestUndoWritesWhatWasAskedFor(t *testing.T) {
	s := newShell(t)
	between := corev1.PodAffinityTerm{TopologyKey: corev1.LabelHostname, LabelSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
		{Key: v1alpha1.PodHashLabel, Operator: metav1.LabelSelectorOpIn, Values: []string{"zzz"}},
	}}}
	own := corev1.PodAffinityTerm{TopologyKey: corev1.LabelTopologyZone, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "other"}}}
	for _, c := range []struct {
		name  string
		added func(*corev1.PodAntiAffinity)
		keeps []corev1.PodAffinityTerm
	}{
		{"required", func(a *corev1.PodAntiAffinity) {
			a.RequiredDuringSchedulingIgnoredDuringExecution = []corev1.PodAffinityTerm{between}
		}, nil},
		{"required, beside a rule of its own", func(a *corev1.PodAntiAffinity) {
			a.RequiredDuringSchedulingIgnoredDuringExecution = []corev1.PodAffinityTerm{own, between}
		}, []corev1.PodAffinityTerm{own}},
		{"preferred", func(a *corev1.PodAntiAffinity) {
			a.PreferredDuringSchedulingIgnoredDuringExecution = []corev1.WeightedPodAffinityTerm{{Weight: 1, PodAffinityTerm: between}}
		}, nil},
	} {
		namespace := paused(s)
		rs := &appsv1.ReplicaSet{}
		s.get(rs, namespace, "shop-aaa")
		rs.Spec.Template.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{}}
		c.added(rs.Spec.Template.Spec.Affinity.PodAntiAffinity)
		// A ReplicaSet's template can be changed only by making it anew.
		if err := s.cluster.Client.Delete(t.Context(), rs.DeepCopy()); err != nil {
			t.Fatal(err)
		}
		rs.UID, rs.ResourceVersion = "", ""
		if err := s.cluster.Client.Create(t.Context(), rs); err != nil {
			t.Fatal(err)
		}
		s.says([]string{"kubectl-argo-rollouts", "undo", "shop", "-n", namespace}, "revision 1")
		template := s.rollout(namespace).Spec.Template
		var required []corev1.PodAffinityTerm
		var preferred []corev1.WeightedPodAffinityTerm
		if a := template.Spec.Affinity; a != nil && a.PodAntiAffinity != nil {
			required, preferred = a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution, a.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution
		}
		if !equality.Semantic.DeepEqual(required, c.keeps) || len(preferred) > 0 || len(template.Labels) != 1 {
			t.Errorf("%s: wrote %+v %+v and labels %v; want %+v, none, and its own label", c.name, required, preferred, template.Labels, c.keeps)
		}
	}
}

// The lines of kubectl's plugin as scripts have them: flags that mean nothing here are taken with a note, and what is
// not served is refused in one line.
func TestLinesOfThePlugin(t *testing.T) {
	s := newShell(t)
	namespace := paused(s)
	experiment := &v1alpha1.Experiment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "shop"}}
	if err := s.cluster.Client.Create(t.Context(), experiment); err != nil {
		t.Fatal(err)
	}
	run := &v1alpha1.AnalysisRun{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "shop"}}
	if err := s.cluster.Client.Create(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ line, want string }{
		{"get rollout shop -v 4", "Name:            shop"},
		{"get rollout shop -v4 --loglevel debug --kloglevel 2 --cache-dir /tmp/none", "Name:            shop"},
		{"list rollouts --timestamps", "shop"},
		{"list experiments", "shop"},
		{"list exp", "Pending"},
		{"get experiment shop", "Pending"},
		{"terminate experiment shop", "terminated"},
		{"terminate analysisrun shop", "terminated"},
	} {
		s.says(append(append([]string{"kubectl-argo-rollouts"}, strings.Fields(c.line)...), "-n", namespace), c.want)
	}
	out := s.run("kubectl-argo-rollouts", "list", "rollouts", "-n", namespace)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if got := strings.Fields(lines[len(lines)-1]); len(got) != 9 || got[2] != "Paused" || len(strings.Fields(lines[0])) != 9 {
		t.Errorf("scripts cut fields; got %q", out)
	}
	for _, c := range []struct{ line, want string }{
		{"promote shop -c", "a blue-green Rollout has no steps to skip"},
		{"promote shop --skip-all-steps", "a blue-green Rollout has no steps to skip"},
		{"retry experiment shop", "not run yet"},
		{"create -f x.yaml", "kubectl create"},
		{"dashboard", "does not exist yet"},
		{"notifications template list", "no notifications"},
		{"get rollout shop -s https://127.0.0.1:1", "127.0.0.1:1"},
	} {
		_, _, err := s.try(append(append([]string{"kubectl-argo-rollouts"}, strings.Fields(c.line)...), "-n", namespace)...)
		if err == nil || !strings.Contains(kit.Message(err), c.want) || strings.Contains(strings.TrimSpace(kit.Message(err)), "\n") {
			t.Errorf("%s: got %v, want %q in one line", c.line, err, c.want)
		}
	}
}

// Lint reads the file that it is given, whatever lies beside it, and leaves the kinds of operators alone.
func TestLintReadsItsFile(t *testing.T) {
	s := newShell(t)
	file := write(t, "good.yaml", `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: "registry.example/shop:v1", resources: {limits: {cpu: 0.5}}, env: [{name: a}, {name: a}]}]}
  strategy: {blueGreen: {activeService: active}}
---
apiVersion: monitoring.example.com/v1
kind: ServiceMonitor
metadata: {name: shop}
`)
	beside := filepath.Join(filepath.Dir(file), "socket")
	listener, err := net.Listen("unix", beside)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "broken.yaml"), []byte("a: [\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.says([]string{"cyan", "rollout", "lint", "-f", file}, "1 Rollouts are valid")
	s.says([]string{"kubectl-argo-rollouts", "lint", "-f", file}, "1 Rollouts are valid")
}
