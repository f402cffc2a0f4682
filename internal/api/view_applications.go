package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/view"
)

type rowsInput struct {
	Search     string   `query:"search" maxLength:"256" doc:"words that the name has in it, or LABEL=VALUE"`
	Projects   []string `query:"project,explode" maxItems:"100"`
	Clusters   []string `query:"cluster,explode" maxItems:"100"`
	Namespaces []string `query:"namespace,explode" maxItems:"100" doc:"of the destination"`
	Syncs      []string `query:"sync,explode" maxItems:"10"`
	Healths    []string `query:"health,explode" maxItems:"10"`
	Labels     []string `query:"label,explode" maxItems:"100" doc:"KEY or KEY=VALUE; all have to fit"`
	Owners     []string `query:"owner,explode" maxItems:"100"`
	Attention  bool     `query:"attention" doc:"those that need somebody"`
	Sort       string   `query:"sort" enum:"name,lastSync,created,health"`
	Order      string   `query:"order" enum:"asc,desc"`
	Limit      int      `query:"limit" minimum:"0" maximum:"10000" doc:"of a page; all when 0"`
	Continue   string   `query:"continue" maxLength:"2048" doc:"the token of the page before"`
	Fields     []string `query:"fields" maxItems:"50" doc:"of the rows, besides namespace and name; all when empty"`
}

type rowsAnswer struct {
	// Stream moves with whatever changes; the body, with what it shows.
	Stream string `header:"Stream-Position" doc:"where the stream of changes goes on from"`
	Body   struct {
		Items    []view.Row `json:"items"`
		Total    int        `json:"total"`
		Continue string     `json:"continue,omitempty"`
	}
}

type overviewAnswer struct{ Body view.Overview }

// viewTags are those of the page's own calls.
var viewTags = []string{"view"}

// viewed are the calls that show Applications as a page does.
type viewed struct{ *service }

func (s viewed) register() {
	register(s.service, huma.Operation{OperationID: "viewApplications", Method: http.MethodGet, Path: "/api/v1/view/applications", Summary: "The Applications that who asks may see, a row each", Tags: viewTags, Middlewares: huma.Middlewares{compact}}, s.rows)
	register(s.service, huma.Operation{OperationID: "viewOverview", Method: http.MethodGet, Path: "/api/v1/view/overview", Summary: "How everything is that who asks may see", Tags: viewTags, Middlewares: huma.Middlewares{compact}}, s.overview)
}

func (s viewed) rows(ctx context.Context, c *caller, in *rowsInput) (*rowsAnswer, error) {
	out := &rowsAnswer{}
	// What changes after this is in the stream.
	out.Stream = s.Feed.position(s.Feed.lastNumber(), c.version)
	rows, err := s.rowsFor(ctx, c)
	if err != nil {
		return nil, err
	}
	choice := view.Choice{
		Search: in.Search, Labels: in.Labels, Projects: in.Projects, Clusters: in.Clusters, Namespaces: in.Namespaces, Syncs: in.Syncs, Healths: in.Healths, Owners: in.Owners,
		Attention: in.Attention, Sort: in.Sort, Descending: in.Order == "desc", Limit: in.Limit, Continue: in.Continue,
	}
	out.Body.Items, out.Body.Total, out.Body.Continue, err = choice.Page(rows)
	if err == nil {
		err = view.Only(out.Body.Items, in.Fields)
	}
	return out, err
}

func (s viewed) overview(ctx context.Context, c *caller, _ *struct{}) (*overviewAnswer, error) {
	o, err := s.overviewFor(ctx, c)
	return &overviewAnswer{o}, err
}

// overviewFor returns the overview of what the caller may see.
func (s viewed) overviewFor(ctx context.Context, c *caller) (view.Overview, error) {
	rows, err := s.rowsFor(ctx, c)
	if err != nil {
		return view.Overview{}, err
	}
	recent, err := s.deliveriesFor(ctx, c, "", "", recentDeliveries)
	return view.OverviewOf(rows, recent, s.Feed.Cluster()), err
}

// rowsFor returns the rows of the Applications that the caller may see.
func (s viewed) rowsFor(ctx context.Context, c *caller) ([]view.Row, error) {
	rights, err := c.mayAll()
	if err != nil {
		return nil, err
	}
	var all v1alpha1.ApplicationList
	if err := s.Reader.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	who, now := rightsOf(rights, c.options), time.Now()
	rows := make([]view.Row, 0, len(all.Items))
	for i := range all.Items {
		object := s.named(&all.Items[i]).Object()
		if !who.shows(object) {
			continue
		}
		row, err := s.rowOf(ctx, &all.Items[i], now)
		if err != nil {
			return nil, err
		}
		row.Rights = who.on(object)
		rows = append(rows, row)
	}
	return rows, nil
}

// rowOf returns the row of an Application, without rights.
func (s viewed) rowOf(ctx context.Context, app *v1alpha1.Application, now time.Time) (view.Row, error) {
	rollouts, err := s.rolloutsOf(ctx, app)
	return view.RowOf(app, rollouts, now), err
}

// rolloutsOf returns the Rollouts of an Application that the cache has, of the control plane's own cluster: those that
// its status has and that are marked as its. A status alone is written by whoever may write the Application.
func (s viewed) rolloutsOf(ctx context.Context, app *v1alpha1.Application) ([]*v1alpha1.Rollout, error) {
	if !view.IsHome(app.Spec.Destination) {
		return nil, nil
	}
	var found []*v1alpha1.Rollout
	for _, key := range view.RolloutsOf(app) {
		ro := &v1alpha1.Rollout{}
		err := s.Reader.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: key.Name}, ro, client.UnsafeDisableDeepCopy)
		if client.IgnoreNotFound(err) != nil {
			return nil, err
		}
		if err != nil {
			continue
		}
		instance, err := s.instanceOf(ctx, ro)
		if err != nil {
			return nil, err
		}
		if instance == plan.Instance(app, s.Namespace) {
			found = append(found, ro)
		}
	}
	return found, nil
}

// rowRights are a caller's rights, for many rows.
type rowRights struct {
	shows func(object string) bool
	named []namedRight
}

type namedRight struct {
	name  string
	holds func(object string) bool
}

// rightsOf settles what no object could change of the rights that rows show.
func rightsOf(rights access.Rights, o access.Options) rowRights {
	on := func(actions ...string) func(string) bool {
		var all []func(string) bool
		for _, action := range actions {
			all = append(all, rights.Select(access.Applications, action))
		}
		return func(object string) bool {
			for _, holds := range all {
				if holds(object) {
					return true
				}
			}
			return false
		}
	}
	rollback := on(access.Sync)
	if o.RollbackOwn {
		rollback = on(access.Rollback)
	}
	get := on(access.Get)
	return rowRights{get, []namedRight{
		{"get", get}, {"sync", on(access.Sync)}, {"override", on(access.Override)}, {"rollback", rollback}, {"update", on(access.Update)}, {"delete", on(access.Delete)},
		{"logs", rights.Select(access.Logs, access.Get)}, {"action", on("action/apps/Deployment/restart", "action/argoproj.io/Rollout/resume")},
	}}
}

// on returns the names of the rights on an object.
func (r rowRights) on(object string) []string {
	names := make([]string, 0, len(r.named))
	for _, right := range r.named {
		if right.holds(object) {
			names = append(names, right.name)
		}
	}
	return names
}
