package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/testkit/seed"
)

// kills is how often the controllers are killed.
const kills = 30

// The controllers are killed thirty times, at random instants of syncs and rollouts. At every instant the active
// Service has ready endpoints, all of one version; no request fails; and in the end everything is as git says.
func TestKilledAtRandom(t *testing.T) {
	w := newWorld(t)
	w.logOnFailure()
	first := startServer(t, w.cluster.Kubeconfig, w.mirrors)
	first.awaitReady(t)
	sha, digest := w.repo.Commit(w.files()), w.images.v1
	w.create()
	w.awaitDeployed(sha, digest, time.Minute)
	load := w.load()
	endpoints := w.watchEndpoints()
	first.kill()

	random := seed.Random(t)
	for turn := range kills {
		if turn%3 == 0 {
			digest = map[string]string{w.images.v1: w.images.v2, w.images.v2: w.images.v1}[digest]
			sha = w.deployAnew(digest, turn)
		}
		s := startServer(t, w.cluster.Kubeconfig, w.mirrors)
		s.awaitReady(t)
		s.killAfter(time.Duration(random.IntN(1800)) * time.Millisecond)
	}
	startServer(t, w.cluster.Kubeconfig, w.mirrors).awaitReady(t)
	w.awaitDeployed(sha, digest, 2*time.Minute)
	noneFailed(t, load)
	for _, violation := range endpoints.stop() {
		t.Error(violation)
	}
}

// endpointWatch looks at every state of a Service's endpoints.
type endpointWatch struct {
	cancel context.CancelFunc
	ended  sync.WaitGroup

	seen       int
	violations []string
}

// watchEndpoints notes whenever active-service has no ready endpoint, or ready ones of two versions. Pods are named
// after their version.
func (w *world) watchEndpoints() *endpointWatch {
	w.t.Helper()
	c, err := client.NewWithWatch(w.cluster.Config, client.Options{Scheme: w.cluster.Client.Scheme()})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.t.Cleanup(cancel)
	watcher, err := c.Watch(ctx, &discoveryv1.EndpointSliceList{}, client.InNamespace(w.namespace), client.MatchingLabels{discoveryv1.LabelServiceName: "active-service"})
	if err != nil {
		w.t.Fatal(err)
	}
	e := &endpointWatch{cancel: cancel}
	e.ended.Go(func() {
		defer watcher.Stop()
		for event := range watcher.ResultChan() {
			if slice, ok := event.Object.(*discoveryv1.EndpointSlice); ok && event.Type != watch.Deleted {
				e.see(slice)
			}
		}
		if ctx.Err() == nil {
			e.violations = append(e.violations, "the watch ended early, so not every state was seen")
		}
	})
	return e
}

func (e *endpointWatch) see(slice *discoveryv1.EndpointSlice) {
	e.seen++
	versions := map[string]int{}
	for _, endpoint := range slice.Endpoints {
		if endpoint.Conditions.Ready != nil && *endpoint.Conditions.Ready && endpoint.TargetRef != nil {
			parts := strings.Split(endpoint.TargetRef.Name, "-")
			versions[parts[len(parts)-2]]++
		}
	}
	if len(versions) != 1 {
		e.violations = append(e.violations, fmt.Sprintf("%s: %s has ready endpoints of %v", time.Now().Format("15:04:05.000"), slice.Name, versions))
	}
}

func (e *endpointWatch) stop() []string {
	e.cancel()
	e.ended.Wait()
	if e.seen == 0 {
		return []string{"no endpoints were seen"}
	}
	return e.violations
}
