package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/secret"
	"github.com/cyan-cd/cyan/internal/view"
)

// ObjectName names an object of an Application. It is exported for the library.
type ObjectName struct {
	Group        string `query:"group" maxLength:"253" doc:"empty for the core's"`
	Version      string `query:"version" maxLength:"63" doc:"that of the Application's status when empty"`
	Kind         string `query:"kind" maxLength:"63" required:"true"`
	Namespace    string `query:"namespace" maxLength:"63"`
	ResourceName string `query:"resourceName" maxLength:"253" required:"true"`
	Repeated     string `query:"name" maxLength:"253" doc:"taken, and of no effect: pages send it beside resourceName"`
}

func (n ObjectName) String() string {
	return fmt.Sprintf("%s %s", n.Kind, access.ObjectOf(n.Namespace, n.ResourceName))
}

type objectInput struct {
	ApplicationName
	ObjectName
}

type patchInput struct {
	ApplicationName
	ObjectName
	PatchType string `query:"patchType" enum:"merge,json,strategic,application/merge-patch+json,application/json-patch+json,application/strategic-merge-patch+json" doc:"merge when empty"`
	Body      string `doc:"the patch, as a string"`
}

type manifestAnswer struct {
	Body struct {
		Manifest string `json:"manifest" doc:"the object as JSON; of a Secret without its values"`
	}
}

// objects are the calls about single objects of Applications.
type objects struct{ looked }

func (s objects) register() {
	tags := []string{"applications"}
	path := "/api/v1/applications/{name}/resource"
	register(s.service, huma.Operation{OperationID: "getResource", Method: http.MethodGet, Path: path, Summary: "The manifest of an object of an Application", Tags: tags}, s.get)
	register(s.service, huma.Operation{OperationID: "patchResource", Method: http.MethodPost, Path: path, Summary: "Patch an object of an Application", Tags: tags}, s.patch)
	register(s.service, huma.Operation{OperationID: "deleteResource", Method: http.MethodDelete, Path: path, Summary: "Delete an object of an Application; self-healing brings it back", Tags: tags}, s.delete)
}

// object is an object of an Application, and where it is.
type object struct {
	*destination
	app  *v1alpha1.Application
	live *unstructured.Unstructured
	name ObjectName
}

// objectOf reads an object, which has to be one that the Application has, within the bounds of its project.
func (s looked) objectOf(ctx context.Context, app *v1alpha1.Application, name ObjectName) (*object, error) {
	within, err := s.reach(ctx, app)
	if err != nil {
		return nil, err
	}
	nodes, _, err := s.nodes(ctx, app)
	if err != nil {
		return nil, err
	}
	version, found := versionAmong(nodes, name)
	if !found || !within.bounds.Hold(plan.Key{Group: name.Group, Kind: name.Kind, Namespace: name.Namespace, Name: name.ResourceName}) {
		return nil, &problem.Error{Kind: problem.Usage, Object: name.String(), Cause: "not found as part of application " + app.Name, Remedy: "see its resource-tree"}
	}
	if name.Version == "" {
		name.Version = version
	}
	o := &object{destination: within, app: app, name: name, live: &unstructured.Unstructured{}}
	o.live.SetGroupVersionKind(schema.GroupVersionKind{Group: name.Group, Version: name.Version, Kind: name.Kind})
	err = within.Get(ctx, client.ObjectKey{Namespace: name.Namespace, Name: name.ResourceName}, o.live)
	if apierrors.IsNotFound(err) {
		return nil, &problem.Error{Kind: problem.Absent, Object: name.String(), Cause: "not found in the cluster", Err: err}
	}
	return o, err
}

func versionAmong(nodes []view.Node, name ObjectName) (version string, found bool) {
	for _, n := range nodes {
		if n.Group == name.Group && n.Kind == name.Kind && n.Namespace == name.Namespace && n.Name == name.ResourceName {
			return n.Version, true
		}
	}
	return "", false
}

