package compare

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/render"
)

// maxRemembered is the number of objects of which anything is remembered, of all Applications together.
const maxRemembered = 400_000

// memory is what is remembered of one Application between two looks: what was found of objects, by which objects they
// are. An object is never changed once it is made, so that what follows from it stands. What is decided is the same
// with and without it.
type memory struct {
	plan *plan.Memory
	// checked is how the validation of what was rendered last went.
	checked validation
	// kinds are those of the objects of what was rendered last.
	kinds kindsOfResult
	// manifests name the objects of what was rendered last.
	manifests manifests
	// predictions are the answers to dry runs, and unserved what desired objects ask for and do not get.
	predictions predictions
	unserved    map[*unstructured.Unstructured][]string
}

func newMemory() *memory {
	return &memory{plan: plan.NewMemory(), unserved: map[*unstructured.Unstructured][]string{}}
}

// kindsOfResult are the kinds of the objects of a rendering, in order.
type kindsOfResult struct {
	of    *render.Result
	kinds []schema.GroupVersionKind
}

func (m *memory) kindsOf(result *render.Result) []schema.GroupVersionKind {
	if m.kinds.of != result {
		m.kinds = kindsOfResult{result, kindsOf(result.Objects)}
	}
	return m.kinds.kinds
}

// manifests name what a rendering wants.
type manifests struct {
	of   *render.Result
	name string
	// sums are those of the single objects.
	sums map[*unstructured.Unstructured][sha256.Size]byte
}

// nameOf names the objects of a result: two with the same name want the same. It is "" where that is not known.
func (m *manifests) nameOf(result *render.Result) string {
	if m.of == result {
		return m.name
	}
	now := manifests{of: result, sums: make(map[*unstructured.Unstructured][sha256.Size]byte, len(result.Objects))}
	all := sha256.New()
	for _, o := range result.Objects {
		sum, known := m.sums[o.Object]
		if !known {
			text, err := json.Marshal(o.Object.Object)
			if err != nil {
				*m = manifests{of: result}
				return ""
			}
			sum = sha256.Sum256(text)
		}
		now.sums[o.Object] = sum
		all.Write(sum[:])
	}
	now.name = "sha256:" + hex.EncodeToString(all.Sum(nil))
	*m = now
	return m.name
}

// len is the number of objects of which anything is remembered.
func (m *memory) len() int {
	return m.plan.Len() + m.checked.good.Len() + len(m.predictions.byKey) + len(m.unserved) + len(m.manifests.sums)
}

// memoryOf returns what is remembered of an Application.
func (c *Comparer) memoryOf(app types.NamespacedName) *memory {
	if known, ok := c.memories.Get(app); ok {
		return known
	}
	fresh := newMemory()
	c.memories.Add(app, fresh, 0)
	return fresh
}

// endLook forgets what a look at an Application had no use for.
func (c *Comparer) endLook(app types.NamespacedName, m *memory, desired []plan.Desired) {
	m.plan.EndLook()
	if len(m.unserved) > len(desired) {
		wanted := make(map[*unstructured.Unstructured]bool, len(desired))
		for _, d := range desired {
			wanted[d.Object] = true
		}
		maps.DeleteFunc(m.unserved, func(o *unstructured.Unstructured, _ []string) bool { return !wanted[o] })
	}
	c.memories.Add(app, m, int64(m.len()))
}
