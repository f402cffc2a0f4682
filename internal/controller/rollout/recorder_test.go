package rollout

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
)

func TestEventNames(t *testing.T) {
	ro := func(uid string) *v1alpha1.Rollout {
		r := &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: strings.Repeat("n", 253)}}
		r.UID = "uid-" + "0"
		if uid != "" {
			r.UID = "uid-1"
		}
		return r
	}
	name := func(r *v1alpha1.Rollout, e rollout.Event) string { return eventObject(r, e, time.Time{}).Name }
	first := rollout.Event{Reason: "RolloutUpdated", Message: "revision 1", Once: true}
	for _, test := range []struct {
		name string
		a, b string
		same bool
	}{
		{"once: the same twice", name(ro(""), first), name(ro(""), first), true},
		{"once: another text", name(ro(""), first), name(ro(""), rollout.Event{Reason: "RolloutUpdated", Message: "revision 2", Once: true}), false},
		{"once: another reason", name(ro(""), first), name(ro(""), rollout.Event{Reason: "RolloutCompleted", Message: "revision 1", Once: true}), false},
		{"once: another Rollout of the name", name(ro(""), first), name(ro("1"), first), false},
		{"each time anew", name(ro(""), rollout.Event{Reason: "ScalingReplicaSet"}), name(ro(""), rollout.Event{Reason: "ScalingReplicaSet"}), false},
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
	r := newRecorder(nil, time.Now)
	for range queuedEvents + 10 {
		r.record(&v1alpha1.Rollout{}, rollout.Event{Reason: "ScalingReplicaSet"})
	}
	waiting := 0
	for _, queue := range r.queues {
		waiting += len(queue)
	}
	if waiting != queuedEvents {
		t.Errorf("%d events wait, want %d", waiting, queuedEvents)
	}
}
