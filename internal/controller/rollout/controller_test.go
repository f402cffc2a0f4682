package rollout_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/log"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/controller/rollout"
	"github.com/cyan-cd/cyan/internal/testkit"
)

func TestMain(m *testing.M) {
	level := slog.LevelError
	if os.Getenv("CYAN_TEST_LOG") != "" {
		level = slog.LevelDebug
	}
	log.SetLogger(logr.FromSlogHandler(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})))
	testkit.Main(m)
}

// world is a namespace with a running controller of Rollouts.
type world struct {
	testing.TB
	client    client.Client
	namespace string
	stop      func()
	cluster   *testkit.LocalCluster
	// instance is the id of the controller.
	instance string
	// metrics are those of the controller that runs, or ran last.
	metrics *prometheus.Registry
}

func newWorld(t *testing.T) *world {
	cluster := testkit.Cluster(t)
	w := &world{TB: t, client: cluster.Client, namespace: cluster.Namespace(t), cluster: cluster}
	w.start()
	t.Cleanup(func() { w.stop() })
	w.create(service("active"))
	w.create(service("preview"))
	return w
}

// start runs a controller; stop ends it and waits until it has ended.
func (w *world) start() {
	w.Helper()
	mgr, err := ctrl.NewManager(w.cluster.Config, ctrl.Options{
		Scheme:     testkit.Scheme(),
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: ptr(true)},
	})
	if err != nil {
		w.Fatal(err)
	}
	w.metrics = prometheus.NewRegistry()
	if err := rollout.Setup(mgr, rollout.Options{Metrics: w.metrics, InstanceID: w.instance}); err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	w.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			w.Errorf("running the controller: %v", err)
		}
		w.stop = func() {}
	}
}

func ptr[T any](v T) *T { return &v }

func (w *world) create(o client.Object) {
	w.Helper()
	o.SetNamespace(w.namespace)
	if err := w.client.Create(context.Background(), o); err != nil {
		w.Fatal(err)
	}
}

func service(name string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "app"}, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(80)}}},
	}
}

func app() *v1alpha1.Rollout {
	return &v1alpha1.Rollout{
		ObjectMeta: metav1.ObjectMeta{Name: "app"},
		Spec: v1alpha1.RolloutSpec{
			Replicas: ptr(int32(2)),
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "app"}},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "app"}},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app:v1"}}},
			},
			Strategy: v1alpha1.RolloutStrategy{BlueGreen: &v1alpha1.BlueGreenStrategy{
				ActiveService: "active", PreviewService: "preview", ScaleDownDelaySeconds: ptr(int32(3)),
			}},
		},
	}
}

func (w *world) rollout() *v1alpha1.Rollout {
	w.Helper()
	ro := &v1alpha1.Rollout{}
	if err := w.client.Get(context.Background(), client.ObjectKey{Namespace: w.namespace, Name: "app"}, ro); err != nil {
		w.Fatal(err)
	}
	return ro
}

func (w *world) patch(format string, args ...any) {
	w.Helper()
	if err := w.client.Patch(context.Background(), w.rollout(), client.RawPatch(types.MergePatchType, fmt.Appendf(nil, format, args...))); err != nil {
		w.Fatal(err)
	}
}

func (w *world) patchStatus(format string, args ...any) {
	w.Helper()
	if err := w.client.Status().Patch(context.Background(), w.rollout(), client.RawPatch(types.MergePatchType, fmt.Appendf(nil, format, args...))); err != nil {
		w.Fatal(err)
	}
}

func (w *world) image(tag string) {
	w.Helper()
	w.patch(`{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app:%s"}]}}}}`, tag)
}

// version is the image tag that a Service sends its traffic to; empty when its selector names no ReplicaSet.
func (w *world) version(name string) string {
	w.Helper()
	service := &corev1.Service{}
	if err := w.client.Get(context.Background(), client.ObjectKey{Namespace: w.namespace, Name: name}, service); err != nil {
		w.Fatal(err)
	}
	for _, rs := range w.sets() {
		if hash := rs.Labels[v1alpha1.PodHashLabel]; hash != "" && hash == service.Spec.Selector[v1alpha1.PodHashLabel] {
			return tag(rs)
		}
	}
	return ""
}

func tag(rs appsv1.ReplicaSet) string {
	return rs.Spec.Template.Spec.Containers[0].Image[len("app:"):]
}

func (w *world) sets() []appsv1.ReplicaSet {
	w.Helper()
	list := &appsv1.ReplicaSetList{}
	if err := w.client.List(context.Background(), list, client.InNamespace(w.namespace)); err != nil {
		w.Fatal(err)
	}
	return list.Items
}

// size is the size of a version's ReplicaSet; -1 when there is none.
func (w *world) size(version string) int32 {
	w.Helper()
	for _, rs := range w.sets() {
		if tag(rs) == version {
			return *rs.Spec.Replicas
		}
	}
	return -1
}

const soon = 30 * time.Second

func (w *world) eventually(what string, check func() error) {
	w.Helper()
	testkit.Eventually(w, soon, what, check)
}

