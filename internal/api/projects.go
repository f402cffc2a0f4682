package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/patch"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/secret"
)

// writtenProject is an AppProject that somebody sends, or that is sent.
type writtenProject struct{ v1alpha1.AppProject }

// Schema is that of an object whose fields the definition of the kind has.
func (writtenProject) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Description: "an AppProject of argoproj.io/v1alpha1", AdditionalProperties: true}
}

// UnmarshalJSON reads an AppProject. A field that there is not is an error; its status is nobody's to send.
func (p *writtenProject) UnmarshalJSON(data []byte) error {
	return decode(data, &p.AppProject, "status")
}

// MarshalJSON writes the AppProject.
func (p writtenProject) MarshalJSON() ([]byte, error) {
	p.ManagedFields = nil
	return secret.ShownJSON(p.AppProject)
}

type projectAnswer struct{ Body writtenProject }

type projectList struct {
	Body struct {
		Metadata listMetadata     `json:"metadata"`
		Items    []writtenProject `json:"items"`
	}
}

// ProjectName names an AppProject. It is exported for the library.
type ProjectName struct {
	Name string `path:"name" maxLength:"253"`
}

type createProjectInput struct {
	Body struct {
		Project writtenProject `json:"project"`
		Upsert  bool           `json:"upsert,omitempty" doc:"change one that is there already and differs"`
	}
}

type updateProjectInput struct {
	ProjectName
	Body struct {
		Project writtenProject `json:"project"`
	}
}

type detailedProject struct {
	Body struct {
		GlobalProjects []writtenProject `json:"globalProjects"`
		Project        writtenProject   `json:"project"`
		Repositories   []repository     `json:"repositories"`
		Clusters       []clusterShown   `json:"clusters"`
	}
}

type windowsAnswer struct {
	Body struct {
		Windows []syncWindow `json:"windows"`
	}
}

// syncWindow is a sync window as it is written in a project.
type syncWindow struct {
	Kind         string   `json:"kind,omitempty"`
	Schedule     string   `json:"schedule,omitempty"`
	Duration     string   `json:"duration,omitempty"`
	Applications []string `json:"applications,omitempty"`
	Namespaces   []string `json:"namespaces,omitempty"`
	Clusters     []string `json:"clusters,omitempty"`
	ManualSync   bool     `json:"manualSync,omitempty"`
	TimeZone     string   `json:"timeZone,omitempty"`
	Description  string   `json:"description,omitempty"`
}

func windowOf(w v1alpha1.SyncWindow) syncWindow {
	return syncWindow{w.Kind, w.Schedule, w.Duration, w.Applications, w.Namespaces, w.Clusters, w.ManualSync, w.TimeZone, w.Description}
}

type roleTokenInput struct {
	Project string `path:"project" maxLength:"253"`
	Role    string `path:"role" maxLength:"253"`
	Body    struct {
		Project     string  `json:"project,omitempty"`
		Role        string  `json:"role,omitempty"`
		Description string  `json:"description,omitempty"`
		ExpiresIn   seconds `json:"expiresIn,omitempty" doc:"how long it holds, in seconds; for ever without"`
		ID          string  `json:"id,omitempty" maxLength:"128"`
	}
}

type deleteRoleTokenInput struct {
	Project  string `path:"project" maxLength:"253"`
	Role     string `path:"role" maxLength:"253"`
	IssuedAt int64  `path:"iat"`
	ID       string `query:"id" maxLength:"128"`
}

// projects are the calls about AppProjects.
type projects struct{ looked }

