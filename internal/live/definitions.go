package live

import (
	"context"
	"fmt"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// definitionKind is watched in every cluster: a change of it changes which kinds are served.
var definitionKind = schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}

type definition struct {
	resourceVersion string
	crd             apiextensionsv1.CustomResourceDefinition
}

// Definitions gives the CustomResourceDefinitions of the kinds that have one, read again only when they changed.
func (c *Cluster) Definitions(ctx context.Context, wanted []schema.GroupVersionKind) ([]apiextensionsv1.CustomResourceDefinition, error) {
	kinds, err := c.Kinds(ctx, wanted)
	if err != nil {
		return nil, err
	}
	where, ok := kinds.byKind[definitionKind]
	if !ok {
		return nil, nil
	}
	w := c.ensure(definitionKind.GroupKind(), where)
	broken := map[schema.GroupKind]error{}
	if err := c.awaitSync(ctx, map[schema.GroupKind]*watched{w.kind: w}, broken); err != nil {
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
	c.mu.Lock()
	have, ok := c.definitions[meta.Name]
	c.mu.Unlock()
	if ok && have.resourceVersion == meta.ResourceVersion {
		return have.crd, nil
	}
	live, err := c.dynamic.Resource(resource).Get(ctx, meta.Name, metav1.GetOptions{})
	if err != nil {
		c.lost(err)
		return have.crd, c.unreachable(fmt.Errorf("reading CustomResourceDefinition %s: %w", meta.Name, err))
	}
	fresh := definition{resourceVersion: meta.ResourceVersion}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(live.Object, &fresh.crd); err != nil {
		return have.crd, fmt.Errorf("reading CustomResourceDefinition %s: %w", meta.Name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.definitions[meta.Name] = fresh
	return fresh.crd, nil
}

// Namespaces lists the namespaces that exist.
func (c *Cluster) Namespaces(ctx context.Context) (map[string]bool, error) {
	kinds, err := c.Kinds(ctx, nil)
	if err != nil {
		return nil, err
	}
	kind := schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}
	w := c.ensure(kind.GroupKind(), kinds.byKind[kind])
	broken := map[schema.GroupKind]error{}
	if err := c.awaitSync(ctx, map[schema.GroupKind]*watched{w.kind: w}, broken); err != nil {
		return nil, err
	}
	if len(broken) > 0 {
		// Without the right to list namespaces nothing can be said about them.
		return nil, nil
	}
	all := map[string]bool{}
	for _, i := range w.informers {
		for _, o := range i.GetStore().List() {
			all[o.(*metav1.PartialObjectMetadata).Name] = true
		}
	}
	return all, nil
}