// shown returns the manifest of an object as it may be shown.
func (o *object) shown(live *unstructured.Unstructured) (*manifestAnswer, error) {
	live.SetManagedFields(nil)
	text, err := json.Marshal(o.masker().Mask(live))
	out := &manifestAnswer{}
	out.Body.Manifest = string(text)
	return out, err
}

func (d *destination) masker() secret.Masker {
	return secret.Masker{Annotations: d.written.MaskedAnnotations}
}

// explain returns an error of writing an object without values of Secrets, which an API server repeats.
func (o *object) explain(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if secret.Is(o.live) {
		text = "the API server refuses it; what it says may have values of the Secret, and is left out"
	}
	kind := problem.Refused
	if apierrors.IsNotFound(err) {
		kind = problem.Absent
	}
	return &problem.Error{Kind: kind, Object: o.name.String(), Cause: text}
}

func (s objects) get(ctx context.Context, c *caller, in *objectInput) (*manifestAnswer, error) {
	app, err := s.find(ctx, c, in.ApplicationName, get)
	if err != nil {
		return nil, err
	}
	o, err := s.objectOf(ctx, app, in.ObjectName)
	if err != nil {
		return nil, err
	}
	return o.shown(o.live)
}

// change finds an object that the caller may change.
func (s objects) change(ctx context.Context, c *caller, of ApplicationName, name ObjectName, action string) (*object, client.Client, error) {
	app, err := s.find(ctx, c, of, func(a access.Application) access.Request {
		return c.options.Change(a, action, access.Resource{Group: name.Group, Kind: name.Kind, Namespace: name.Namespace, Name: name.ResourceName})
	})
	if err != nil {
		return nil, nil, err
	}
	o, err := s.objectOf(ctx, app, name)
	if err != nil {
		return nil, nil, err
	}
	as, err := o.as(app)
	return o, as, err
}

// patchTypes are the types of patches by what clients call them.
var patchTypes = map[string]types.PatchType{
	"": types.MergePatchType, "merge": types.MergePatchType, "json": types.JSONPatchType, "strategic": types.StrategicMergePatchType,
	string(types.MergePatchType): types.MergePatchType, string(types.JSONPatchType): types.JSONPatchType, string(types.StrategicMergePatchType): types.StrategicMergePatchType,
}

func (s objects) patch(ctx context.Context, c *caller, in *patchInput) (*manifestAnswer, error) {
	o, as, err := s.change(ctx, c, in.ApplicationName, in.ObjectName, access.Update)
	if err != nil {
		return nil, err
	}
	if !json.Valid([]byte(in.Body)) {
		return nil, &problem.Error{Kind: problem.Usage, Object: "patch", Cause: "invalid JSON", Remedy: `send it as a JSON string, such as "{\"spec\":{\"replicas\":3}}"`}
	}
	after := o.live.DeepCopy()
	if err := as.Patch(ctx, after, client.RawPatch(patchTypes[in.PatchType], []byte(in.Body))); err != nil {
		return nil, o.explain(err)
	}
	return o.shown(after)
}

type deleteInput struct {
	ApplicationName
	ObjectName
	Force  bool `query:"force" doc:"at once, without the time that its pods have to end"`
	Orphan bool `query:"orphan" doc:"leave what it owns"`
}

func (s objects) delete(ctx context.Context, c *caller, in *deleteInput) (*nothing, error) {
	o, as, err := s.change(ctx, c, in.ApplicationName, in.ObjectName, access.Delete)
	if err != nil {
		return nil, err
	}
	uid := o.live.GetUID()
	options := &client.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}}
	policy := plan.PropagationOf(o.live, metav1.DeletePropagationForeground)
	if in.Orphan {
		policy = metav1.DeletePropagationOrphan
	}
	options.PropagationPolicy = &policy
	if in.Force {
		options.GracePeriodSeconds = new(int64)
	}
	return &nothing{}, o.explain(as.Delete(ctx, o.live, options))
}
