package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	jsonpatch "github.com/evanphx/json-patch/v5"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/patch"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/secret"
)

// writtenApplication is an Application that somebody sends. Its status and its operation are nobody's to send.
type writtenApplication struct{ v1alpha1.Application }

// Schema is that of an object whose fields the definition of the kind has.
func (writtenApplication) Schema(r huma.Registry) *huma.Schema { return application{}.Schema(r) }

// UnmarshalJSON reads an Application. A field that there is not is an error.
func (a *writtenApplication) UnmarshalJSON(data []byte) error {
	return decode(data, &a.Application, "status", "operation")
}

// writtenSpec is the spec of an Application that somebody sends.
type writtenSpec struct{ v1alpha1.ApplicationSpec }

// Schema is that of an object whose fields the definition of the kind has.
func (writtenSpec) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Description: "the spec of an Application", AdditionalProperties: true}
}

// UnmarshalJSON reads a spec. A field that there is not is an error.
func (s *writtenSpec) UnmarshalJSON(data []byte) error { return decode(data, &s.ApplicationSpec) }

// MarshalJSON writes the spec.
func (s writtenSpec) MarshalJSON() ([]byte, error) { return secret.ShownJSON(s.ApplicationSpec) }

// decode reads an object without some of its fields. A field that there is not is an error.
func decode(data []byte, into any, without ...string) error {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	for _, field := range without {
		delete(fields, field)
	}
	rest, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(rest))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// no is how a parameter that is true when it is missing is false.
const no = "false"

type createInput struct {
	Upsert   bool   `query:"upsert" doc:"change one that is there already and differs"`
	Validate string `query:"validate" enum:"true,false" doc:"refuse a project, a destination or a source that could not be deployed; true when empty"`
	Body     writtenApplication
}

// UpdateQuery is how an Application is changed. It is exported for the library.
type UpdateQuery struct {
	ApplicationName
	Validate string `query:"validate" enum:"true,false" doc:"true when empty"`
}

type updateInput struct {
	UpdateQuery
	Body writtenApplication
}

type specInput struct {
	UpdateQuery
	Body writtenSpec
}

type specAnswer struct{ Body writtenSpec }

type patchApplicationInput struct {
	ApplicationName
	Body struct {
		Name         string `json:"name,omitempty"`
		Patch        string `json:"patch" doc:"as a string"`
		PatchType    string `json:"patchType,omitempty" enum:"json,merge" doc:"json when empty"`
		AppNamespace string `json:"appNamespace,omitempty" maxLength:"63"`
		Project      string `json:"project,omitempty" maxLength:"253"`
	}
}

type deleteApplicationInput struct {
	ApplicationName
	Cascade           string `query:"cascade" enum:"true,false" doc:"delete what it deployed as well; true when empty"`
	PropagationPolicy string `query:"propagationPolicy" enum:"foreground,background"`
}

// changes are the calls that change Applications: their specs, labels, annotations and finalizers, and nothing else.
type changes struct{ looked }

func (s changes) register() {
	tags := []string{"applications"}
	path := "/api/v1/applications/{name}"
	register(s.service, huma.Operation{OperationID: "createApplication", Method: http.MethodPost, Path: "/api/v1/applications", Summary: "Create an Application", Tags: tags}, s.create)
	register(s.service, huma.Operation{OperationID: "updateApplication", Method: http.MethodPut, Path: path, Summary: "Replace the spec, labels, annotations and finalizers of an Application", Tags: tags}, s.update)
	register(s.service, huma.Operation{OperationID: "updateApplicationSpec", Method: http.MethodPut, Path: path + "/spec", Summary: "Replace the spec of an Application", Tags: tags}, s.updateSpec)
	register(s.service, huma.Operation{OperationID: "patchApplication", Method: http.MethodPatch, Path: path, Summary: "Patch the spec, labels, annotations and finalizers of an Application", Tags: tags}, s.patch)
	register(s.service, huma.Operation{OperationID: "deleteApplication", Method: http.MethodDelete, Path: path, Summary: "Delete an Application, and what it deployed", Tags: tags}, s.delete)
}

