package app

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/script"
	"github.com/cyan-cd/cyan/internal/settings"
)

// scriptedActions knows what may be asked of objects, by the scripts that are kept for their kinds too.
type scriptedActions struct {
	a        *kit.Control
	written  settings.Settings
	now      time.Time
	compiled map[schema.GroupKind]compiledActions
}

type compiledActions struct {
	actions *script.Actions
	err     error
}

func newScriptedActions(ctx context.Context, a *kit.Control) (*scriptedActions, error) {
	c, err := a.Connect()
	if err != nil {
		return nil, err
	}
	written, err := settingsOf(ctx, a, c)
	return &scriptedActions{a: a, written: written, now: time.Now(), compiled: map[schema.GroupKind]compiledActions{}}, err
}

// of returns the scripts of an object's kind; nil when there are none.
func (s *scriptedActions) of(o *unstructured.Unstructured) (*script.Actions, error) {
	kind := o.GroupVersionKind().GroupKind()
	if known, ok := s.compiled[kind]; ok {
		return known.actions, known.err
	}
	var c compiledActions
	if text := s.written.ActionScripts(kind); text != "" {
		if c.actions, c.err = script.CompileActions(text); c.err != nil {
			c.err = &problem.Error{Kind: problem.Refused, Object: "ConfigMap " + settings.ConfigName, Field: "resource.customizations.actions of " + kind.String(), Cause: c.err.Error(), Remedy: "correct it", Err: c.err}
		}
	}
	s.compiled[kind] = c
	return c.actions, c.err
}

// list returns what may be asked of an object. What is wrong with the scripts of its kind is an error beside what is
// there without them.
func (s *scriptedActions) list(o *unstructured.Unstructured) ([]action.ResourceAction, error) {
	scripts, wrong := s.of(o)
	all, err := action.ResourceActions(o, scripts, s.now)
	if err != nil {
		wrong = fmt.Errorf("actions of %s: %w", nameOf(o), err)
	}
	return all, wrong
}

// request returns the request of an action on an object.
func (s *scriptedActions) request(o *unstructured.Unstructured, wanted string) (action.Request, error) {
	scripts, wrong := s.of(o)
	request, err := action.OfResource(nameOf(o), o, scripts, wanted, s.now)
	if err != nil && wrong != nil {
		return request, wrong
	}
	return request, err
}

// permit returns why the project does not permit what a script makes of an object, or the API server would refuse what
// it wants created; nil when the request may be sent. Objects without a namespace come into that of the object asked.
func (s *scriptedActions) permit(ctx context.Context, at client.Client, app *v1alpha1.Application, o *unstructured.Unstructured, request action.Request) error {
	if !request.Scripted {
		return nil
	}
	bounds, err := s.bounds(ctx, app)
	if err != nil {
		return err
	}
	for _, concerned := range append([]*unstructured.Unstructured{o}, request.Created...) {
		namespaced, err := at.IsObjectNamespaced(concerned)
		if err != nil {
			return s.a.Explain(err, "looking for the kind of "+nameOf(concerned))
		}
		if namespaced && concerned.GetNamespace() == "" {
			concerned.SetNamespace(o.GetNamespace())
		}
		scope := map[schema.GroupKind]bool{concerned.GroupVersionKind().GroupKind(): !namespaced}
		if no := bounds.CheckObjects([]plan.Desired{{Object: concerned}}, scope); len(no) > 0 {
			return &problem.Error{Kind: problem.Refused, Object: no[0].Object, Cause: no[0].Cause, Remedy: no[0].Remedy}
		}
	}
	for _, created := range request.Created {
		if err := at.Create(ctx, created.DeepCopy(), client.DryRunAll); err != nil {
			return s.a.Explain(err, "creating "+nameOf(created))
		}
	}
	return nil
}

// bounds are those of the Application's project, without the kinds that are left alone.
func (s *scriptedActions) bounds(ctx context.Context, app *v1alpha1.Application) (project.Bounds, error) {
	c, err := s.a.Connect()
	if err != nil {
		return project.Bounds{}, err
	}
	to, _, err := destination(ctx, s.a, c, app)
	if err != nil {
		return project.Bounds{}, err
	}
	within, err := projectOf(ctx, s.a, c, app)
	if err != nil {
		return project.Bounds{}, err
	}
	return project.BoundsOf(within, to).Without(func(kind schema.GroupKind) bool { return s.written.Excludes(kind, to.Server) }), nil
}

// ask carries a request out: what is to be created first, and then the patches of the object.
func ask(ctx context.Context, at client.Client, o *unstructured.Unstructured, request action.Request) error {
	for _, created := range request.Created {
		if err := at.Create(ctx, created); err != nil {
			return fmt.Errorf("creating %s: %w", nameOf(created), err)
		}
	}
	return kit.Send(ctx, at, o, request)
}
