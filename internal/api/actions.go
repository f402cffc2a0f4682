package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/script"
	"github.com/cyan-cd/cyan/internal/settings"
)

// listedAction is what may be asked of an object.
type listedAction struct {
	Name     string `json:"name"`
	Disabled bool   `json:"disabled,omitempty"`
	Display  string `json:"displayName,omitempty"`
	Icon     string `json:"iconClass,omitempty"`
}

type actionsAnswer struct {
	Body struct {
		Actions []listedAction `json:"actions"`
	}
}

type runInput struct {
	ApplicationName
	ObjectName
	Body string `doc:"the name of the action, as a JSON string"`
}

type runBody struct {
	Name         string     `json:"name,omitempty" doc:"as in the path"`
	AppNamespace string     `json:"appNamespace,omitempty" maxLength:"63"`
	Project      string     `json:"project,omitempty" maxLength:"253"`
	Action       string     `json:"action" maxLength:"253"`
	Group        string     `json:"group,omitempty" maxLength:"253"`
	Version      string     `json:"version,omitempty" maxLength:"63"`
	Kind         string     `json:"kind" maxLength:"63"`
	Namespace    string     `json:"namespace,omitempty" maxLength:"63"`
	ResourceName string     `json:"resourceName" maxLength:"253"`
	Parameters   []struct{} `json:"resourceActionParameters,omitempty" maxItems:"0" doc:"no action takes parameters"`
}

type runV2Input struct {
	ApplicationName
	Body runBody
}

// resourceActions are the calls about what may be asked of objects.
type resourceActions struct{ looked }

func (s resourceActions) register() {
	tags := []string{"applications"}
	path := "/api/v1/applications/{name}/resource/actions"
	register(s.service, huma.Operation{OperationID: "listResourceActions", Method: http.MethodGet, Path: path, Summary: "What may be asked of an object", Tags: tags}, s.list)
	register(s.service, huma.Operation{OperationID: "runResourceAction", Method: http.MethodPost, Path: path, Summary: "Ask something of an object", Tags: tags}, s.run)
	register(s.service, huma.Operation{OperationID: "runResourceActionV2", Method: http.MethodPost, Path: path + "/v2", Summary: "Ask something of an object", Tags: tags}, s.runV2)
}

// scripts returns the scripts that people keep for the actions of an object's kind; nil when there are none.
func (o *object) scripts() (*script.Actions, error) {
	kind := o.live.GroupVersionKind().GroupKind()
	text := o.written.ActionScripts(kind)
	if text == "" {
		return nil, nil
	}
	compiled, err := script.CompileActions(text)
	if err != nil {
		return nil, &problem.Error{Kind: problem.Refused, Object: "ConfigMap " + settings.ConfigName, Field: "resource.customizations.actions of " + kind.String(), Cause: err.Error(), Remedy: "correct it", Err: err}
	}
	return compiled, nil
}

func (s resourceActions) list(ctx context.Context, c *caller, in *objectInput) (*actionsAnswer, error) {
	app, err := s.find(ctx, c, in.ApplicationName, get)
	if err != nil {
		return nil, err
	}
	o, err := s.objectOf(ctx, app, in.ObjectName)
	if err != nil {
		return nil, err
	}
	// What is wrong with scripts is shown when an action is asked for.
	scripts, _ := o.scripts()
	offered, _ := action.ResourceActions(o.live, scripts, time.Now())
	out := &actionsAnswer{}
	out.Body.Actions = []listedAction{}
	for _, a := range offered {
		out.Body.Actions = append(out.Body.Actions, listedAction{Name: a.Name, Disabled: !a.Available})
	}
	return out, nil
}

func (s resourceActions) run(ctx context.Context, c *caller, in *runInput) (*nothing, error) {
	return s.ask(ctx, c, in.ApplicationName, in.ObjectName, in.Body)
}

func (s resourceActions) runV2(ctx context.Context, c *caller, in *runV2Input) (*nothing, error) {
	b := in.Body
	return s.ask(ctx, c, in.or(b.AppNamespace, b.Project), ObjectName{b.Group, b.Version, b.Kind, b.Namespace, b.ResourceName, ""}, b.Action)
}

func (s resourceActions) ask(ctx context.Context, c *caller, of ApplicationName, name ObjectName, wanted string) (*nothing, error) {
	app, err := s.find(ctx, c, of, func(a access.Application) access.Request {
		return c.options.Run(a, name.Group, name.Kind, wanted)
	})
	if err != nil {
		return nil, err
	}
	o, err := s.objectOf(ctx, app, name)
	if err != nil {
		return nil, err
	}
	as, err := o.as(app)
	if err != nil {
		return nil, err
	}
	scripts, wrong := o.scripts()
	request, err := action.OfResource(name.String(), o.live, scripts, wanted, time.Now())
	if err != nil && wrong != nil {
		err = wrong
	}
	if err == nil {
		err = o.permit(ctx, as, request)
	}
	if err != nil {
		return nil, err
	}
	return &nothing{}, o.send(ctx, as, request)
}

// permit returns why the project does not permit what a script makes of an object, or the API server would refuse what
// it wants created.
func (o *object) permit(ctx context.Context, as client.Client, request action.Request) error {
	if !request.Scripted {
		return nil
	}
	for _, concerned := range append([]*unstructured.Unstructured{o.live}, request.Created...) {
		namespaced, err := as.IsObjectNamespaced(concerned)
		if err != nil {
			return o.explain(err)
		}
		if namespaced && concerned.GetNamespace() == "" {
			concerned.SetNamespace(o.live.GetNamespace())
		}
		scope := map[schema.GroupKind]bool{concerned.GroupVersionKind().GroupKind(): !namespaced}
		for _, v := range o.bounds.CheckObjects([]plan.Desired{{Object: concerned}}, scope) {
			return &problem.Error{Kind: problem.Refused, Object: v.Object, Cause: v.Cause, Remedy: v.Remedy}
		}
	}
	for _, created := range request.Created {
		if err := as.Create(ctx, created.DeepCopy(), client.DryRunAll); err != nil {
			return fmt.Errorf("creating %s: %w", created.GetName(), o.explain(err))
		}
	}
	return nil
}

// send carries a request out: what is to be created first, and then the patches of the object.
func (o *object) send(ctx context.Context, as client.Client, request action.Request) error {
	for _, created := range request.Created {
		if err := as.Create(ctx, created); err != nil {
			return o.explain(err)
		}
	}
	for _, p := range request.Patches {
		patch := client.RawPatch(p.Type, p.Body)
		after := o.live.DeepCopy()
		var err error
		if p.Subresource == "" {
			err = as.Patch(ctx, after, patch)
		} else {
			err = as.SubResource(p.Subresource).Patch(ctx, after, patch)
		}
		if err != nil && (!p.IfServed || !apierrors.IsNotFound(err)) {
			return o.explain(err)
		}
	}
	return nil
}
