package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/problem"
)

// syncBody is what a sync asks for.
type syncBody struct {
	Name         string                           `json:"name,omitempty" doc:"as in the path"`
	AppNamespace string                           `json:"appNamespace,omitempty"`
	Project      string                           `json:"project,omitempty"`
	Revision     string                           `json:"revision,omitempty" maxLength:"256" doc:"in place of the source's targetRevision"`
	Prune        bool                             `json:"prune,omitempty"`
	DryRun       bool                             `json:"dryRun,omitempty"`
	Strategy     *syncStrategy                    `json:"strategy,omitempty"`
	Resources    []v1alpha1.SyncOperationResource `json:"resources,omitempty" maxItems:"1000"`
	SyncOptions  *syncOptions                     `json:"syncOptions,omitempty"`
	Retry        *retryAsked                      `json:"retryStrategy,omitempty"`
	Infos        []*v1alpha1.Info                 `json:"infos,omitempty" maxItems:"100"`
}

type syncStrategy struct {
	Apply *syncForce `json:"apply,omitempty"`
	Hook  *syncForce `json:"hook,omitempty"`
}

type syncForce struct {
	Force bool `json:"force,omitempty"`
}

// of returns the strategy as an operation has it.
func (s *syncStrategy) of() *v1alpha1.SyncStrategy {
	if s == nil {
		return nil
	}
	strategy := &v1alpha1.SyncStrategy{}
	if s.Apply != nil {
		strategy.Apply = &v1alpha1.SyncStrategyApply{Force: s.Apply.Force}
	}
	if s.Hook != nil {
		strategy.Hook = &v1alpha1.SyncStrategyHook{SyncStrategyApply: v1alpha1.SyncStrategyApply{Force: s.Hook.Force}}
	}
	return strategy
}

type syncOptions struct {
	Items []string `json:"items,omitempty" maxItems:"100"`
}

// retryAsked is a RetryStrategy whose numbers may be text.
type retryAsked struct {
	Limit   longNumber    `json:"limit,omitempty"`
	Backoff *backoffAsked `json:"backoff,omitempty"`
	Refresh bool          `json:"refresh,omitempty"`
}

type backoffAsked struct {
	Duration    string      `json:"duration,omitempty"`
	Factor      *longNumber `json:"factor,omitempty"`
	MaxDuration string      `json:"maxDuration,omitempty"`
}

// of returns the strategy as an operation has it.
func (r retryAsked) of() v1alpha1.RetryStrategy {
	strategy := v1alpha1.RetryStrategy{Limit: int64(r.Limit), Refresh: r.Refresh}
	if b := r.Backoff; b != nil {
		strategy.Backoff = &v1alpha1.RetryBackoff{Duration: b.Duration, Factor: (*int64)(b.Factor), MaxDuration: b.MaxDuration}
	}
	return strategy
}

// syncInput is a sync, which needs no body: scripts send none.
type syncInput struct {
	ApplicationName
	Body *syncBody
}

func (in *syncInput) asked() syncBody {
	if in.Body == nil {
		return syncBody{}
	}
	return *in.Body
}

type rollbackBody struct {
	Name         string      `json:"name,omitempty"`
	AppNamespace string      `json:"appNamespace,omitempty"`
	Project      string      `json:"project,omitempty"`
	ID           *longNumber `json:"id,omitempty" doc:"of the history; the deployment before the current one when left out"`
	Prune        bool        `json:"prune,omitempty"`
	DryRun       bool        `json:"dryRun,omitempty"`
}

type rollbackInput struct {
	ApplicationName
	Body rollbackBody
}

type nothing struct {
	Body struct{}
}

// operations are the calls that begin and end operations.
type operations struct{ *service }

func (s operations) register() {
	tags := []string{"applications"}
	register(s.service, huma.Operation{OperationID: "syncApplication", Method: http.MethodPost, Path: "/api/v1/applications/{name}/sync", Summary: "Begin a sync", Tags: tags}, s.sync)
	register(s.service, huma.Operation{OperationID: "rollbackApplication", Method: http.MethodPost, Path: "/api/v1/applications/{name}/rollback", Summary: "Roll back to a deployment of the history", Tags: tags}, s.rollback)
	register(s.service, huma.Operation{OperationID: "terminateOperation", Method: http.MethodDelete, Path: "/api/v1/applications/{name}/operation", Summary: "End the operation that goes on", Tags: tags}, s.terminate)
}

