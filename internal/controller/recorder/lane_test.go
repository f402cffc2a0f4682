package recorder

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// TestChanges: what is told of changes that follow each other, by when they come. Each line of a story is an object and
// what is told of it, or a time that passes; "-" is a controller that stops.
func TestChanges(t *testing.T) {
	const settle = 2 * time.Second
	sync := func(from, to string) Event {
		return Event{Reason: "ResourceUpdated", Changes: []Change{{"sync status", from, to}}}
	}
	health := func(from, to string) Event {
		return Event{Reason: "ResourceUpdated", Changes: []Change{{"health status", from, to}}}
	}
	told := func(text string) Event { return Event{Reason: "OperationStarted", Message: text} }
	type line struct {
		of    string
		event Event
		pass  time.Duration
	}
	for _, c := range []struct {
		name  string
		story []line
		// early is what is written before the controller stops, late what is written then.
		early, late []string
	}{
		{name: "one change", story: []line{{of: "a", event: sync("OutOfSync", "Synced")}, {pass: 3 * time.Second}}, early: []string{"a Updated sync status: OutOfSync -> Synced, 0s to 0s"}},
		{name: "not before it has settled", story: []line{{of: "a", event: sync("OutOfSync", "Synced")}, {pass: time.Second}}, late: []string{"a Updated sync status: OutOfSync -> Synced, 0s to 0s"}},
		{name: "two at once", story: []line{{of: "a", event: Event{Changes: []Change{{"sync status", "OutOfSync", "Synced"}, {"health status", "Missing", "Progressing"}}}}, {pass: 3 * time.Second}},
			early: []string{"a Updated sync status: OutOfSync -> Synced; Updated health status: Missing -> Progressing, 0s to 0s"}},
		{name: "the way from the first to the last", story: []line{{of: "a", event: health("", "Missing")}, {of: "a", event: health("Missing", "Progressing")}, {pass: time.Second}, {of: "a", event: health("Progressing", "Healthy")}, {pass: 3 * time.Second}},
			early: []string{"a Updated health status:  -> Healthy, 0s to 1s"}},
		{name: "another status beside it", story: []line{{of: "a", event: sync("OutOfSync", "Synced")}, {pass: time.Second}, {of: "a", event: health("Missing", "Progressing")}, {pass: 3 * time.Second}},
			early: []string{"a Updated sync status: OutOfSync -> Synced; Updated health status: Missing -> Progressing, 0s to 1s"}},
		{name: "there and back is nothing", story: []line{{of: "a", event: health("Healthy", "Progressing")}, {pass: time.Second}, {of: "a", event: health("Progressing", "Healthy")}, {pass: 3 * time.Second}}},
		{name: "there and back, and on", story: []line{{of: "a", event: health("Healthy", "Progressing")}, {of: "a", event: health("Progressing", "Healthy")}, {of: "a", event: health("Healthy", "Degraded")}, {pass: 3 * time.Second}},
			early: []string{"a Updated health status: Healthy -> Degraded, 0s to 0s"}},
		{name: "one after the other", story: []line{{of: "a", event: health("Healthy", "Progressing")}, {pass: 3 * time.Second}, {of: "a", event: health("Progressing", "Healthy")}, {pass: 3 * time.Second}},
			early: []string{"a Updated health status: Healthy -> Progressing, 0s to 0s", "a Updated health status: Progressing -> Healthy, 3s to 3s"}},
		{name: "of another object", story: []line{{of: "a", event: health("Healthy", "Progressing")}, {pass: time.Second}, {of: "b", event: health("Progressing", "Healthy")}, {pass: 3 * time.Second}},
			early: []string{"a Updated health status: Healthy -> Progressing, 0s to 0s", "b Updated health status: Progressing -> Healthy, 1s to 1s"}},
		{name: "a text comes at once", story: []line{{of: "a", event: told("began")}, {pass: time.Millisecond}}, early: []string{"a began, 0s to 0s"}},
		{name: "a text between keeps the order", story: []line{{of: "a", event: health("Healthy", "Missing")}, {of: "a", event: told("began")}, {of: "a", event: health("Missing", "Healthy")}, {pass: 3 * time.Second}},
			early: []string{"a Updated health status: Healthy -> Missing, 0s to 0s", "a began, 0s to 0s", "a Updated health status: Missing -> Healthy, 0s to 0s"}},
		{name: "a text of another object waits for none", story: []line{{of: "a", event: health("Healthy", "Missing")}, {of: "b", event: told("began")}, {pass: 3 * time.Second}},
			early: []string{"b began, 0s to 0s", "a Updated health status: Healthy -> Missing, 0s to 0s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var written []string
				writer := fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
					Create: func(_ context.Context, _ client.WithWatch, o client.Object, _ ...client.CreateOption) error {
						e, _ := o.(*corev1.Event)
						written = append(written, fmt.Sprintf("%s %s, %s to %s", e.InvolvedObject.Name, e.Message, e.FirstTimestamp.Sub(began), e.LastTimestamp.Sub(began)))
						return nil
					},
				}).Build()
				r := New(writer, Options{Queued: 100, Settle: settle, Now: time.Now})
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- r.Start(ctx) }()
				for _, l := range c.story {
					if l.of == "" {
						time.Sleep(l.pass) //nolint:forbidigo // the time is that of the test
						continue
					}
					r.Record(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: l.of, UID: types.UID(l.of)}}, l.event)
				}
				synctest.Wait()
				if !slices.Equal(written, c.early) {
					t.Errorf("got %q, want %q", written, c.early)
				}
				written = nil
				stop()
				if err := <-done; err != nil || !slices.Equal(written, c.late) {
					t.Errorf("at the end: got %q, want %q (%v)", written, c.late, err)
				}
			})
		})
	}
}

// Changes that are taken up while the API server takes no events cost no place among those that wait.
func TestChangesThatWaitAreOne(t *testing.T) {
	r := New(nil, Options{Queued: 1, Now: time.Now})
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "one"}}
	r.Record(pod, Event{Changes: []Change{{"health status", "0", "1"}}})
	for i := range 20 {
		r.Record(pod, Event{Changes: []Change{{"health status", fmt.Sprint(i + 1), fmt.Sprint(i + 2)}}})
	}
	if got := r.lanes[0].take(); got == nil || got.Message != "Updated health status: 0 -> 21" || r.leftOut.Load() != 0 {
		t.Errorf("got %v with %d left out, want one event from 0 to 21", got, r.leftOut.Load())
	}
	r.Record(pod, Event{Changes: []Change{{"health status", "21", "22"}}})
	if got := r.lanes[0].take(); got == nil || got.Message != "Updated health status: 21 -> 22" {
		t.Errorf("got %v, want what came after it was written", got)
	}
}
