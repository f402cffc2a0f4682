package api

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/view"
)

type applicationWindows struct {
	Body struct {
		CanSync         bool         `json:"canSync" doc:"for a person"`
		ActiveWindows   []syncWindow `json:"activeWindows"`
		AssignedWindows []syncWindow `json:"assignedWindows"`
	}
}

// keptLink is an address that people keep at an object.
type keptLink struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

type linksAnswer struct {
	Body struct {
		Items []keptLink `json:"items"`
	}
}

type revisionInput struct {
	ApplicationName
	Revision    string `path:"revision" maxLength:"64" pattern:"^[0-9a-fA-F]{7,64}$" doc:"a commit"`
	SourceIndex int    `query:"sourceIndex" minimum:"0" doc:"of several sources, from 0"`
	VersionID   int64  `query:"versionId" minimum:"0" doc:"of the history, whose sources count"`
}

type revisionMetadata struct {
	Body struct {
		Author  string   `json:"author,omitempty"`
		Date    string   `json:"date" format:"date-time"`
		Message string   `json:"message,omitempty"`
		Tags    []string `json:"tags"`
	}
}

// abouts are the calls about what concerns Applications without being of them.
type abouts struct{ looked }

func (s abouts) register() {
	tags := []string{"applications"}
	path := "/api/v1/applications/{name}"
	register(s.service, huma.Operation{OperationID: "getApplicationSyncWindows", Method: http.MethodGet, Path: path + "/syncwindows", Summary: "The sync windows that concern an Application", Tags: tags}, s.windows)
	register(s.service, huma.Operation{OperationID: "revisionMetadata", Method: http.MethodGet, Path: path + "/revisions/{revision}/metadata", Summary: "Author, date and message of a commit of an Application's source", Tags: tags}, s.metadata)
	register(s.service, huma.Operation{OperationID: "listLinks", Method: http.MethodGet, Path: path + "/links", Summary: "The links that people keep at an Application", Tags: tags}, s.links)
	register(s.service, huma.Operation{OperationID: "listResourceLinks", Method: http.MethodGet, Path: path + "/resource/links", Summary: "The links of an object", Tags: tags}, s.resourceLinks)
}

func (s abouts) windows(ctx context.Context, c *caller, in *ApplicationName) (*applicationWindows, error) {
	app, err := s.find(ctx, c, *in, get)
	if err != nil {
		return nil, err
	}
	within, err := s.permitted(ctx, app)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	out := &applicationWindows{}
	out.Body.CanSync = project.Windows(within.project, app, within.to, project.ByPerson, now).Reason == ""
	out.Body.ActiveWindows, out.Body.AssignedWindows = []syncWindow{}, []syncWindow{}
	for _, w := range project.WindowsOf(within.project, app, within.to) {
		out.Body.AssignedWindows = append(out.Body.AssignedWindows, windowOf(w))
		if open, err := project.WindowOpen(w, now); err == nil && open {
			out.Body.ActiveWindows = append(out.Body.ActiveWindows, windowOf(w))
		}
	}
	return out, nil
}

func (s abouts) metadata(ctx context.Context, c *caller, in *revisionInput) (*revisionMetadata, error) {
	app, err := s.find(ctx, c, in.ApplicationName, get)
	if err != nil {
		return nil, err
	}
	sources, err := sourcesOf(app, in.VersionID)
	if err != nil {
		return nil, err
	}
	if in.SourceIndex >= len(sources) {
		return nil, &problem.Error{Kind: problem.Usage, Object: "sourceIndex", Cause: fmt.Sprintf("source index %d not found: the Application has %d sources", in.SourceIndex, len(sources)), Remedy: "count from 0"}
	}
	if s.Commits == nil {
		return nil, &problem.Error{Kind: problem.Unreachable, Object: "commit " + in.Revision, Cause: "no repositories are kept here"}
	}
	commit, err := s.Commits(ctx, app.Spec.Project, sources[in.SourceIndex].RepoURL, in.Revision)
	if err != nil {
		return nil, &problem.Error{Kind: problem.Absent, Object: "commit " + in.Revision, Cause: "not found in the repository of the Application", Err: err}
	}
	out := &revisionMetadata{}
	out.Body.Author = commit.Author.Name
	if commit.Author.Email != "" {
		out.Body.Author += " <" + commit.Author.Email + ">"
	}
	out.Body.Date, out.Body.Message, out.Body.Tags = commit.Author.Time.UTC().Format(time.RFC3339), commit.Message, []string{}
	return out, nil
}

// sourcesOf returns the sources of an Application, or those that a deployment of its history had.
func sourcesOf(app *v1alpha1.Application, id int64) ([]v1alpha1.ApplicationSource, error) {
	if id == 0 {
		return app.Spec.GetSources(), nil
	}
	for _, h := range app.Status.History {
		if h.ID == id {
			if h.Source != nil {
				return []v1alpha1.ApplicationSource{*h.Source}, nil
			}
			return h.Sources, nil
		}
	}
	return nil, &problem.Error{Kind: problem.Usage, Object: "versionId", Cause: fmt.Sprintf("no deployment %d in the history", id), Remedy: "read status.history of the Application"}
}

// linkAnnotation begins the names of the annotations that have links.
const linkAnnotation = "link.argocd.argoproj.io/"

func (s abouts) links(ctx context.Context, c *caller, in *ApplicationName) (*linksAnswer, error) {
	app, err := s.find(ctx, c, *in, get)
	if err != nil {
		return nil, err
	}
	return linksOf(app.Annotations, nil), nil
}

// linksOf returns the links of annotations, by the names that people gave them, and then other addresses. Those that
// a page must not link to are left out.
func linksOf(annotations map[string]string, others []string) *linksAnswer {
	out := &linksAnswer{}
	out.Body.Items = []keptLink{}
	seen := map[string]bool{}
	add := func(name, link string) {
		title, address := plan.SplitLink(link)
		title = cmp.Or(title, name)
		if len(view.Links([]string{address})) == 1 && !seen[address] {
			seen[address] = true
			out.Body.Items = append(out.Body.Items, keptLink{title, address})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(annotations)) {
		if title, ok := strings.CutPrefix(name, linkAnnotation); ok {
			add(title, annotations[name])
		}
	}
	for _, address := range others {
		add(address, address)
	}
	return out
}

func (s abouts) resourceLinks(ctx context.Context, c *caller, in *objectInput) (*linksAnswer, error) {
	app, err := s.find(ctx, c, in.ApplicationName, get)
	if err != nil {
		return nil, err
	}
	o, err := s.objectOf(ctx, app, in.ObjectName)
	if err != nil {
		return nil, err
	}
	return linksOf(o.live.GetAnnotations(), view.Observe(o.live, nil).Node.URLs), nil
}
