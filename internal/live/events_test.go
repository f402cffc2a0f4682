package live

import (
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestEventsAreCountedByKind(t *testing.T) {
	var counts eventCounts
	pods, jobs := schema.GroupKind{Kind: "Pod"}, schema.GroupKind{Group: "batch", Kind: "Job"}
	s := newStore(keeper{events: counts.of(pods)})
	other := newStore(keeper{events: counts.of(pods)})
	counts.of(jobs)
	_ = s.Add(nil)
	_ = s.Update(nil)
	_ = other.Delete(nil)
	_ = newStore(keeper{}).Add(nil)
	if got, want := counts.all(), []Events{{pods, 3}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
