package view

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Caches list objects in any order: what is shown of the same objects is the same all the same, to the letter, so that
// its ETag is.
func TestWhatIsShownHasOneOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(*seed, 3)) //nolint:gosec // a test
	text := func(value any) string {
		data, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for what, show := range map[string]func() string{
		"rows by name":               func() string { return pageText(t, Choice{}, shuffled(random, shelf())) },
		"rows by their last sync":    func() string { return pageText(t, Choice{Sort: "lastSync", Limit: 2}, shuffled(random, twins())) },
		"rows by health, worst last": func() string { return pageText(t, Choice{Sort: "health", Descending: true}, shuffled(random, twins())) },
		"an overview":                func() string { return text(OverviewOf(shuffled(random, twins()), nil, Reachability{})) },
		"who has delivered last": func() string {
			var all []string
			for _, app := range LastDelivering(shuffled(random, deliverers()), 3) {
				all = append(all, app.Namespace+"/"+app.Name)
			}
			return text(all)
		},
		"deliveries": func() string {
			seen := delivered()
			seen.Rollouts[0].ReplicaSets, seen.Rollouts[0].Pods = shuffled(random, seen.Rollouts[0].ReplicaSets), shuffled(random, seen.Rollouts[0].Pods)
			return text(Deliveries(seen))
		},
		"lead times, the oldest first": func() string {
			var all []Delivery
			for i, at := range []string{"2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"} {
				seconds := int64(i)
				all = append(all, Delivery{ID: at, FinishedAt: at, LeadSeconds: &seconds})
			}
			points := LeadOf(shuffled(random, all))
			if len(points) != 4 || points[0].ID != "2026-01-01" || points[3].Seconds != 3 {
				t.Fatalf("got %v", points)
			}
			return text(points)
		},
		"the version to go back to": func() string {
			rs, err := Earlier("web", shuffled(random, []*appsv1.ReplicaSet{replicaSet(2, "new", 1, 1), replicaSet(1, "b", 1, 1), replicaSet(1, "a", 1, 1)}), 0)
			if err != nil || rs.Name != "web-a" {
				t.Fatalf("got %v, %v", rs, err)
			}
			return rs.Name
		},
		"a Rollout": func() string { return text(RolloutOf(inAnyOrder(random, waitingRollout()), noon)) },
		"a Rollout that has switched": func() string {
			seen := waitingRollout()
			switched(seen)
			return text(RolloutOf(inAnyOrder(random, seen), noon))
		},
		"a Rollout at rest": func() string {
			seen := waitingRollout()
			resting(seen)
			return text(RolloutOf(inAnyOrder(random, seen), noon))
		},
	} {
		first := show()
		for range 20 {
			if again := show(); again != first {
				t.Errorf("-seed %d: %s in another order is\n%s\nand was\n%s", *seed, what, again, first)
				break
			}
		}
	}
}

func shuffled[T any](random *rand.Rand, all []T) []T {
	all = slices.Clone(all)
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// pageText is a page, and where the next one goes on.
func pageText(t *testing.T, c Choice, rows []Row) string {
	t.Helper()
	page, _, next, err := c.Page(rows)
	if err != nil {
		t.Fatal(err)
	}
	return names(page) + " " + next
}

// twins are rows of one name, of one time and of one urgency, in two namespaces each.
func twins() []Row {
	var all []Row
	for _, namespace := range []string{"a", "b"} {
		for _, name := range []string{"api", "web"} {
			all = append(all, Row{Namespace: namespace, Name: name, Health: "Degraded", LastSync: "2026-01-01", Attention: &Attention{Reason: ReasonFailed, Since: "2026-01-01"}})
		}
	}
	return all
}

// deliverers are Applications that were deployed at the same time.
func deliverers() []*v1alpha1.Application {
	var all []*v1alpha1.Application
	for _, row := range twins() {
		all = append(all, &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: row.Namespace, Name: row.Name}, Status: v1alpha1.ApplicationStatus{History: []v1alpha1.RevisionHistory{{DeployedAt: before(time.Minute)}}}})
	}
	return all
}

// inAnyOrder is what is seen of a Rollout, each list of it in another order. Events of one second, ReplicaSets of one
// revision and pods that were made at once are among it.
func inAnyOrder(random *rand.Rand, seen RolloutSeen) RolloutSeen {
	for i, reason := range []string{"ScalingReplicaSet", "RolloutPaused", "SwitchService", "RolloutPaused"} {
		for _, message := range []string{"one", "two"} {
			seen.Events = append(seen.Events, &corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: "web." + fmt.Sprint(i) + message}, Reason: reason, Message: message, Type: "Normal", LastTimestamp: before(time.Minute), InvolvedObject: corev1.ObjectReference{Kind: v1alpha1.RolloutKind, Namespace: "shop", Name: "web"}})
		}
	}
	for _, name := range []string{"three", "four"} {
		rs := replicaSet(1, name, 0, 0)
		rs.Spec.Replicas = seen.ReplicaSets[0].Spec.Replicas
		seen.ReplicaSets = append(slices.Clone(seen.ReplicaSets), rs)
	}
	var pods []*corev1.Pod
	for _, rs := range []*appsv1.ReplicaSet{seen.ReplicaSets[0], seen.ReplicaSets[1]} {
		pods = append(pods, pod(rs, 7, true), pod(rs, 8, false), pod(rs, 9, true))
	}
	seen.Pods = shuffled(random, append(slices.Clone(seen.Pods), pods...))
	seen.Events, seen.ReplicaSets, seen.Services, seen.Slices = shuffled(random, seen.Events), shuffled(random, seen.ReplicaSets), shuffled(random, seen.Services), shuffled(random, seen.Slices)
	return seen
}

// A page goes on only in the order of the page before, whichever two of the orders they are.
func TestATokenIsOfOneOrder(t *testing.T) {
	var all []Choice
	for _, by := range []string{"", "lastSync", "created", "health"} {
		all = append(all, Choice{Sort: by, Limit: 1}, Choice{Sort: by, Limit: 1, Descending: true})
	}
	for i, made := range all {
		_, _, token, err := made.Page(twins())
		if err != nil || token == "" {
			t.Fatalf("%+v: got no token, %v", made, err)
		}
		for j, used := range all {
			used.Continue = token
			if _, _, _, err := used.Page(twins()); (err == nil) != (i == j) {
				t.Errorf("a token of %+v with %+v: %v", made, used, err)
			}
		}
	}
	named := Choice{Sort: "name", Limit: 1}
	_, _, named.Continue, _ = Choice{Limit: 1}.Page(twins())
	if _, _, _, err := named.Page(twins()); err != nil {
		t.Errorf("by name, said and not said: %v", err)
	}
}
