package settings

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/health"
	"github.com/cyan-cd/cyan/internal/script"
)

// maxJudged bounds the objects whose health is remembered.
const maxJudged = 8 << 10

// Judge returns how the health of objects is judged: by the scripts of the settings where they name a kind, and else as
// everywhere. What a script said of an object is remembered until the object changes.
func (s Settings) Judge() health.Judge {
	scripts := map[string]compiled{}
	for _, c := range s.Customizations {
		if c.HealthLua != "" {
			scripts[c.HealthLua] = compile(c.HealthLua)
		}
	}
	if len(scripts) == 0 {
		return nil
	}
	known := lru.New(maxJudged)
	return func(object *unstructured.Unstructured) *v1alpha1.HealthStatus {
		c, ok := s.HealthScript(object.GroupVersionKind().GroupKind())
		// A hook that is being deleted is held until its outcome is known, which the script tells.
		going := object.GetDeletionTimestamp() != nil
		if !ok || going && !slices.Contains(object.GetFinalizers(), v1alpha1.HookFinalizer) {
			return health.Of(object)
		}
		key := judged{object.GroupVersionKind().GroupKind(), object.GetUID(), object.GetResourceVersion(), going}
		if before, ok := known.Get(key); ok && key.uid != "" {
			return before.(*v1alpha1.HealthStatus).DeepCopy()
		}
		said := scripts[c.HealthLua].health(object)
		known.Add(key, said)
		return said.DeepCopy()
	}
}

// judged is an object as it was when its health was judged.
type judged struct {
	kind    schema.GroupKind
	uid     types.UID
	version string
	going   bool
}

// compiled is a script, or why it can't be run.
type compiled struct {
	script *script.Script
	err    error
}

func compile(text string) compiled {
	s, err := script.Compile(text)
	return compiled{s, err}
}

// health returns what the script says of an object. A script that fails leaves the health unknown, and says why.
func (c compiled) health(object *unstructured.Unstructured) *v1alpha1.HealthStatus {
	said, err := (*v1alpha1.HealthStatus)(nil), c.err
	if err == nil {
		said, err = c.script.Health(object)
	}
	if err != nil {
		kind := object.GroupVersionKind().GroupKind()
		return &v1alpha1.HealthStatus{Status: v1alpha1.HealthUnknown, Message: "health script of " + kind.String() + " in ConfigMap " + ConfigName + ": " + err.Error()}
	}
	return said
}
