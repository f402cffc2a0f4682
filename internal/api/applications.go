package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/problem"
	urls "github.com/cyan-cd/cyan/internal/repository"
	"github.com/cyan-cd/cyan/internal/secret"
)

// application is an Application as it is, but for what opens repositories.
type application struct{ v1alpha1.Application }

// MarshalJSON writes the Application.
func (a application) MarshalJSON() ([]byte, error) { return secret.ShownJSON(a.Application) }

// Schema is that of an object whose fields the definition of the kind has.
func (application) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Description: "an Application of argoproj.io/v1alpha1", AdditionalProperties: true}
}

type applicationAnswer struct{ Body application }

type applicationList struct {
	Body struct {
		Metadata listMetadata `json:"metadata"`
		Items    []projected  `json:"items"`
	}
}

type listMetadata struct {
	ResourceVersion string `json:"resourceVersion,omitempty"`
}

// ListQuery is which Applications are listed. It is exported for the library.
type ListQuery struct {
	Name         string   `query:"name"`
	Projects     []string `query:"projects,explode"`
	Project      []string `query:"project,explode"`
	Selector     string   `query:"selector" maxLength:"1024" doc:"labels, as kubectl's -l"`
	Repo         string   `query:"repo"`
	AppNamespace string   `query:"appNamespace"`
	Fields       string   `query:"fields" maxLength:"8192" doc:"paths such as items.metadata.name, with commas between: what is sent; with a leading minus, what is not"`
	Refresh      string   `query:"refresh" doc:"taken, and of no effect: a list is as the caches have it"`
}

// ApplicationName names an Application. It is exported for the library, which fills no other embedded fields.
type ApplicationName struct {
	Name         string `path:"name" maxLength:"253"`
	AppNamespace string `query:"appNamespace" maxLength:"63" doc:"its namespace; the control namespace when empty"`
	Project      string `query:"project" maxLength:"253" doc:"its project, which has who may see it told that it is not there"`
}

type applicationQuery struct {
	ApplicationName
	Refresh string `query:"refresh" enum:"normal,hard,true" doc:"have it looked at again first; true is normal"`
}

// applications are the calls that show Applications.
type applications struct{ *service }

func (s applications) register() {
	register(s.service, huma.Operation{OperationID: "listApplications", Method: http.MethodGet, Path: "/api/v1/applications", Summary: "The Applications that who asks may see, by name", Tags: []string{"applications"}}, s.listApplications)
	register(s.service, huma.Operation{OperationID: "getApplication", Method: http.MethodGet, Path: "/api/v1/applications/{name}", Summary: "An Application", Tags: []string{"applications"}}, s.getApplication)
}

func (s applications) listApplications(ctx context.Context, c *caller, in *ListQuery) (*applicationList, error) {
	rights, err := c.mayAll()
	if err != nil {
		return nil, err
	}
	selector, err := labels.Parse(in.Selector)
	if err != nil {
		return nil, &problem.Error{Kind: problem.Usage, Object: "selector", Cause: err.Error(), Remedy: "write it as KEY=VALUE"}
	}
	var all v1alpha1.ApplicationList
	if err := s.Reader.List(ctx, &all, client.MatchingLabelsSelector{Selector: selector}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	shows := rights.Select(access.Applications, access.Get)
	out := &applicationList{}
	out.Body.Metadata.ResourceVersion, out.Body.Items = all.ResourceVersion, []projected{}
	only := projectionOf(in.Fields, "items.")
	for i := range all.Items {
		if app := &all.Items[i]; in.wants(app) && shows(s.named(app).Object()) {
			out.Body.Items = append(out.Body.Items, projected{app, only})
		}
	}
	slices.SortFunc(out.Body.Items, func(a, b projected) int { return compareNames(a.app, b.app) })
	return out, nil
}

// wants reports whether an Application is among those that are asked for.
func (q *ListQuery) wants(app *v1alpha1.Application) bool {
	projects := slices.Concat(q.Projects, q.Project)
	return (q.Name == "" || app.Name == q.Name) &&
		(q.AppNamespace == "" || app.Namespace == q.AppNamespace) &&
		(len(projects) == 0 || slices.Contains(projects, app.Spec.Project)) &&
		(q.Repo == "" || slices.ContainsFunc(app.Spec.GetSources(), func(s v1alpha1.ApplicationSource) bool { return urls.Same(s.RepoURL, q.Repo) }))
}

// named is an Application as policies name it.
func (s *service) named(app *v1alpha1.Application) access.Application {
	named := access.Application{Project: app.Spec.Project, Name: app.Name}
	if app.Namespace != s.Namespace {
		named.Namespace = app.Namespace
	}
	return named
}

func (s applications) getApplication(ctx context.Context, c *caller, in *applicationQuery) (*applicationAnswer, error) {
	app, err := s.find(ctx, c, in.ApplicationName, func(a access.Application) access.Request { return a.On(access.Get) })
	if err != nil {
		return nil, err
	}
	switch {
	case in.Refresh == "":
		return &applicationAnswer{application{*app}}, nil
	case c.isFromElsewhere():
		// A link of another site changes nothing.
		return nil, newError(http.StatusForbidden, codePermissionDenied, "request comes from another site")
	}
	how := in.Refresh
	if how == "true" {
		how = "normal"
	}
	if err := s.send(ctx, app, action.Refresh(how)); err != nil {
		return nil, err
	}
	return s.refreshed(ctx, client.ObjectKeyFromObject(app))
}

// refreshTimeout bounds how long a refresh is waited for.
const refreshTimeout = time.Minute

// refreshed waits until an Application was looked at.
func (s applications) refreshed(ctx context.Context, key client.ObjectKey) (*applicationAnswer, error) {
	app := &v1alpha1.Application{}
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, refreshTimeout, false, func(ctx context.Context) (bool, error) {
		if err := s.Reader.Get(ctx, key, app); err != nil {
			return false, err
		}
		return app.Annotations[v1alpha1.RefreshAnnotation] == "", nil
	})
	if wait.Interrupted(err) {
		return nil, &problem.Error{Kind: problem.Unreachable, Object: "Application " + key.Name, Cause: "not looked at for " + refreshTimeout.String(), Remedy: "see whether the controller runs"}
	}
	return &applicationAnswer{application{*app}}, err
}