func (s projects) register() {
	tags := []string{"projects"}
	all, one := "/api/v1/projects", "/api/v1/projects/{name}"
	token := "/api/v1/projects/{project}/roles/{role}/token"
	register(s.service, huma.Operation{OperationID: "listProjects", Method: http.MethodGet, Path: all, Summary: "The AppProjects that who asks may see", Tags: tags}, s.list)
	register(s.service, huma.Operation{OperationID: "createProject", Method: http.MethodPost, Path: all, Summary: "Create an AppProject", Tags: tags}, s.create)
	register(s.service, huma.Operation{OperationID: "getProject", Method: http.MethodGet, Path: one, Summary: "An AppProject", Tags: tags}, s.get)
	register(s.service, huma.Operation{OperationID: "updateProject", Method: http.MethodPut, Path: one, Summary: "Replace the spec, labels and annotations of an AppProject", Tags: tags}, s.update)
	register(s.service, huma.Operation{OperationID: "deleteProject", Method: http.MethodDelete, Path: one, Summary: "Delete an AppProject that no Application uses", Tags: tags}, s.delete)
	register(s.service, huma.Operation{OperationID: "getDetailedProject", Method: http.MethodGet, Path: one + "/detailed", Summary: "An AppProject with those that are global for it, and its own repositories and clusters", Tags: tags}, s.detailed)
	register(s.service, huma.Operation{OperationID: "listProjectEvents", Method: http.MethodGet, Path: one + "/events", Summary: "The events of an AppProject", Tags: tags}, s.events)
	register(s.service, huma.Operation{OperationID: "getProjectSyncWindows", Method: http.MethodGet, Path: one + "/syncwindows", Summary: "The sync windows of an AppProject that are open", Tags: tags}, s.windows)
	register(s.service, huma.Operation{OperationID: "getGlobalProjects", Method: http.MethodGet, Path: one + "/globalprojects", Summary: "The AppProjects that are global for an AppProject", Tags: tags}, s.globals)
	register(s.service, huma.Operation{OperationID: "listProjectLinks", Method: http.MethodGet, Path: one + "/links", Summary: "The links that people keep at an AppProject", Tags: tags}, s.links)
	register(s.service, huma.Operation{OperationID: "createProjectToken", Method: http.MethodPost, Path: token, Summary: "Make a token of a role", Tags: tags}, s.createToken)
	register(s.service, huma.Operation{OperationID: "deleteProjectToken", Method: http.MethodDelete, Path: token + "/{iat}", Summary: "Delete a token of a role, which holds no more", Tags: tags}, s.deleteToken)
}

func projectRequest(action, name string) access.Request {
	return access.Request{{{Resource: access.Projects, Action: action, Object: name}}}
}

func (s projects) list(ctx context.Context, c *caller, in *struct {
	Name string `query:"name" maxLength:"253"`
}) (*projectList, error) {
	rights, err := c.mayAll()
	if err != nil {
		return nil, err
	}
	var all v1alpha1.AppProjectList
	if err := s.Config.List(ctx, &all, client.InNamespace(s.Namespace)); err != nil {
		return nil, fmt.Errorf("listing AppProjects: %w", err)
	}
	if !slices.ContainsFunc(all.Items, func(p v1alpha1.AppProject) bool { return p.Name == v1alpha1.DefaultProject }) {
		all.Items = append(all.Items, *project.Default(s.Namespace))
	}
	slices.SortFunc(all.Items, func(a, b v1alpha1.AppProject) int { return strings.Compare(a.Name, b.Name) })
	out := &projectList{}
	out.Body.Metadata.ResourceVersion, out.Body.Items = all.ResourceVersion, []writtenProject{}
	for _, p := range all.Items {
		if (in.Name == "" || in.Name == p.Name) && rights.Decide(projectRequest(access.Get, p.Name)).Allowed {
			out.Body.Items = append(out.Body.Items, writtenProject{p})
		}
	}
	return out, nil
}

// of reads an AppProject that the caller has a right to.
func (s projects) of(ctx context.Context, c *caller, action, name string) (*v1alpha1.AppProject, error) {
	if err := c.allow(projectRequest(action, name)); err != nil {
		return nil, err
	}
	return s.projectNamed(ctx, name)
}

func (s projects) get(ctx context.Context, c *caller, in *ProjectName) (*projectAnswer, error) {
	p, err := s.of(ctx, c, access.Get, in.Name)
	if err != nil {
		return nil, err
	}
	return &projectAnswer{writtenProject{*p}}, nil
}

