package live

import (
	"context"
	"fmt"
	"sync"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// definitionKind is watched in every cluster: a change of it changes which kinds are served.
var definitionKind = schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}

// definitions are those that were read, by name.
type definitions struct {
	mu     sync.Mutex
	byName map[string]definition
}

type definition struct {
	resourceVersion string
	crd             apiextensionsv1.CustomResourceDefinition
}

// Definitions returns the CustomResourceDefinitions of the kinds that have one, read again only when they changed.
func (c *Cluster) Definitions(ctx context.Context, wanted []schema.GroupVersionKind) ([]apiextensionsv1.CustomResourceDefinition, error) {
	kinds, err := c.Kinds(ctx, wanted)
	if err != nil {
		return nil, err
	}
	where, ok := kinds.byKind[definitionKind]
	if !ok {
		return nil, nil
	}
	w := c.watches.ensure(definitionKind.GroupKind(), where)
	broken := map[schema.GroupKind]error{}
	if err := c.watches.awaitSync(ctx, map[schema.GroupKind]*watched{w.kind: w}, broken); err != nil {
		return nil, err
	}
	var found []apiextensionsv1.CustomResourceDefinition
	asked := map[string]bool{}
	for _, kind := range wanted {
		served, ok := kinds.byKind[kind]
		name := served.resource.Resource + "." + kind.Group
		if !ok || asked[name] {
			continue
		}
		asked[name] = true
		last, is := w.get("", name)
		if is != known {
			continue
		}
		crd, err := c.definition(ctx, where.resource, name, last.resourceVersion)
		if err != nil {
			return nil, err
		}
		found = append(found, crd)
	}
	return found, nil
}

func (c *Cluster) definition(ctx context.Context, resource schema.GroupVersionResource, name, resourceVersion string) (apiextensionsv1.CustomResourceDefinition, error) {
	c.definitions.mu.Lock()
	have, ok := c.definitions.byName[name]
	c.definitions.mu.Unlock()
	if ok && have.resourceVersion == resourceVersion {
		return have.crd, nil
	}
	live, err := c.dynamic.Resource(resource).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		c.reach.doubt(c.life, err)
		return have.crd, c.reach.explain(fmt.Errorf("reading CustomResourceDefinition %s: %w", name, err))
	}
	fresh := definition{resourceVersion: resourceVersion}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(live.Object, &fresh.crd); err != nil {
		return have.crd, fmt.Errorf("reading CustomResourceDefinition %s: %w", name, err)
	}
	c.definitions.mu.Lock()
	defer c.definitions.mu.Unlock()
	if c.definitions.byName == nil {
		c.definitions.byName = map[string]definition{}
	}
	c.definitions.byName[name] = fresh
	return fresh.crd, nil
}
