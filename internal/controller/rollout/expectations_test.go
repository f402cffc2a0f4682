package rollout

import (
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Objects that are gone before the cache has shown the last write to them are not remembered for ever.
func TestExpectationsOfObjectsThatAreGoneAreDropped(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	e := newExpectations(func() time.Time { return now })
	written := func(n int) *appsv1.ReplicaSet {
		return &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{UID: types.UID(fmt.Sprint(n)), ResourceVersion: "7"}}
	}
	most := 0
	for n := range 20 * sweepEvery {
		e.expect(written(n))
		most = max(most, len(e.last))
		now = now.Add(time.Second)
	}
	if limit := sweepEvery + int(expectTimeout/time.Second); most > limit {
		t.Errorf("one write a second: got %d remembered at once, want at most %d", most, limit)
	}
	before := written(20*sweepEvery - 1)
	before.ResourceVersion = "6"
	if !e.isBehind(before) {
		t.Error("the last write: got not waited for, want waited for")
	}
}