// find reads an Application that the caller has a right to. Who does not name its project is not told whether it is
// there.
func (s *service) find(ctx context.Context, c *caller, of ApplicationName, need func(access.Application) access.Request) (*v1alpha1.Application, error) {
	return s.findIn(ctx, c, s.Reader, of, need)
}

// findIn is find in what a reader has: the cache, or the API server.
func (s *service) findIn(ctx context.Context, c *caller, from client.Reader, of ApplicationName, need func(access.Application) access.Request) (*v1alpha1.Application, error) {
	key := client.ObjectKey{Namespace: of.AppNamespace, Name: of.Name}
	if key.Namespace == "" {
		key.Namespace = s.Namespace
	}
	app := &v1alpha1.Application{}
	err := from.Get(ctx, key, app)
	if client.IgnoreNotFound(err) != nil {
		return nil, err
	}
	missing := err != nil
	if missing {
		app.Namespace, app.Name, app.Spec.Project = key.Namespace, key.Name, of.Project
	}
	wrong := of.Project != "" && app.Spec.Project != of.Project
	if wrong {
		app.Spec.Project = of.Project
	}
	switch denied := c.allow(need(s.named(app))); {
	case c.unknown != nil:
		return nil, c.unknown
	case denied != nil && of.Project == "", missing && of.Project == "":
		return nil, errDenied
	case denied != nil:
		return nil, denied
	case missing || wrong:
		return nil, &problem.Error{Kind: problem.Absent, Object: "Application " + of.Name, Cause: "not found in project " + of.Project}
	}
	return app, nil
}

// request sends what ask makes of an Application that the caller has a right to, and returns it as it was written. The
// cache may be behind what the caller has just been answered, and controllers write meanwhile: the right and the
// request are decided of what the API server has, anew where that has changed.
func (s *service) request(ctx context.Context, c *caller, of ApplicationName, need func(access.Application) access.Request, ask func(*v1alpha1.Application) (action.Request, error)) (*v1alpha1.Application, error) {
	// Who has no right costs the API server nothing.
	app, err := s.find(ctx, c, of, need)
	if err != nil {
		return nil, err
	}
	err = retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		if app, err = s.findIn(ctx, c, s.Writer, of, need); err != nil {
			return err
		}
		request, err := ask(app)
		if err != nil {
			return err
		}
		return s.send(ctx, app, request)
	})
	return app, err
}

// send carries a request out.
func (s *service) send(ctx context.Context, app *v1alpha1.Application, request action.Request) error {
	for _, p := range request.Patches {
		to := &v1alpha1.Application{}
		to.Namespace, to.Name = app.Namespace, app.Name
		patch := client.RawPatch(p.Type, p.Body)
		var err error
		if p.Subresource == "" {
			err = s.Writer.Patch(ctx, to, patch)
		} else {
			err = s.Writer.SubResource(p.Subresource).Patch(ctx, to, patch)
		}
		if err != nil {
			return err
		}
		*app = *to
	}
	return nil
}

func compareNames(a, b *v1alpha1.Application) int {
	switch {
	case a.Name < b.Name:
		return -1
	case a.Name > b.Name:
		return 1
	case a.Namespace < b.Namespace:
		return -1
	case a.Namespace > b.Namespace:
		return 1
	}
	return 0
}
