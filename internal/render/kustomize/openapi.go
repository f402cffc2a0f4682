package kustomize

import (
	"sync"

	"sigs.k8s.io/kustomize/kyaml/openapi"
)

// schemas guards the OpenAPI schema by which kustomize merges patches and finds out what lives in a namespace. It is
// a set of global variables of kyaml/openapi, the only ones that a build changes: it parses the built-in schema when
// it needs it first, and reads the result without a lock; a kustomization with a field openapi puts another one in
// its place.
//
// Builds by the built-in schema therefore only start once it is parsed, and run side by side. A build by a schema of
// its own runs alone, and leaves nothing of it behind.
var schemas openAPIGuard

type openAPIGuard struct {
	mu sync.RWMutex
	// parsed is whether the global variables hold the built-in schema and nothing else.
	parsed bool
}

// holdBuiltIn keeps the built-in schema in place until release is called.
func (g *openAPIGuard) holdBuiltIn() (release func()) {
	for {
		g.mu.RLock()
		if g.parsed {
			return g.mu.RUnlock
		}
		g.mu.RUnlock()
		g.parse()
	}
}

func (g *openAPIGuard) parse() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.parsed {
		openapi.ResetOpenAPI()
		openapi.Schema()
		g.parsed = true
	}
}

// holdOwn leaves the schema to one build, which sets its own, until release is called.
func (g *openAPIGuard) holdOwn() (release func()) {
	g.mu.Lock()
	openapi.ResetOpenAPI()
	g.parsed = false
	return func() {
		openapi.ResetOpenAPI()
		g.mu.Unlock()
	}
}

// holdSchema holds the schema that a build of what was inspected needs.
func (in *inspection) holdSchema() (release func()) {
	if in.ownSchema {
		return schemas.holdOwn()
	}
	return schemas.holdBuiltIn()
}
