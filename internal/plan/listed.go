package plan

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// The status of an Application is stored as one object, of which etcd takes 1.5 MB, and is sent to everybody who
// watches with each change. These bound, in bytes of JSON, what it lists.
const (
	listedResources = 190 << 10
	listedResults   = 80 << 10
)

// Listed returns those resources that a status lists, in their order, and how many it leaves out. First come those that
// somebody has to look at; of each kind one is listed whatever comes first, since what an Application had is found by
// its kinds, and of each namespace one before the rest, since a namespace is not deleted from under an Application.
func Listed(all []v1alpha1.ResourceStatus) (listed []v1alpha1.ResourceStatus, omitted int) {
	kinds, namespaces := map[schema.GroupKind]bool{}, map[string]bool{}
	rank := func(i int) int {
		kind := schema.GroupKind{Group: all[i].Group, Kind: all[i].Kind}
		firstOfKind, firstThere := !kinds[kind], !namespaces[all[i].Namespace]
		kinds[kind], namespaces[all[i].Namespace] = true, true
		switch {
		case firstOfKind:
			return 0
		case needsSomebody(all[i]), firstThere:
			return 1
		}
		return 2
	}
	kept := within(listedResources, len(all), rank, func(i int) int { return resourceSize(all[i]) })
	for i, keep := range kept {
		if keep {
			listed = append(listed, all[i])
		}
	}
	return listed, len(all) - len(listed)
}

// needsSomebody reports whether a resource is anything but as it should be.
func needsSomebody(r v1alpha1.ResourceStatus) bool {
	healthy := r.Health == nil || r.Health.Status == v1alpha1.HealthHealthy
	return r.Status != v1alpha1.Synced || !healthy || r.RequiresPruning || r.RequiresDeletionConfirmation || r.Hook
}

// ListedResults returns those results that the status of an operation lists, in their order. While the operation goes
// on, only such are left out of which doing the task again would change nothing; once it is over, failures and hooks
// come first.
func (p Plan) ListedResults(all []*v1alpha1.ResourceResult, over bool) []*v1alpha1.ResourceResult {
	idle := map[ID]bool{}
	for _, t := range p.Tasks {
		idle[t.ID()] = t.isIdle()
	}
	rank := func(i int) int {
		r := all[i]
		harmless, planned := idle[IDOf(*r)]
		switch {
		case r.HookType == "" && r.HookPhase == v1alpha1.OperationSucceeded && (over || !planned || harmless):
			return 2
		case !over && !harmless:
			return 0
		}
		return 1
	}
	kept := within(listedResults, len(all), rank, func(i int) int { return resultSize(*all[i]) })
	return slices.Collect(func(yield func(*v1alpha1.ResourceResult) bool) {
		for i, keep := range kept {
			if keep && !yield(all[i]) {
				return
			}
		}
	})
}

// within chooses what has a place: everything of rank 0, then what fits by rank.
func within(bytes, n int, rank, size func(i int) int) []bool {
	kept, ranks := make([]bool, n), make([]int, n)
	for i := range n {
		ranks[i] = rank(i)
	}
	for of := range 3 {
		for i := range n {
			if ranks[i] != of {
				continue
			}
			if bytes -= size(i); of == 0 || bytes >= 0 {
				kept[i] = true
			}
		}
	}
	return kept
}

// resourceSize is about how many bytes of JSON a resource takes.
func resourceSize(r v1alpha1.ResourceStatus) int {
	const names = len(`{"group":"","version":"","kind":"","namespace":"","name":"","status":"OutOfSync"},`)
	size := names + len(r.Group) + len(r.Version) + len(r.Kind) + len(r.Namespace) + len(r.Name)
	if r.Health != nil {
		size += len(`"health":{"status":"Progressing","message":""},`) + len(r.Health.Message)
	}
	if r.RequiresPruning || r.RequiresDeletionConfirmation || r.Hook || r.SyncWave != 0 {
		size += len(`"requiresPruning":true,"hook":true,"syncWave":100,`)
	}
	return size
}

// resultSize is about how many bytes of JSON a result takes.
func resultSize(r v1alpha1.ResourceResult) int {
	const names = len(`{"group":"","version":"","kind":"","namespace":"","name":"","status":"SyncFailed","message":"","hookType":"PostSync","hookPhase":"Succeeded","syncPhase":"PostSync","images":[]},`)
	size := names + len(r.Group) + len(r.Version) + len(r.Kind) + len(r.Namespace) + len(r.Name) + len(r.Message)
	for _, image := range r.Images {
		size += len(image) + len(`"",`)
	}
	return size
}
