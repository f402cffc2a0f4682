package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/view"
)

type managedInput struct {
	ApplicationName
	ObjectFilter
	Fields string `query:"fields" maxLength:"8192" doc:"paths such as items.name, with commas between: what is sent; with a leading minus, what is not"`
}

// managedItem is an object of which some fields are sent.
type managedItem struct {
	view.ManagedResource
	only *projection
}

// Schema is that of the object.
func (managedItem) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[view.ManagedResource](), true, "ManagedResource")
}

// MarshalJSON writes the fields that are sent.
func (m managedItem) MarshalJSON() ([]byte, error) {
	whole, err := json.Marshal(m.ManagedResource)
	if err != nil || m.only == nil {
		return whole, err
	}
	var value any
	if err := json.Unmarshal(whole, &value); err != nil {
		return nil, err
	}
	return json.Marshal(m.only.of(value))
}

type managedAnswer struct {
	Body struct {
		Items []managedItem `json:"items"`
	}
}

type serverSideDiffInput struct {
	ApplicationName
	ObjectFilter
	AppName string   `query:"appName" maxLength:"253" doc:"as in the path"`
	Targets []string `query:"targetManifests" maxItems:"100" doc:"not served: what git has is compared"`
}

type serverSideDiff struct {
	Body struct {
		Items    []managedItem `json:"items"`
		Modified bool          `json:"modified"`
	}
}

type manifestsInput struct {
	ApplicationName
	Revision string `query:"revision" maxLength:"256" doc:"in place of the source's targetRevision"`
	NoCache  bool   `query:"noCache" doc:"taken, and of no effect: what is kept of a render holds for the files that it was made of"`
}

type manifestsAnswer struct {
	Body struct {
		Manifests  []string `json:"manifests" doc:"each as JSON; of Secrets without their values"`
		Revision   string   `json:"revision,omitempty"`
		SourceType string   `json:"sourceType,omitempty"`
		Namespace  string   `json:"namespace,omitempty"`
		Server     string   `json:"server,omitempty"`
		Commands   []string `json:"commands" doc:"none: nothing is run"`
	}
}

// managed are the calls that show what an Application has beside what git has, as clients of Argo CD's API read it.
type managed struct{ comparisons }

func (s managed) register() {
	const path = "/api/v1/applications/{name}"
	tags := []string{"applications"}
	register(s.service, huma.Operation{OperationID: "managedResources", Method: http.MethodGet, Path: path + "/managed-resources", Summary: "The objects of an Application beside what git has", Tags: tags, Middlewares: huma.Middlewares{compact}}, s.resources)
	register(s.service, huma.Operation{OperationID: "serverSideDiff", Method: http.MethodGet, Path: path + "/server-side-diff", Summary: "How the objects of an Application differ from git, as the API server says", Tags: tags, Middlewares: huma.Middlewares{compact}}, s.diff)
	register(s.service, huma.Operation{OperationID: "getManifests", Method: http.MethodGet, Path: path + "/manifests", Summary: "What git has of an Application", Tags: tags, Middlewares: huma.Middlewares{compact}}, s.manifests)
}

// resourcesOf compares an Application that the caller may see, and returns those of its objects that are asked for.
func (s managed) resourcesOf(ctx context.Context, c *caller, of ApplicationName, filter ObjectFilter) ([]view.ManagedResource, error) {
	app, err := s.find(ctx, c, of, get)
	if err != nil {
		return nil, err
	}
	app = app.DeepCopy()
	app.Operation = nil
	compared, mask, err := s.compared(ctx, app)
	if err != nil {
		return nil, err
	}
	items, whole := view.ManagedOf(compared, mask, func(r plan.Resource) bool {
		return filter.fits(r.Key.Group, r.Version, r.Key.Kind, r.Key.Namespace, r.Key.Name)
	}, view.MostManaged)
	if !whole {
		return nil, tooLong(app, "choose among its objects by group, kind, namespace and name")
	}
	if len(items) == 0 && !compared.Complete {
		return nil, incomplete(app, compared)
	}
	return items, nil
}

