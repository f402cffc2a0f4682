package remote

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
)

// frame is what a client has to have, and a server does not serve.
type frame struct {
	Server
	scheme *runtime.Scheme
}

// check returns nil for Applications, and else what to do.
func (f frame) check(object runtime.Object) error {
	kind, err := f.GroupVersionKindFor(object)
	name := strings.TrimSuffix(kind.Kind, "List")
	if err == nil && kind.Group == v1alpha1.GroupVersion.Group && name == v1alpha1.ApplicationKind {
		return nil
	}
	return apierrors.NewForbidden(schema.GroupResource{Group: kind.Group, Resource: strings.ToLower(name)}, "", fmt.Errorf("objects of kind %s are not reached through server %s; use the kubeconfig with --core", name, f.Address))
}

// notServed is for what no command asks of Applications.
func (f frame) notServed(what string) error {
	return &problem.Error{Kind: problem.Refused, Object: f.object(), Cause: what + " is not served through it", Remedy: "use the kubeconfig with --core"}
}

// Update is not served: commands patch.
func (f frame) Update(_ context.Context, object client.Object, _ ...client.UpdateOption) error {
	return errors.Join(f.check(object), f.notServed("an update of an object as a whole"))
}

// Apply is not served.
func (f frame) Apply(context.Context, runtime.ApplyConfiguration, ...client.ApplyOption) error {
	return f.notServed("server-side apply")
}

// DeleteAllOf is not served.
func (f frame) DeleteAllOf(_ context.Context, object client.Object, _ ...client.DeleteAllOfOption) error {
	return errors.Join(f.check(object), f.notServed("a deletion of many objects at once"))
}

// Status writes nothing.
func (f frame) Status() client.SubResourceWriter { return f.SubResource("status") }

// SubResource reads and writes nothing.
func (f frame) SubResource(name string) client.SubResourceClient { return subresource{f, name} }

// Scheme returns the kinds that are known.
func (f frame) Scheme() *runtime.Scheme { return f.scheme }

// RESTMapper knows no kinds: paths are those of the server.
func (f frame) RESTMapper() meta.RESTMapper { return meta.NewDefaultRESTMapper(nil) }

// GroupVersionKindFor returns the kind of an object.
func (f frame) GroupVersionKindFor(object runtime.Object) (schema.GroupVersionKind, error) {
	return apiutil.GVKForObject(object, f.scheme)
}

// IsObjectNamespaced reports whether an object lies in a namespace, which each Application does.
func (f frame) IsObjectNamespaced(object runtime.Object) (bool, error) {
	return true, f.check(object)
}

// doInto makes a call whose answer is an Application, which is read into an object of either form.
func (f frame) doInto(ctx context.Context, method, path string, query url.Values, body any, object client.Object) error {
	if app, is := object.(*v1alpha1.Application); is {
		// What an answer leaves out is not what was there before.
		fresh := &v1alpha1.Application{}
		err := f.Do(ctx, method, path, query, body, fresh)
		if err == nil {
			fresh.DeepCopyInto(app)
		}
		return err
	}
	loose, is := object.(*unstructured.Unstructured)
	if !is {
		return f.Do(ctx, method, path, query, body, object)
	}
	fields := map[string]any{}
	if err := f.Do(ctx, method, path, query, body, &fields); err != nil {
		return err
	}
	loose.Object = fields
	loose.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(v1alpha1.ApplicationKind))
	return nil
}