func (w *world) serves(version string) {
	w.Helper()
	w.eventually("traffic to "+version, func() error {
		ro := w.rollout()
		if got := w.version("active"); got != version || ro.Status.Phase != v1alpha1.RolloutHealthy || ro.Status.ObservedGeneration != fmt.Sprint(ro.Generation) {
			return fmt.Errorf("active is %q, phase %s %s", got, ro.Status.Phase, ro.Status.Message)
		}
		return nil
	})
}

func TestTheSecondVersionTakesOver(t *testing.T) {
	w := newWorld(t)
	w.create(app())
	w.serves("v1")
	if got := w.version("preview"); got != "v1" {
		t.Errorf("preview is %q", got)
	}
	w.image("v2")
	w.serves("v2")
	if w.size("v1") != 2 {
		t.Errorf("v1 went with the switch")
	}
	w.eventually("v1 to go", func() error {
		if n := w.size("v1"); n != 0 {
			return fmt.Errorf("v1 has a size of %d", n)
		}
		return nil
	})
	last := w.rollout().Status.BlueGreen.Switch
	if last == nil || last.ConvergedAt == nil {
		t.Errorf("the switch is not recorded: %+v", last)
	}
}

func TestAPersonPromotesAndAborts(t *testing.T) {
	w := newWorld(t)
	ro := app()
	ro.Spec.Strategy.BlueGreen.AutoPromotionEnabled = ptr(false)
	ro.Spec.Strategy.BlueGreen.PreviewReplicaCount = ptr(int32(1))
	w.create(ro)
	w.serves("v1")
	w.image("v2")
	paused := func() error {
		ro := w.rollout()
		if ro.Status.Phase != v1alpha1.RolloutPaused || ro.Status.Message != "BlueGreenPause" || w.version("preview") != "v2" || w.size("v2") != 1 || w.version("active") != "v1" {
			return fmt.Errorf("phase %s %s, preview %s, active %s", ro.Status.Phase, ro.Status.Message, w.version("preview"), w.version("active"))
		}
		return nil
	}
	w.eventually("the pause", paused)
	w.patchStatus(`{"status":{"abort":true}}`)
	w.eventually("the abort", func() error {
		if ro := w.rollout(); ro.Status.Phase != v1alpha1.RolloutDegraded || ro.Status.AbortedAt == nil || w.version("active") != "v1" {
			return fmt.Errorf("phase %s %s", ro.Status.Phase, ro.Status.Message)
		}
		return nil
	})
	w.patchStatus(`{"status":{"abort":false}}`)
	w.eventually("the pause after the retry", paused)
	w.patchStatus(`{"status":{"pauseConditions":null}}`)
	w.serves("v2")
}

func TestAStrippedSelectorIsRepaired(t *testing.T) {
	w := newWorld(t)
	w.create(app())
	w.serves("v1")
	stripped := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "active"}}
	if err := w.client.Patch(context.Background(), stripped, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"selector":{"rollouts-pod-template-hash":null}}}`))); err != nil {
		t.Fatal(err)
	}
	w.serves("v1")
}

func TestDeletingTheRolloutReleasesItsServices(t *testing.T) {
	w := newWorld(t)
	w.create(app())
	w.serves("v1")
	if err := w.client.Delete(context.Background(), w.rollout()); err != nil {
		t.Fatal(err)
	}
	w.eventually("the Services to be free", func() error {
		for _, name := range []string{"active", "preview"} {
			service := &corev1.Service{}
			if err := w.client.Get(context.Background(), client.ObjectKey{Namespace: w.namespace, Name: name}, service); err != nil {
				return err
			}
			if len(service.Spec.Selector) != 1 || service.Annotations[v1alpha1.ManagedByRolloutsAnnotation] != "" {
				return fmt.Errorf("%s selects %v", name, service.Spec.Selector)
			}
		}
		return nil
	})
	w.eventually("the events of its life", func() error {
		all := &corev1.EventList{}
		if err := w.client.List(context.Background(), all, client.InNamespace(w.namespace)); err != nil {
			return err
		}
		told := map[string]bool{}
		for _, e := range all.Items {
			told[e.Reason] = true
		}
		for _, reason := range []string{"RolloutAddedToInformer", "NewReplicaSetCreated", "ScalingReplicaSet", "SwitchService", "RolloutCompleted", "RolloutDeleted"} {
			if !told[reason] {
				return fmt.Errorf("%s is not among %v", reason, told)
			}
		}
		return nil
	})
}

func TestTheControllerIsStoppedAndStartedInTheMiddle(t *testing.T) {
	w := newWorld(t)
	w.create(app())
	w.serves("v1")
	w.image("v2")
	w.eventually("the new ReplicaSet", func() error {
		if w.size("v2") < 0 {
			return fmt.Errorf("no v2")
		}
		return nil
	})
	w.stop()
	w.image("v3")
	w.start()
	w.serves("v3")
	w.eventually("the versions before to go", func() error {
		if w.size("v1") != 0 || w.size("v2") > 0 {
			return fmt.Errorf("v1=%d v2=%d", w.size("v1"), w.size("v2"))
		}
		return nil
	})
}