func (s projects) create(ctx context.Context, c *caller, in *createProjectInput) (*projectAnswer, error) {
	sent := in.Body.Project
	if err := c.allow(projectRequest(access.Create, sent.Name)); err != nil {
		return nil, err
	}
	wanted := &v1alpha1.AppProject{Spec: sent.Spec}
	wanted.Namespace, wanted.Name, wanted.Labels, wanted.Annotations, wanted.Finalizers = s.Namespace, sent.Name, sent.Labels, sent.Annotations, sent.Finalizers
	if err := checkProject(wanted); err != nil {
		return nil, err
	}
	err := s.Writer.Create(ctx, wanted)
	if !apierrors.IsAlreadyExists(err) {
		return &projectAnswer{writtenProject{*wanted}}, err
	}
	live := &v1alpha1.AppProject{}
	if err := s.Writer.Get(ctx, client.ObjectKeyFromObject(wanted), live); err != nil {
		return nil, err
	}
	switch {
	case equality.Semantic.DeepEqual(live.Spec, wanted.Spec):
		return &projectAnswer{writtenProject{*live}}, nil
	case !in.Body.Upsert:
		return nil, &problem.Error{Kind: problem.Usage, Object: "AppProject " + sent.Name, Cause: "existing project spec is different; use upsert flag to force update", Remedy: "send upsert: true"}
	}
	return s.replace(ctx, c, sent)
}

// checkProject refuses an AppProject whose name is missing, or whose roles would not be read.
func checkProject(p *v1alpha1.AppProject) error {
	if p.Name == "" {
		return &problem.Error{Kind: problem.Usage, Object: "project.metadata.name", Cause: "missing", Remedy: "name the project"}
	}
	if _, problems := access.RolesOf(p); len(problems) > 0 {
		wrong := *problems[0]
		wrong.Kind = problem.Usage
		return &wrong
	}
	return nil
}

func (s projects) update(ctx context.Context, c *caller, in *updateProjectInput) (*projectAnswer, error) {
	sent := in.Body.Project
	if sent.Name == "" {
		sent.Name = in.Name
	}
	if err := c.allow(projectRequest(access.Update, in.Name)); err != nil {
		return nil, err
	}
	if sent.Name != in.Name {
		return nil, &problem.Error{Kind: problem.Usage, Object: "project.metadata.name", Cause: fmt.Sprintf("%q is not the AppProject of the path", sent.Name), Remedy: "send the one that the path names"}
	}
	return s.replace(ctx, c, sent)
}

// replace writes what was sent of an AppProject in place of what is there; its tokens stay.
func (s projects) replace(ctx context.Context, c *caller, sent writtenProject) (*projectAnswer, error) {
	if err := c.allow(projectRequest(access.Update, sent.Name)); err != nil {
		return nil, err
	}
	if err := checkProject(&sent.AppProject); err != nil {
		return nil, err
	}
	live := &v1alpha1.AppProject{}
	if err := s.Writer.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: sent.Name}, live); err != nil {
		return nil, err
	}
	before := live.DeepCopy()
	live.Spec, live.Labels, live.Annotations = sent.Spec, sent.Labels, sent.Annotations
	if err := patch.Object(ctx, s.Writer, before, live); err != nil {
		return nil, err
	}
	return &projectAnswer{writtenProject{*live}}, nil
}

func (s projects) delete(ctx context.Context, c *caller, in *ProjectName) (*nothing, error) {
	p, err := s.of(ctx, c, access.Delete, in.Name)
	if err != nil {
		return nil, err
	}
	if p.Name == v1alpha1.DefaultProject {
		return nil, &problem.Error{Kind: problem.Usage, Object: "AppProject " + p.Name, Cause: "the default one cannot be deleted", Remedy: "change what it allows"}
	}
	var apps v1alpha1.ApplicationList
	if err := s.listAll(ctx, &apps); err != nil {
		return nil, err
	}
	used := 0
	for i := range apps.Items {
		if apps.Items[i].Spec.Project == p.Name {
			used++
		}
	}
	if used > 0 {
		return nil, &problem.Error{Kind: problem.Usage, Object: "AppProject " + p.Name, Cause: fmt.Sprintf("project is referenced by %d applications", used), Remedy: "move them to another project first"}
	}
	return &nothing{}, patch.DeleteSeen(ctx, s.Writer, p)
}

