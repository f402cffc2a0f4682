package validate

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/render"
	engine "github.com/cyan-cd/cyan/internal/validate"
)

// ask adds to what is known what the cluster serves, and which of the objects that others refer to it has.
func (o *options) ask(ctx context.Context, objects []render.Rendered, known *engine.Known) (*engine.Known, error) {
	config, err := o.Config()
	if err != nil {
		return nil, err
	}
	reader, err := live.NewReader(config)
	if err != nil {
		return nil, err
	}
	var wanted []schema.GroupVersionKind
	for _, object := range objects {
		wanted = append(wanted, object.Object.GroupVersionKind())
	}
	kinds, err := reader.Kinds(ctx, wanted)
	if err != nil {
		return nil, o.Explain(err, "asking the cluster what it serves")
	}
	definitions, err := reader.Definitions(ctx, wanted)
	if err != nil {
		return nil, o.Explain(err, "asking the cluster for definitions")
	}
	with := *known
	with.Kinds, with.CRDs = kinds.All(), append(definitions, known.CRDs...)
	with.Exists, err = o.exist(ctx, engine.Referred(objects, known), with.Kinds)
	return &with, err
}

// exist asks whether objects are there. What may not be read is left out.
func (o *options) exist(ctx context.Context, refs []engine.Ref, kinds map[schema.GroupVersionKind]bool) (map[engine.Ref]bool, error) {
	c, err := o.Connect()
	if err != nil {
		return nil, err
	}
	exists := map[engine.Ref]bool{}
	for _, ref := range refs {
		kind, served := versionOf(ref, kinds)
		if !served || ref.Name == "" {
			continue
		}
		object := &metav1.PartialObjectMetadata{}
		object.SetGroupVersionKind(kind)
		switch err := c.Get(ctx, client.ObjectKey{Namespace: ref.Namespace, Name: ref.Name}, object); {
		case err == nil:
			exists[ref] = true
		case apierrors.IsNotFound(err):
			exists[ref] = false
		case apierrors.IsForbidden(err):
		default:
			return nil, o.Explain(err, fmt.Sprintf("looking for %s", ref))
		}
	}
	return exists, nil
}

func versionOf(ref engine.Ref, kinds map[schema.GroupVersionKind]bool) (schema.GroupVersionKind, bool) {
	for kind := range kinds {
		if kind.Group == ref.Group && kind.Kind == ref.Kind {
			return kind, true
		}
	}
	return schema.GroupVersionKind{}, false
}
