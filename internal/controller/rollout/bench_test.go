package rollout_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// BenchmarkSwitch measures how long a Service is switched after the last new pod is ready, as somebody sees it who
// watches both: of each of 50 Rollouts once an iteration, one after the other.
//
//	go test -run '^$' -bench Switch -benchtime 1x ./internal/controller/rollout
func BenchmarkSwitch(b *testing.B) {
	const rollouts = 50
	cluster := testkit.Cluster(b)
	w := &world{TB: b, client: cluster.Client, namespace: cluster.Namespace(b), cluster: cluster}
	w.start()
	defer func() { w.stop() }()
	names := make([]string, rollouts)
	for i := range names {
		names[i] = fmt.Sprintf("app-%02d", i)
		for _, role := range []string{"active", "preview"} {
			s := service(names[i] + "-" + role)
			s.Spec.Selector = map[string]string{"app": names[i]}
			w.create(s)
		}
		ro := app()
		ro.Name, ro.Spec.Replicas = names[i], ptr(int32(1))
		ro.Spec.Selector.MatchLabels, ro.Spec.Template.Labels = map[string]string{"app": names[i]}, map[string]string{"app": names[i]}
		ro.Spec.Strategy.BlueGreen.ActiveService, ro.Spec.Strategy.BlueGreen.PreviewService = names[i]+"-active", names[i]+"-preview"
		w.create(ro)
	}
	seen := w.watchSwitches(b)
	w.allHealthy(names)
	b.ResetTimer()
	for n := range b.N {
		for _, name := range names {
			ro := &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}}
			patch := fmt.Sprintf(`{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app:v%d"}]}}}}`, n+2)
			if err := w.client.Patch(context.Background(), ro, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
				b.Fatal(err)
			}
			w.allHealthy(names)
		}
	}
	b.StopTimer()
	took := seen.took()
	if len(took) < rollouts*b.N {
		b.Fatalf("%d switches were seen, want %d", len(took), rollouts*b.N)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "ms-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Milliseconds()), "ms-p99")
}

func (w *world) allHealthy(names []string) {
	w.Helper()
	testkit.Eventually(w, 3*time.Minute, "all to be healthy", func() error {
		list := &v1alpha1.RolloutList{}
		if err := w.client.List(context.Background(), list, client.InNamespace(w.namespace)); err != nil {
			return err
		}
		healthy := 0
		for _, ro := range list.Items {
			if ro.Status.Phase == v1alpha1.RolloutHealthy && ro.Status.ObservedGeneration == fmt.Sprint(ro.Generation) {
				healthy++
			}
		}
		if healthy < len(names) {
			return fmt.Errorf("%d of %d", healthy, len(names))
		}
		return nil
	})
}

// switches are when pods were seen to be ready, and when Services were seen to select another version, by app and hash.
type switches struct {
	mu              sync.Mutex
	ready, switched map[string]time.Time
}

// took returns how long each switch from one version to another took, from its last ready pod on.
func (s *switches) took() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []time.Duration
	for key, at := range s.switched {
		if ready, ok := s.ready[key]; ok {
			all = append(all, at.Sub(ready))
		}
	}
	return all
}

func (w *world) watchSwitches(b *testing.B) *switches {
	w.Helper()
	seen := &switches{ready: map[string]time.Time{}, switched: map[string]time.Time{}}
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	watcher, err := client.NewWithWatch(w.cluster.Config, client.Options{Scheme: testkit.Scheme()})
	if err != nil {
		b.Fatal(err)
	}
	follow := func(list client.ObjectList, note func(client.Object) (map[string]time.Time, string, bool)) {
		watched, err := watcher.Watch(ctx, list, client.InNamespace(w.namespace))
		if err != nil {
			b.Fatal(err)
		}
		go func() {
			for e := range watched.ResultChan() {
				o, ok := e.Object.(client.Object)
				if !ok {
					continue
				}
				seen.mu.Lock()
				if into, key, ok := note(o); ok && into[key].IsZero() {
					into[key] = time.Now()
				}
				seen.mu.Unlock()
			}
		}()
	}
	follow(&corev1.PodList{}, func(o client.Object) (map[string]time.Time, string, bool) {
		pod, ok := o.(*corev1.Pod)
		ready := ok && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		})
		return seen.ready, o.GetLabels()["app"] + " " + o.GetLabels()[v1alpha1.PodHashLabel], ready
	})
	first := map[string]string{}
	follow(&corev1.ServiceList{}, func(o client.Object) (map[string]time.Time, string, bool) {
		s, ok := o.(*corev1.Service)
		if !ok || len(s.Name) < len("-active") || s.Name[len(s.Name)-len("-active"):] != "-active" {
			return seen.switched, "", false
		}
		hash := s.Spec.Selector[v1alpha1.PodHashLabel]
		if first[s.Name] == "" {
			first[s.Name] = hash
		}
		return seen.switched, s.Spec.Selector["app"] + " " + hash, hash != "" && hash != first[s.Name]
	})
	return seen
}