func (s projects) detailed(ctx context.Context, c *caller, in *ProjectName) (*detailedProject, error) {
	p, err := s.of(ctx, c, access.Get, in.Name)
	if err != nil {
		return nil, err
	}
	out := &detailedProject{}
	out.Body.Project = writtenProject{*p}
	if out.Body.GlobalProjects, err = s.globalsOf(ctx, p); err != nil {
		return nil, err
	}
	if out.Body.Repositories, err = s.repositoriesOf(ctx, c, v1alpha1.SecretTypeRepository, func(r repository) bool { return r.Project == p.Name }); err != nil {
		return nil, err
	}
	out.Body.Clusters, err = s.clustersOf(ctx, c, func(shown clusterShown) bool { return shown.Project == p.Name })
	return out, err
}

// globalsOf returns the AppProjects that are global for one.
func (s projects) globalsOf(ctx context.Context, p *v1alpha1.AppProject) ([]writtenProject, error) {
	written, err := s.settings(ctx)
	if err != nil {
		return nil, err
	}
	all := []writtenProject{}
	for _, name := range written.GlobalProjectsOf(p.Name, p.Labels) {
		if g, err := s.projectNamed(ctx, name); err == nil {
			all = append(all, writtenProject{*g})
		}
	}
	return all, nil
}

func (s projects) globals(ctx context.Context, c *caller, in *ProjectName) (*projectList, error) {
	p, err := s.of(ctx, c, access.Get, in.Name)
	if err != nil {
		return nil, err
	}
	out := &projectList{}
	out.Body.Items, err = s.globalsOf(ctx, p)
	return out, err
}

func (s projects) links(ctx context.Context, c *caller, in *ProjectName) (*linksAnswer, error) {
	p, err := s.of(ctx, c, access.Get, in.Name)
	if err != nil {
		return nil, err
	}
	return linksOf(p.Annotations, nil), nil
}

func (s projects) events(ctx context.Context, c *caller, in *ProjectName) (*eventsAnswer, error) {
	p, err := s.of(ctx, c, access.Get, in.Name)
	if err != nil {
		return nil, err
	}
	return s.eventsOf(ctx, s.Writer, s.Namespace, fields.Set{"involvedObject.name": p.Name, "involvedObject.namespace": s.Namespace, "involvedObject.kind": v1alpha1.AppProjectKind})
}

func (s projects) windows(ctx context.Context, c *caller, in *ProjectName) (*windowsAnswer, error) {
	p, err := s.of(ctx, c, access.Get, in.Name)
	if err != nil {
		return nil, err
	}
	out := &windowsAnswer{}
	out.Body.Windows = []syncWindow{}
	for _, w := range p.Spec.SyncWindows {
		if open, err := project.WindowOpen(w, time.Now()); err == nil && open {
			out.Body.Windows = append(out.Body.Windows, windowOf(w))
		}
	}
	return out, nil
}

func (s projects) createToken(ctx context.Context, c *caller, in *roleTokenInput) (*madeToken, error) {
	if err := c.allow(projectRequest(access.Update, in.Project)); err != nil {
		return nil, err
	}
	if in.Body.ExpiresIn < 0 || in.Body.ExpiresIn > longestToken {
		return nil, &problem.Error{Kind: problem.Usage, Object: "expiresIn", Cause: "invalid number of seconds", Remedy: "give one such as 86400 for a day, or none"}
	}
	token, _, err := s.auth.GenerateProjectToken(ctx, in.Project, in.Role, in.Body.ID, time.Duration(in.Body.ExpiresIn)*time.Second)
	if err != nil {
		return nil, err
	}
	out := &madeToken{}
	out.Body.Token = token
	return out, nil
}

func (s projects) deleteToken(ctx context.Context, c *caller, in *deleteRoleTokenInput) (*nothing, error) {
	if err := c.allow(projectRequest(access.Update, in.Project)); err != nil {
		return nil, err
	}
	return &nothing{}, s.auth.DeleteProjectToken(ctx, in.Project, in.Role, in.ID, in.IssuedAt)
}
