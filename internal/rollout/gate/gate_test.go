package gate_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/rollout/gate"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// state is that of a next version with so many available pods, of two.
func state(available int32, change ...func(*rollout.State)) rollout.State {
	version := func(name string, created time.Time) *appsv1.ReplicaSet {
		return &appsv1.ReplicaSet{
			ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(created)},
			Spec:       appsv1.ReplicaSetSpec{Replicas: ptr.To(int32(2))},
			Status:     appsv1.ReplicaSetStatus{Replicas: 2, AvailableReplicas: available},
		}
	}
	s := rollout.State{Rollout: &v1alpha1.Rollout{}, Replicas: 2}
	s.Desired, s.Stable = version("next", now), version("stable", now.Add(-time.Hour))
	for _, c := range change {
		c(&s)
	}
	return s
}

func abort(s *rollout.State) { s.Abort = true }

func pausedByHand(s *rollout.State) { s.Rollout.Spec.Paused = true }

func waiting(s *rollout.State) {
	s.Pause.Begun = true
	since := metav1.NewTime(now.Add(-time.Second))
	s.Pause.Conditions = []v1alpha1.PauseCondition{{Reason: v1alpha1.PauseBlueGreen, StartTime: since}}
}

func TestAChainReturnsItsFirstClosedGateByName(t *testing.T) {
	asked := gate.Promotion{Size: 2, Asked: true, Automatic: true, After: 3 * time.Second}
	byPerson := gate.Promotion{Size: 2, Asked: true}
	for name, c := range map[string]struct {
		state     rollout.State
		promotion gate.Promotion
		want      gate.Verdict
	}{
		"open": {state(2), gate.Promotion{Size: 2}, gate.Verdict{Open: true}},
		"aborted": {
			state(2, abort, pausedByHand), gate.Promotion{Size: 2}, gate.Verdict{Gate: "abort", Reason: "RolloutAborted"},
		},
		"paused by hand": {
			state(2, pausedByHand), gate.Promotion{Size: 2}, gate.Verdict{Gate: "pause", Reason: "RolloutPaused"},
		},
		"pods are not there yet": {
			state(1), gate.Promotion{Size: 2}, gate.Verdict{Gate: "promotion", Reason: "pods are not available yet"},
		},
		"pods are not there yet, and a pause comes": {
			state(1), asked, gate.Verdict{Gate: "promotion", Reason: "pods are not available yet"},
		},
		"the pause begins": {
			state(2), asked, gate.Verdict{Gate: "promotion", Reason: "BlueGreenPause", Since: now, Until: now.Add(3 * time.Second)},
		},
		"the pause goes on": {
			state(2, waiting), asked,
			gate.Verdict{Gate: "promotion", Reason: "BlueGreenPause", Since: now.Add(-time.Second), Until: now.Add(2 * time.Second)},
		},
		"the pause waits for a person": {
			state(2, waiting), byPerson, gate.Verdict{Gate: "promotion", Reason: "BlueGreenPause", Since: now.Add(-time.Second)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			chain := gate.Chain{gate.NotAborted(), gate.NotPaused(), gate.Promoted(c.promotion)}
			if got := chain.Check(c.state, now); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}