func (s changes) create(ctx context.Context, c *caller, in *createInput) (*applicationAnswer, error) {
	wanted := &v1alpha1.Application{Spec: in.Body.Spec}
	m := in.Body.ObjectMeta
	wanted.Name, wanted.Namespace, wanted.Labels, wanted.Annotations, wanted.Finalizers = m.Name, m.Namespace, m.Labels, m.Annotations, m.Finalizers
	if wanted.Namespace == "" {
		wanted.Namespace = s.Namespace
	}
	setDefaults(wanted)
	if err := c.allow(s.named(wanted).On(access.Create)); err != nil {
		return nil, err
	}
	if wanted.Name == "" {
		return nil, &problem.Error{Kind: problem.Usage, Object: "metadata.name", Cause: "missing", Remedy: "name the Application"}
	}
	if err := s.check(ctx, wanted, in.Validate != no); err != nil {
		return nil, err
	}
	err := s.Writer.Create(ctx, wanted)
	if apierrors.IsAlreadyExists(err) {
		return s.upsert(ctx, c, wanted, in.Upsert)
	}
	return &applicationAnswer{application{*wanted}}, err
}

func setDefaults(app *v1alpha1.Application) {
	if app.Spec.Project == "" {
		app.Spec.Project = v1alpha1.DefaultProject
	}
	if d := &app.Spec.Destination; d.Server == "" && d.Name == "" {
		d.Server = v1alpha1.InClusterServer
	}
}

// upsert brings an Application that is there to what is wanted, when that is asked for.
func (s changes) upsert(ctx context.Context, c *caller, wanted *v1alpha1.Application, may bool) (*applicationAnswer, error) {
	live := &v1alpha1.Application{}
	if err := s.Writer.Get(ctx, client.ObjectKeyFromObject(wanted), live); err != nil {
		return nil, err
	}
	// That it is there is known to who may see it.
	if err := c.allow(s.named(live).On(access.Get)); err != nil {
		return nil, errDenied
	}
	before := live.DeepCopy()
	live.Spec = *wanted.Spec.DeepCopy()
	live.Labels, live.Annotations = merged(live.Labels, wanted.Labels), merged(live.Annotations, wanted.Annotations)
	for _, f := range wanted.Finalizers {
		if !slices.Contains(live.Finalizers, f) {
			live.Finalizers = append(live.Finalizers, f)
		}
	}
	action.KeepCredentials(before, live)
	switch {
	case equality.Semantic.DeepEqual(before, live):
		return &applicationAnswer{application{*live}}, nil
	case !may:
		return nil, &problem.Error{
			Kind: problem.Usage, Object: "Application " + live.Name, Cause: "existing application spec is different, use upsert flag to force update", Remedy: "send it with upsert=true",
		}
	}
	if err := s.allowUpdate(c, before, live); err != nil {
		return nil, err
	}
	if err := patch.Object(ctx, s.Writer, before, live); err != nil {
		return nil, err
	}
	return &applicationAnswer{application{*live}}, nil
}

func merged(into, from map[string]string) map[string]string {
	for key, value := range from {
		if into == nil {
			into = map[string]string{}
		}
		into[key] = value
	}
	return into
}

// allowUpdate judges a change: one that takes an Application to another project needs the right to update it, and the
// right to create it there.
func (s changes) allowUpdate(c *caller, before, after *v1alpha1.Application) error {
	if err := c.allow(s.named(before).On(access.Update)); err != nil {
		return err
	}
	if before.Spec.Project == after.Spec.Project {
		return nil
	}
	return c.allow(s.named(after).On(access.Create))
}

