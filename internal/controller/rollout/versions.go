package rollout

import (
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
)

// versions are the versions of Rollouts that the API server has shown last, when they were read or written: where the
// cache shows the same one, it shows all that this controller knows of.
type versions struct {
	mu   sync.Mutex
	last map[client.ObjectKey]version
}

// version is one of a Rollout, with what its Go type does not show.
type version struct {
	resourceVersion string
	unserved        []string
	misspelt        []*problem.Error
}

func newVersions() *versions { return &versions{last: map[client.ObjectKey]version{}} }

// read notes a version that was read from the API server.
func (v *versions) read(ro *v1alpha1.Rollout, unserved []string, misspelt []*problem.Error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.last[client.ObjectKeyFromObject(ro)] = version{ro.ResourceVersion, unserved, misspelt}
}

// wrote notes what became of a version by a write of the status that nobody else's came before.
func (v *versions) wrote(before string, after *v1alpha1.Rollout) {
	v.mu.Lock()
	defer v.mu.Unlock()
	key := client.ObjectKeyFromObject(after)
	if last, ok := v.last[key]; ok && last.resourceVersion == before {
		last.resourceVersion = after.ResourceVersion
		v.last[key] = last
	}
}

// of returns what is known of a version, if it is the last one.
func (v *versions) of(ro *v1alpha1.Rollout) (version, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	last, ok := v.last[client.ObjectKeyFromObject(ro)]
	return last, ok && last.resourceVersion == ro.ResourceVersion
}

func (v *versions) forget(key client.ObjectKey) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.last, key)
}
