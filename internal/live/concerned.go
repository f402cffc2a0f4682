package live

import (
	"slices"
	"sync/atomic"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/plan"
)

// marks are how the objects of a cluster are marked.
type marks struct{ tracking atomic.Pointer[plan.Tracking] }

// owner returns whose marks an object of a kind carries; "" for nobody's.
func (m *marks) owner(kind schema.GroupKind, o metav1.Object) string {
	return m.tracking.Load().Owner(kind, o)
}

// replace has other marks looked for, and reports whether those before were others.
func (m *marks) replace(tracking plan.Tracking) bool {
	before := m.tracking.Swap(&tracking)
	return before != nil && *before != tracking
}

// concerned notifies the instances that a change concerns.
type concerned struct {
	claims *claims
	notify func(instance string)
}

// all notifies every instance that has looked.
func (c concerned) all() {
	for _, instance := range c.claims.all() {
		c.notify(instance)
	}
}

// byKind notifies those who have looked for objects of a kind.
func (c concerned) byKind(kind schema.GroupKind) {
	for _, instance := range c.claims.ofKind(kind) {
		c.notify(instance)
	}
}

// byChange notifies those whom the change of an object concerns: those who look for it, and those whose marks it
// carries or carried. What a first list brings is news only to those who have looked and have not found it.
func (c concerned) byChange(key Key, isNew bool, marked []string) {
	claiming := c.claims.of(key)
	concerned := map[string]bool{}
	for _, instance := range marked {
		if instance != "" && (!isNew || c.claims.hasLooked(instance) && !slices.Contains(claiming, instance)) {
			concerned[instance] = true
		}
	}
	for _, instance := range claiming {
		if !isNew {
			concerned[instance] = true
		}
	}
	for instance := range concerned {
		c.notify(instance)
	}
}

// answered reports whether a state of an object is the answer to a write, and concerns nobody but who wrote it: they
// have looked at it already. Definitions concern everybody.
func answered(objects *objects, claims *claims, key Key, now seen) bool {
	if key.Group == definitionKind.Group && key.Kind == definitionKind.Kind || !objects.isAnswer(key, now) {
		return false
	}
	claiming := claims.of(key)
	return len(claiming) == 1 && (now.instance == "" || now.instance == claiming[0])
}
