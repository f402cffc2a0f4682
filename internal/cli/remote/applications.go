package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Applications is a client of the Applications that a server has. It has no other objects: a command that asks for one
// is told to use the kubeconfig.
type Applications struct {
	frame
	// home is the namespace that stands for the server's own, whatever its name is there.
	home string

	mu sync.Mutex
	// projects are those of the Applications that were read: who names it is told that one is gone.
	projects map[string]string
	written  versions
}

// NewApplications returns a client. Home is the namespace of an Application that is named without one.
func NewApplications(s Server, scheme *runtime.Scheme, home string) *Applications {
	return &Applications{frame: frame{s, scheme}, home: home, projects: map[string]string{}, written: versions{}}
}

var resource = schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: "applications"}

// queryOf names a namespace, unless it is the one that stands for the server's own.
func queryOf(namespace, home string) url.Values {
	q := url.Values{}
	if namespace != "" && namespace != home {
		q.Set("appNamespace", namespace)
	}
	return q
}

func pathOf(name string, more ...string) string {
	return strings.Join(append([]string{"/api/v1/applications", url.PathEscape(name)}, more...), "/")
}

// asStatus returns an error as Kubernetes has it, for those that commands tell apart. What may not be seen is not
// there.
func asStatus(err error, name string) error {
	switch StatusOf(err) {
	case http.StatusNotFound:
		return apierrors.NewNotFound(resource, name)
	case http.StatusConflict:
		return apierrors.NewConflict(resource, name, err)
	}
	return err
}

// Get reads an Application.
func (c *Applications) Get(ctx context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	if err := c.check(object); err != nil {
		return err
	}
	err := c.written.await(ctx, key.Name, object, func() error {
		return c.doInto(ctx, http.MethodGet, pathOf(key.Name), c.about(key.Namespace, key.Name), nil, object)
	})
	if StatusOf(err) == http.StatusForbidden {
		// A server does not tell what is not there from what may not be seen.
		return apierrors.NewNotFound(resource, key.Name)
	}
	if err == nil {
		c.project(key.Name, projectOf(object))
	}
	return asStatus(err, key.Name)
}

// about names an Application: its namespace, and its project where that is known, so that a refusal tells why.
func (c *Applications) about(namespace, name string) url.Values {
	q := queryOf(namespace, c.home)
	if project := c.project(name, ""); project != "" {
		q.Set("project", project)
	}
	return q
}

// put adds what names an Application to a body.
func put(body map[string]any, about url.Values) {
	for key, values := range about {
		body[key] = values[0]
	}
}

// project keeps the project of an Application where one is given, and returns what is kept.
func (c *Applications) project(name, project string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if project != "" {
		c.projects[name] = project
	}
	return c.projects[name]
}

func projectOf(object client.Object) string {
	switch o := object.(type) {
	case *v1alpha1.Application:
		return o.Spec.Project
	case *unstructured.Unstructured:
		project, _, _ := unstructured.NestedString(o.Object, "spec", "project")
		return project
	}
	return ""
}

// List lists Applications; those of all namespaces that the server has where the server's own is named.
func (c *Applications) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	if err := c.check(list); err != nil {
		return err
	}
	o := (&client.ListOptions{}).ApplyOptions(options)
	query := queryOf(o.Namespace, c.home)
	if o.LabelSelector != nil && !o.LabelSelector.Empty() {
		query.Set("selector", o.LabelSelector.String())
	}
	return c.Do(ctx, http.MethodGet, "/api/v1/applications", query, nil, list)
}

// Create makes an Application; one that is there is an error, whatever it is like.
func (c *Applications) Create(ctx context.Context, object client.Object, _ ...client.CreateOption) error {
	if err := c.check(object); err != nil {
		return err
	}
	there := &v1alpha1.Application{}
	err := c.Get(ctx, client.ObjectKeyFromObject(object), there)
	switch {
	case err == nil:
		object.SetNamespace(there.Namespace)
		return apierrors.NewAlreadyExists(resource, object.GetName())
	case !apierrors.IsNotFound(err):
		return err
	}
	sent := object.DeepCopyObject().(client.Object)
	if sent.GetNamespace() == c.home {
		sent.SetNamespace("")
	}
	return asStatus(c.doInto(ctx, http.MethodPost, "/api/v1/applications", nil, sent, object), object.GetName())
}

// Delete deletes an Application, and leaves what it has deployed; DeleteCascading takes that along.
func (c *Applications) Delete(ctx context.Context, object client.Object, _ ...client.DeleteOption) error {
	if err := c.check(object); err != nil {
		return err
	}
	return c.delete(ctx, object, url.Values{"cascade": {"false"}})
}

// DeleteCascading deletes an Application and what it has deployed, by a propagation policy.
func (c *Applications) DeleteCascading(ctx context.Context, app *v1alpha1.Application, policy string) error {
	return c.delete(ctx, app, url.Values{"cascade": {"true"}, "propagationPolicy": {policy}})
}

// delete deletes an Application that was read. A server deletes by the name alone, so that a look just before has to
// do: another that has come by its name since stays.
func (c *Applications) delete(ctx context.Context, object client.Object, query url.Values) error {
	if uid := object.GetUID(); uid != "" {
		now := &v1alpha1.Application{}
		switch err := c.Get(ctx, client.ObjectKeyFromObject(object), now); {
		case err == nil && now.UID != uid:
			return apierrors.NewConflict(resource, object.GetName(), errors.New("another object was created by its name"))
		case client.IgnoreNotFound(err) != nil:
			return err
		}
	}
	for name, values := range c.about(object.GetNamespace(), object.GetName()) {
		query[name] = values
	}
	return asStatus(c.Do(ctx, http.MethodDelete, pathOf(object.GetName()), query, nil, nil), object.GetName())
}