// check refuses what could not be deployed: where the Application is, its project, and with validation where it comes
// from and where it goes.
func (s changes) check(ctx context.Context, app *v1alpha1.Application, validate bool) error {
	written, err := s.settings(ctx)
	if err != nil {
		return err
	}
	if app.Namespace != s.Namespace && !written.ServesNamespace(app.Namespace) {
		return &problem.Error{Kind: problem.Usage, Object: "Application " + app.Name, Cause: fmt.Sprintf("namespace '%s' is not permitted", app.Namespace), Remedy: "add it to application.namespaces in ConfigMap argocd-cmd-params-cm"}
	}
	of, err := s.projectOf(ctx, app, written)
	if err != nil {
		return &problem.Error{Kind: problem.Usage, Object: "Application " + app.Name, Cause: fmt.Sprintf("application references project %s which does not exist", app.Spec.Project), Remedy: "create the project", Err: err}
	}
	if app.Namespace != s.Namespace {
		if to := project.Check(of, app, project.Destination{Server: app.Spec.Destination.Server, Name: app.Spec.Destination.Name, Namespace: app.Spec.Destination.Namespace}, s.Namespace); len(to) > 0 {
			return refusedBy(to)
		}
	}
	if !validate {
		return nil
	}
	if _, err := s.permitted(ctx, app); err != nil {
		return asUsage(err)
	}
	if _, violations := project.PermitSync(of, app); len(violations) > 0 {
		return refusedBy(violations)
	}
	return nil
}

func refusedBy(violations []project.Violation) error {
	v := violations[0]
	return &problem.Error{Kind: problem.Usage, Object: v.Object, Cause: v.Cause, Remedy: v.Remedy}
}

// asUsage returns a problem of what an Application names as one of who has sent it.
func asUsage(err error) error {
	p := problem.Of(err)
	if p == nil {
		return err
	}
	sent := *p
	sent.Kind = problem.Usage
	return &sent
}

// change has edit change an Application that the caller may change, until it was not changed meanwhile.
func (s changes) change(ctx context.Context, c *caller, of ApplicationName, validate bool, edit func(*v1alpha1.Application) error) (*v1alpha1.Application, error) {
	if _, err := s.find(ctx, c, of, func(a access.Application) access.Request { return a.On(access.Update) }); err != nil {
		return nil, err
	}
	key := client.ObjectKey{Namespace: of.AppNamespace, Name: of.Name}
	if key.Namespace == "" {
		key.Namespace = s.Namespace
	}
	app := &v1alpha1.Application{}
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		if err := s.Writer.Get(ctx, key, app); err != nil {
			return err
		}
		before := app.DeepCopy()
		if err := edit(app); err != nil {
			return err
		}
		setDefaults(app)
		action.KeepCredentials(before, app)
		if err := s.allowUpdate(c, before, app); err != nil {
			return err
		}
		if err := s.check(ctx, app, validate); err != nil {
			return err
		}
		return patch.Object(ctx, s.Writer, before, app)
	})
	return app, err
}