func tooLong(app *v1alpha1.Application, remedy string) error {
	return &problem.Error{Kind: problem.Refused, Object: "Application " + app.Name, Cause: fmt.Sprintf("its objects are longer than %d MiB", view.MostManaged>>20), Remedy: remedy}
}

// incomplete returns why nothing could be compared.
func incomplete(app *v1alpha1.Application, compared view.Compared) error {
	cause := "not compared with git"
	if len(compared.Problems) > 0 {
		cause = compared.Problems[0]
	}
	return &problem.Error{Kind: problem.Refused, Object: "Application " + app.Name, Cause: cause, Remedy: "see its conditions"}
}

func (s managed) resources(ctx context.Context, c *caller, in *managedInput) (*managedAnswer, error) {
	items, err := s.resourcesOf(ctx, c, in.ApplicationName, in.ObjectFilter)
	if err != nil {
		return nil, err
	}
	out := &managedAnswer{}
	out.Body.Items = managedItems(items, projectionOf(in.Fields, "items."))
	return out, nil
}

func managedItems(items []view.ManagedResource, only *projection) []managedItem {
	all := make([]managedItem, len(items))
	for i, item := range items {
		all[i] = managedItem{item, only}
	}
	return all
}

func (s managed) diff(ctx context.Context, c *caller, in *serverSideDiffInput) (*serverSideDiff, error) {
	items, err := s.resourcesOf(ctx, c, in.ApplicationName, in.ObjectFilter)
	if err != nil {
		return nil, err
	}
	if len(in.Targets) > 0 {
		return nil, &problem.Error{Kind: problem.Usage, Object: "targetManifests", Cause: "not served: only what git has is compared", Remedy: "leave it out, or compare a local folder with cyan app diff --local"}
	}
	out := &serverSideDiff{}
	out.Body.Items = managedItems(items, nil)
	out.Body.Modified = slices.ContainsFunc(items, func(m view.ManagedResource) bool { return m.Modified })
	return out, nil
}

func (s managed) manifests(ctx context.Context, c *caller, in *manifestsInput) (*manifestsAnswer, error) {
	// Who may not sync a revision is not shown what is in it, but for those that the Application had or has.
	need := func(app *v1alpha1.Application) func(access.Application) access.Request {
		if in.Revision == "" || app != nil && isKnownRevision(app, in.Revision) {
			return get
		}
		return func(a access.Application) access.Request {
			return c.options.Sync(a, access.SyncRequest{OtherRevision: true})
		}
	}
	app, err := s.find(ctx, c, in.ApplicationName, get)
	if err != nil {
		return nil, err
	}
	if app, err = s.find(ctx, c, in.ApplicationName, need(app)); err != nil {
		return nil, err
	}
	app = app.DeepCopy()
	if app.Operation = nil; in.Revision != "" {
		if app.Operation, err = syncOperation(app, syncBody{Revision: in.Revision, DryRun: true}, c.Name); err != nil {
			return nil, err
		}
	}
	compared, mask, err := s.compared(ctx, app)
	if err != nil {
		return nil, err
	}
	out := &manifestsAnswer{}
	whole := false
	if out.Body.Manifests, whole = view.ManifestsOf(compared, mask, view.MostManaged); !whole {
		return nil, tooLong(app, "see them in the cluster, object by object")
	}
	if len(out.Body.Manifests) == 0 && !compared.Complete {
		return nil, incomplete(app, compared)
	}
	out.Body.Revision, out.Body.SourceType, out.Body.Commands = compared.Revision, app.Status.SourceType, []string{}
	out.Body.Namespace, out.Body.Server = app.Spec.Destination.Namespace, cmp.Or(app.Spec.Destination.Server, app.Spec.Destination.Name)
	return out, nil
}

// isKnownRevision reports whether an Application has or had a revision.
func isKnownRevision(app *v1alpha1.Application, revision string) bool {
	return isTarget(app, revision) || app.Status.Sync.Revision == revision ||
		slices.ContainsFunc(app.Status.History, func(h v1alpha1.RevisionHistory) bool { return h.Revision == revision })
}
