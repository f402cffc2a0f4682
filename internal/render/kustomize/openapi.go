package kustomize

import (
	"fmt"
	"sync"

	"sigs.k8s.io/kustomize/kyaml/openapi"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

// schemas guards the OpenAPI schema by which kustomize merges patches and finds out what lives in a namespace. It is
// a set of global variables of kyaml/openapi, the only ones that a build changes: it parses the built-in schema when
// it needs it first, and reads the result without a lock; a kustomization with a field openapi puts another one in
// its place.
//
// Builds by the built-in schema therefore only start once it is parsed, and run side by side. A build by a schema of
// its own runs alone, and leaves nothing of it behind. It holds up others for as long as it runs, so that it may only
// cost little; and it does not start, nor keep others from starting, while an expensive build runs.
var schemas = newOpenAPIGuard()

// ownSchemaWork is the work that a build by a schema of its own may cost: about a second.
const ownSchemaWork = 200_000_000

type openAPIGuard struct {
	mu      sync.Mutex
	changed *sync.Cond
	// parsed is whether the global variables hold the built-in schema and nothing else.
	parsed bool
	// cheap and expensive are the builds by the built-in schema that run.
	cheap, expensive int
	// own is whether a build by its own schema runs, or waits for cheap builds only.
	own bool
}

func newOpenAPIGuard() *openAPIGuard {
	g := &openAPIGuard{}
	g.changed = sync.NewCond(&g.mu)
	return g
}

// holdBuiltIn keeps the built-in schema in place until release is called.
func (g *openAPIGuard) holdBuiltIn(budget *render.Budget) (release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.own {
		g.changed.Wait()
	}
	if !g.parsed {
		openapi.ResetOpenAPI()
		openapi.Schema()
		// A schema that is built in, and that the tests parse.
		if err := addRolloutSchema(); err != nil {
			panic(err)
		}
		g.parsed = true
	}
	running := &g.cheap
	if budget.Expensive() {
		running = &g.expensive
	}
	*running++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		*running--
		g.changed.Broadcast()
	}
}

// holdOwn leaves the schema to one build, which sets its own, until release is called.
func (g *openAPIGuard) holdOwn() (release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.own || g.expensive > 0 {
		g.changed.Wait()
	}
	g.own = true
	for g.cheap > 0 {
		g.changed.Wait()
	}
	openapi.ResetOpenAPI()
	g.parsed = false
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		openapi.ResetOpenAPI()
		g.own = false
		g.changed.Broadcast()
	}
}

// holdSchema holds the schema that a build of what was inspected needs.
func (b builder) holdSchema() (release func()) {
	if b.ownSchema {
		return schemas.holdOwn()
	}
	return schemas.holdBuiltIn(b.tree.Budget())
}

// overOwnSchema refuses a build by a schema of its own that would hold up others for too long.
func overOwnSchema(at string, work int64) error {
	return &problem.Error{
		Kind: problem.Usage, File: at,
		Cause:  fmt.Sprintf("%d steps of work are more than the limit of %d for kustomizations with the field openapi, which run one at a time", work, ownSchemaWork),
		Remedy: "remove the field openapi where the built-in schema will do, or split the source into several Applications",
	}
}
