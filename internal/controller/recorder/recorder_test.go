package recorder

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// quiet returns a recorder of Pods.
func quiet(writer client.Client) *Recorder {
	return New(writer, Options{Source: "test", Kind: corev1.SchemeGroupVersion.WithKind("Pod"), Queued: 100, Now: time.Now})
}

func TestEventNames(t *testing.T) {
	ro := func(uid string) *corev1.Pod {
		r := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: strings.Repeat("n", 253)}}
		r.UID = "uid-" + "0"
		if uid != "" {
			r.UID = "uid-1"
		}
		return r
	}
	name := func(r *corev1.Pod, e Event) string { return quiet(nil).object(r, e).Name }
	first := Event{Reason: "RolloutUpdated", Message: "revision 1", Once: true}
	for _, test := range []struct {
		name string
		a, b string
		same bool
	}{
		{"once: the same twice", name(ro(""), first), name(ro(""), first), true},
		{"once: another text", name(ro(""), first), name(ro(""), Event{Reason: "RolloutUpdated", Message: "revision 2", Once: true}), false},
		{"once: another reason", name(ro(""), first), name(ro(""), Event{Reason: "RolloutCompleted", Message: "revision 1", Once: true}), false},
		{"once: another Rollout of the name", name(ro(""), first), name(ro("1"), first), false},
		{"each time anew", name(ro(""), Event{Reason: "ScalingReplicaSet"}), name(ro(""), Event{Reason: "ScalingReplicaSet"}), false},
	} {
		if (test.a == test.b) != test.same || len(test.a) > 253 || len(test.b) > 253 {
			t.Errorf("%s: %q and %q", test.name, test.a, test.b)
		}
	}
}

func TestEventMessagesFit(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"short", "short"},
		{strings.Repeat("x", 20), strings.Repeat("x", 20)},
		{strings.Repeat("x", 21), strings.Repeat("x", 17) + "…"},
		{strings.Repeat("ü", 11), strings.Repeat("ü", 8) + "…"},
	} {
		if got := truncate(test.text, 20); got != test.want || len(got) > 20 {
			t.Errorf("truncate(%q): got %q, want %q", test.text, got, test.want)
		}
	}
}

// A controller whose API server takes no events goes on, and holds a bounded number of them.
func TestEventsThatWaitAreBounded(t *testing.T) {
	const most = 20
	r := New(nil, Options{Lanes: 4, Queued: most, Now: time.Now})
	for range most + 10 {
		r.Record(&corev1.Pod{}, Event{Reason: "ScalingReplicaSet"})
	}
	waiting := 0
	for _, lane := range r.lanes {
		waiting += lane.size()
	}
	if left := r.leftOut.Load(); waiting != most || left != 10 {
		t.Errorf("%d events wait and %d are left out, want %d and 10", waiting, left, most)
	}
}

// What waits when the controller stops is written first, and none of it with a context that has ended.
func TestEventsThatWaitAreWrittenAtTheEnd(t *testing.T) {
	const waiting = 50
	written := fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			return errors.Join(ctx.Err(), c.Create(ctx, o, opts...))
		},
	}).Build()
	r := quiet(written)
	for range waiting {
		r.Record(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}, Event{Reason: "Killing"})
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := r.Start(ctx); err != nil {
		t.Fatal(err)
	}
	var all corev1.EventList
	if err := written.List(t.Context(), &all); err != nil || len(all.Items) != waiting {
		t.Errorf("%d events are written, want %d (%v)", len(all.Items), waiting, err)
	}
}