func (s changes) update(ctx context.Context, c *caller, in *updateInput) (*applicationAnswer, error) {
	m := in.Body.ObjectMeta
	if m.Name != "" && m.Name != in.Name {
		return nil, s.refuse(ctx, c, in.ApplicationName, &problem.Error{Kind: problem.Usage, Object: "metadata.name", Cause: fmt.Sprintf("%q is not the Application of the path", m.Name), Remedy: "send the one that the path names"})
	}
	app, err := s.change(ctx, c, in.or(m.Namespace, ""), in.Validate != no, func(app *v1alpha1.Application) error {
		app.Spec, app.Labels, app.Annotations, app.Finalizers = in.Body.Spec, m.Labels, m.Annotations, m.Finalizers
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &applicationAnswer{application{*app}}, nil
}

// refuse returns an error of what was sent, to whoever may change the Application.
func (s changes) refuse(ctx context.Context, c *caller, of ApplicationName, why error) error {
	if _, err := s.find(ctx, c, of, func(a access.Application) access.Request { return a.On(access.Update) }); err != nil {
		return err
	}
	return why
}

func (s changes) updateSpec(ctx context.Context, c *caller, in *specInput) (*specAnswer, error) {
	app, err := s.change(ctx, c, in.ApplicationName, in.Validate != no, func(app *v1alpha1.Application) error {
		app.Spec = in.Body.ApplicationSpec
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &specAnswer{writtenSpec{app.Spec}}, nil
}

func (s changes) patch(ctx context.Context, c *caller, in *patchApplicationInput) (*applicationAnswer, error) {
	app, err := s.change(ctx, c, in.or(in.Body.AppNamespace, in.Body.Project), true, func(app *v1alpha1.Application) error {
		after, err := patched(app, in.Body.Patch, in.Body.PatchType)
		if err != nil {
			return &problem.Error{Kind: problem.Usage, Object: "patch", Cause: err.Error(), Remedy: "send a patch of the type json or merge, as a string"}
		}
		if part := beyond(app, after); part != "" {
			return &problem.Error{Kind: problem.Usage, Object: "patch", Cause: "changes " + part, Remedy: "change spec, labels, annotations and finalizers alone; a sync is a call of its own"}
		}
		app.Spec, app.Labels, app.Annotations, app.Finalizers = after.Spec, after.Labels, after.Annotations, after.Finalizers
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &applicationAnswer{application{*app}}, nil
}

// patched returns what a patch makes of an Application.
func patched(app *v1alpha1.Application, text, kind string) (*v1alpha1.Application, error) {
	before, err := json.Marshal(app)
	if err != nil {
		return nil, err
	}
	var after []byte
	if kind == "merge" {
		after, err = jsonpatch.MergePatch(before, []byte(text))
	} else {
		var p jsonpatch.Patch
		if p, err = jsonpatch.DecodePatch([]byte(text)); err == nil {
			options := jsonpatch.NewApplyOptions()
			options.AccumulatedCopySizeLimit = largestBody
			after, err = p.ApplyWithOptions(before, options)
		}
	}
	out := &v1alpha1.Application{}
	if err == nil {
		err = json.Unmarshal(after, out)
	}
	return out, err
}

// beyond returns what a patch changes that is nobody's to patch; "" when it changes nothing of that.
func beyond(before, after *v1alpha1.Application) string {
	switch {
	case !equality.Semantic.DeepEqual(before.Operation, after.Operation):
		return "operation"
	case !equality.Semantic.DeepEqual(before.Status, after.Status):
		return "status"
	case before.Name != after.Name || before.Namespace != after.Namespace || !equality.Semantic.DeepEqual(before.OwnerReferences, after.OwnerReferences):
		return "metadata besides labels, annotations and finalizers"
	}
	return ""
}

func (s changes) delete(ctx context.Context, c *caller, in *deleteApplicationInput) (*nothing, error) {
	app, err := s.find(ctx, c, in.ApplicationName, func(a access.Application) access.Request { return a.On(access.Delete) })
	if err != nil {
		return nil, err
	}
	if in.PropagationPolicy != "" && in.Cascade == no {
		return nil, &problem.Error{Kind: problem.Usage, Object: "propagationPolicy", Cause: "cannot set propagation policy when cascading is disabled", Remedy: "leave one of the two out"}
	}
	finalizer := ""
	switch {
	case in.Cascade != no && in.PropagationPolicy == "background":
		finalizer = v1alpha1.ResourcesFinalizerBackground
	case in.Cascade != no:
		finalizer = v1alpha1.ResourcesFinalizer
	}
	before := app.DeepCopy()
	after := app.DeepCopy()
	after.Finalizers = slices.DeleteFunc(after.Finalizers, func(f string) bool { return strings.HasPrefix(f, v1alpha1.ResourcesFinalizer) })
	if finalizer != "" {
		after.Finalizers = append(after.Finalizers, finalizer)
	}
	if !slices.Equal(before.Finalizers, after.Finalizers) && app.DeletionTimestamp == nil {
		if err := patch.Object(ctx, s.Writer, before, after); err != nil {
			return nil, err
		}
	}
	return &nothing{}, patch.DeleteSeen(ctx, s.Writer, after)
}
