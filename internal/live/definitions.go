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
		meta := w.get("", name)
		if meta == nil {
			continue
		}
		crd, err := c.definition(ctx, where.resource, meta)
		if err != nil {
			return nil, err
		}
		found = append(found, crd)
	}
	return found, nil
}

func (c *Cluster) definition(ctx context.Context, resource schema.GroupVersionResource, meta *metav1.PartialObjectMetadata) (apiextensionsv1.CustomResourceDefinition, error) {
	c.definitions.mu.Lock()
	have, ok := c.definitions.byName[meta.Name]
	c.definitions.mu.Unlock()
	if ok && have.resourceVersion == meta.ResourceVersion {
		return have.crd, nil
	}
	live, err := c.dynamic.Resource(resource).Get(ctx, meta.Name, metav1.GetOptions{})
	if err != nil {
		c.reach.failed(c.life, err)
		return have.crd, c.reach.explain(fmt.Errorf("reading CustomResourceDefinition %s: %w", meta.Name, err))
	}
	fresh := definition{resourceVersion: meta.ResourceVersion}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(live.Object, &fresh.crd); err != nil {
		return have.crd, fmt.Errorf("reading CustomResourceDefinition %s: %w", meta.Name, err)
	}
	c.definitions.mu.Lock()
	defer c.definitions.mu.Unlock()
	if c.definitions.byName == nil {
		c.definitions.byName = map[string]definition{}
	}
	c.definitions.byName[meta.Name] = fresh
	return fresh.crd, nil
}