func (s operations) sync(ctx context.Context, c *caller, in *syncInput) (*applicationAnswer, error) {
	asked := in.asked()
	need := func(a access.Application) access.Request {
		return c.options.Sync(a, access.SyncRequest{OtherRevision: asked.Revision != ""})
	}
	app, err := s.request(ctx, c, in.or(asked.AppNamespace, asked.Project), need, func(app *v1alpha1.Application) (action.Request, error) {
		operation, err := syncOperation(app, asked, c.Name)
		if err != nil {
			return action.Request{}, err
		}
		return action.Start(app, operation, nil)
	})
	if err != nil {
		return nil, err
	}
	return &applicationAnswer{application{*app}}, nil
}

// or returns a name of an Application, with what the body of a call has in place of the query.
func (of ApplicationName) or(namespace, project string) ApplicationName {
	if of.AppNamespace == "" {
		of.AppNamespace = namespace
	}
	if of.Project == "" {
		of.Project = project
	}
	return of
}

// syncOperation returns the operation that a call asks for.
func syncOperation(app *v1alpha1.Application, body syncBody, by string) (*v1alpha1.Operation, error) {
	if body.Revision != "" && app.Spec.IsAutomated() && !body.DryRun && !isTarget(app, body.Revision) {
		return nil, &problem.Error{Kind: problem.Refused, Object: fmt.Sprintf("Cannot sync to %s", body.Revision),
			Cause: fmt.Sprintf("auto-sync currently set to %s", targetOf(app)), Remedy: "commit there, or turn automated sync off"}
	}
	sync := &v1alpha1.SyncOperation{Revision: body.Revision, Prune: body.Prune, DryRun: body.DryRun, SyncStrategy: body.Strategy.of(), Resources: body.Resources, SyncOptions: app.Spec.GetSyncOptions()}
	if body.SyncOptions != nil {
		sync.SyncOptions = body.SyncOptions.Items
	}
	operation := &v1alpha1.Operation{InitiatedBy: v1alpha1.OperationInitiator{Username: by}, Sync: sync, Info: body.Infos}
	if policy := app.Spec.SyncPolicy; policy != nil && policy.Retry != nil {
		operation.Retry = *policy.Retry
	}
	if body.Retry != nil {
		operation.Retry = body.Retry.of()
	}
	return operation, nil
}

func targetOf(app *v1alpha1.Application) string {
	if source, ok := app.SyncSource(); ok && source.TargetRevision != "" {
		return source.TargetRevision
	}
	return "HEAD"
}

func isTarget(app *v1alpha1.Application, revision string) bool {
	return revision == targetOf(app) || revision == app.Status.Sync.Revision
}

func (s operations) rollback(ctx context.Context, c *caller, in *rollbackInput) (*applicationAnswer, error) {
	app, err := s.request(ctx, c, in.or(in.Body.AppNamespace, in.Body.Project), c.options.Rollback, func(app *v1alpha1.Application) (action.Request, error) {
		to, err := deploymentOf(app, (*int64)(in.Body.ID))
		if err != nil {
			return action.Request{}, err
		}
		operation := action.RollBack(app, to, v1alpha1.OperationInitiator{Username: c.Name})
		operation.Sync.Prune, operation.Sync.DryRun = in.Body.Prune, in.Body.DryRun
		annotations := map[string]string{}
		if left := action.RollBackLeaves(app, to); left != "" && !in.Body.DryRun {
			annotations[v1alpha1.RollbackPinAnnotation] = left
		}
		return action.Start(app, operation, annotations)
	})
	if err != nil {
		return nil, err
	}
	return &applicationAnswer{application{*app}}, nil
}

// deploymentOf returns a deployment of the history, whose first is 0; the one before the last when none is named.
func deploymentOf(app *v1alpha1.Application, id *int64) (v1alpha1.RevisionHistory, error) {
	history := app.Status.History
	cause := "no earlier deployment in the history"
	if id == nil && len(history) >= 2 {
		return history[len(history)-2], nil
	}
	if id != nil {
		if i := slices.IndexFunc(history, func(h v1alpha1.RevisionHistory) bool { return h.ID == *id }); i >= 0 {
			return history[i], nil
		}
		cause = fmt.Sprintf("no deployment %d in the history", *id)
	}
	return v1alpha1.RevisionHistory{}, &problem.Error{Kind: problem.Usage, Object: "Application " + app.Name, Cause: cause, Remedy: "read status.history of the Application"}
}

func (s operations) terminate(ctx context.Context, c *caller, in *ApplicationName) (*nothing, error) {
	_, err := s.request(ctx, c, *in, c.options.Terminate, action.Terminate)
	return &nothing{}, err
}