// Patch changes an Application: an operation that is asked for or ended and a refresh by calls of their own, all else
// by a patch.
func (c *Applications) Patch(ctx context.Context, object client.Object, by client.Patch, _ ...client.PatchOption) error {
	if err := c.check(object); err != nil {
		return err
	}
	data, err := by.Data(object)
	if err != nil {
		return err
	}
	if by.Type() == types.MergePatchType {
		done, err := c.call(ctx, object, data)
		if done || err != nil {
			return asStatus(err, object.GetName())
		}
	}
	kind := "merge"
	switch by.Type() {
	case types.MergePatchType:
	case types.JSONPatchType:
		kind = "json"
	default:
		return fmt.Errorf("patches of type %s are not served by server %s", by.Type(), c.Address)
	}
	body := map[string]any{"name": object.GetName(), "patch": string(data), "patchType": kind}
	put(body, c.about(object.GetNamespace(), object.GetName()))
	return asStatus(c.written.note(object, c.doInto(ctx, http.MethodPatch, pathOf(object.GetName()), nil, body, object)), object.GetName())
}

// changes is what of a patch there are calls for.
type changes struct {
	Operation json.RawMessage `json:"operation"`
	Metadata  struct {
		Annotations map[string]*string `json:"annotations"`
	} `json:"metadata"`
	Status struct {
		OperationState *struct {
			Phase v1alpha1.OperationPhase `json:"phase"`
		} `json:"operationState"`
	} `json:"status"`
}

// call makes the call that stands for a patch, and reports whether there is one.
func (c *Applications) call(ctx context.Context, object client.Object, patch []byte) (bool, error) {
	var wanted changes
	if err := json.Unmarshal(patch, &wanted); err != nil {
		return false, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(patch, &fields); err != nil {
		return false, err
	}
	_, names := fields["operation"]
	ending := wanted.Status.OperationState != nil && wanted.Status.OperationState.Phase == v1alpha1.OperationTerminating
	switch {
	case names && string(wanted.Operation) != "null":
		return true, c.sync(ctx, object, wanted.Operation)
	case names || ending:
		return true, c.Do(ctx, http.MethodDelete, pathOf(object.GetName(), "operation"), c.about(object.GetNamespace(), object.GetName()), nil, nil)
	case wanted.Metadata.Annotations[v1alpha1.RefreshAnnotation] != nil:
		query := c.about(object.GetNamespace(), object.GetName())
		query.Set("refresh", *wanted.Metadata.Annotations[v1alpha1.RefreshAnnotation])
		return true, c.doInto(ctx, http.MethodGet, pathOf(object.GetName()), query, nil, object)
	}
	return false, nil
}

// sync asks for a sync as an operation has it.
func (c *Applications) sync(ctx context.Context, object client.Object, written json.RawMessage) error {
	var o v1alpha1.Operation
	if err := json.Unmarshal(written, &o); err != nil {
		return err
	}
	if o.Sync == nil {
		return errors.New("operation without a sync")
	}
	body := map[string]any{"prune": o.Sync.Prune, "dryRun": o.Sync.DryRun}
	put(body, c.about(object.GetNamespace(), object.GetName()))
	set := func(name string, value any, has bool) {
		if has {
			body[name] = value
		}
	}
	set("revision", o.Sync.Revision, o.Sync.Revision != "")
	set("revisions", o.Sync.Revisions, len(o.Sync.Revisions) > 0)
	set("resources", o.Sync.Resources, len(o.Sync.Resources) > 0)
	set("syncOptions", map[string]any{"items": o.Sync.SyncOptions}, len(o.Sync.SyncOptions) > 0)
	set("strategy", o.Sync.SyncStrategy, o.Sync.SyncStrategy != nil)
	set("infos", o.Info, len(o.Info) > 0)
	set("retryStrategy", o.Retry, !reflect.ValueOf(o.Retry).IsZero())
	return c.written.note(object, c.doInto(ctx, http.MethodPost, pathOf(object.GetName(), "sync"), nil, body, object))
}

// RollBack asks for a rollback to an entry of the history.
func (c *Applications) RollBack(ctx context.Context, app *v1alpha1.Application, id int64, prune, dryRun bool) (*v1alpha1.Application, error) {
	body := map[string]any{"id": id, "prune": prune, "dryRun": dryRun}
	put(body, c.about(app.Namespace, app.Name))
	after := &v1alpha1.Application{}
	return after, c.written.note(after, c.doInto(ctx, http.MethodPost, pathOf(app.Name, "rollback"), nil, body, after))
}

// Reclaim takes the objects of an Application back from whoever works on them, and returns from whom.
func (c *Applications) Reclaim(ctx context.Context, app *v1alpha1.Application) (holder string, err error) {
	answer := struct{ Holder string }{}
	err = c.Do(ctx, http.MethodPost, pathOf(app.Name, "reclaim"), c.about(app.Namespace, app.Name), struct{}{}, &answer)
	return answer.Holder, asStatus(err, app.Name)
}

// CanI reports whether who is logged in may do something.
func (s Server) CanI(ctx context.Context, action, resource, object string) (bool, error) {
	var said struct{ Value string }
	parts := slices.Concat([]string{"/api/v1/account/can-i", url.PathEscape(resource), url.PathEscape(action)}, strings.Split(object, "/"))
	for i := range parts[3:] {
		parts[3+i] = url.PathEscape(parts[3+i])
	}
	err := s.Do(ctx, http.MethodGet, strings.Join(parts, "/"), nil, nil, &said)
	return said.Value == "yes", err
}
