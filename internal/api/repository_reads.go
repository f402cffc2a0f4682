package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/problem"
	urls "github.com/cyan-cd/cyan/internal/repository"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/view"
)

type refsAnswer struct {
	Body struct {
		Branches []string `json:"branches"`
		Tags     []string `json:"tags"`
	}
}

type appsInput struct {
	RepositoryToRead
	Revision string `query:"revision" maxLength:"256" doc:"branch, tag or commit; the default branch when empty"`
	AppName  string `query:"appName" maxLength:"253" doc:"taken, and of no effect"`
}

// RepositoryToRead names a repository, and for which project it is read. It is exported for the library.
type RepositoryToRead struct {
	Repo    string `path:"repo" maxLength:"2048" doc:"its URL, escaped"`
	Project string `query:"appProject" maxLength:"253" doc:"for which an Application is to be made; default when empty"`
	Refresh bool   `query:"forceRefresh" doc:"taken, and of no effect: what a host says is believed for seconds"`
}

type appsAnswer struct {
	Body struct {
		Items []view.Folder `json:"items"`
		More  bool          `json:"more,omitempty" doc:"whether some are left out"`
	}
}

type detailsInput struct {
	Repo string `path:"repo" maxLength:"2048" doc:"its URL, escaped"`
	Body struct {
		Source      repositorySource `json:"source"`
		AppName     string           `json:"appName,omitempty" maxLength:"253"`
		AppProject  string           `json:"appProject,omitempty" maxLength:"253"`
		SourceIndex int              `json:"sourceIndex,omitempty"`
		VersionID   int64            `json:"versionId,omitempty"`
	}
}

// repositorySource is a source of an Application; what it sets besides is of no effect on what its folder is.
type repositorySource struct{ v1alpha1.ApplicationSource }

// Schema is that of an object whose fields the definition of the kind has.
func (repositorySource) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Description: "a source of an Application", AdditionalProperties: true}
}

// UnmarshalJSON reads a source. A field that there is not is an error.
func (s *repositorySource) UnmarshalJSON(data []byte) error {
	return decode(data, &s.ApplicationSource)
}

// MarshalJSON writes the source.
func (s repositorySource) MarshalJSON() ([]byte, error) { return json.Marshal(s.ApplicationSource) }

type detailsAnswer struct {
	Body struct {
		Type      string    `json:"type" enum:"Kustomize,Directory"`
		Kustomize *struct{} `json:"kustomize,omitempty"`
		Directory *struct{} `json:"directory,omitempty"`
	}
}

type validateInput struct {
	Repo    string `path:"repo" maxLength:"2048" doc:"its URL, escaped"`
	Project string `query:"project" maxLength:"253"`
	Body    validatedRepository
}

// validatedRepository is a repository that is to be reached: its URL, or what it is opened by as well.
type validatedRepository struct{ writtenRepository }

// Schema is that of anything: which field is wrong is told when it is read.
func (validatedRepository) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "its URL as a string, or a repository as createRepository takes it"}
}

// UnmarshalJSON reads either.
func (v *validatedRepository) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte(`"`)) {
		return json.Unmarshal(data, &v.Repo)
	}
	return decode(data, &v.writtenRepository)
}

// repositoryReads are the calls that ask repositories what they have.
type repositoryReads struct {
	repositoryCalls
	// validating bounds the repositories that are asked at a time and that nobody has added.
	validating chan struct{}
}

func (s repositoryReads) register() {
	const one = "/api/v1/repositories/{repo}"
	tags := []string{"repositories"}
	register(s.service, huma.Operation{OperationID: "listRefs", Method: http.MethodGet, Path: one + "/refs", Summary: "The branches and tags of a repository", Tags: tags}, s.refs)
	register(s.service, huma.Operation{OperationID: "listApps", Method: http.MethodGet, Path: one + "/apps", Summary: "The folders of a repository that something can be rendered from", Tags: tags}, s.apps)
	register(s.service, huma.Operation{OperationID: "getAppDetails", Method: http.MethodPost, Path: one + "/appdetails", Summary: "How a folder of a repository is rendered", Tags: tags}, s.details)
	register(s.service, huma.Operation{OperationID: "validateRepository", Method: http.MethodPost, Path: one + "/validate", Summary: "Whether a repository answers that is to be added", Tags: tags}, s.validate)
}

// readAs lets a caller see what is in a repository who may see one that is added, or make an Application of it. It
// returns the project by whose credentials it is read.
func (s repositoryReads) readAs(ctx context.Context, c *caller, repo, project string) (string, error) {
	rights, err := c.mayAll()
	if err != nil {
		return "", err
	}
	secrets, err := s.repositorySecrets(ctx, s.secretType)
	if err != nil {
		return "", err
	}
	for _, secret := range secrets {
		of, address := string(secret.Data["project"]), string(secret.Data["url"])
		if urls.Same(address, repo) && (project == "" || of == "" || of == project) && rights.Decide(repositoryRequest(access.Get, of, address)).Allowed {
			c.about = "repository " + source.Repository{URL: address}.String()
			return of, nil
		}
	}
	project = cmp.Or(project, v1alpha1.DefaultProject)
	return project, s.mayDeploy(ctx, c, project, repo)
}

// errNoRepositories is the answer where no repositories are read.
var errNoRepositories = &problem.Error{Kind: problem.Unreachable, Object: "Server", Cause: "reading repositories is not set up", Remedy: "see the server's log"}

func (s repositoryReads) refs(ctx context.Context, c *caller, in *struct{ RepositoryToRead }) (*refsAnswer, error) {
	as, err := s.readAs(ctx, c, in.Repo, in.Project)
	if err != nil {
		return nil, err
	}
	if s.Names == nil {
		return nil, errNoRepositories
	}
	ctx, cancel := context.WithTimeout(ctx, treeTimeout)
	defer cancel()
	names, err := s.Names(ctx, as, in.Repo)
	if err != nil {
		return nil, err
	}
	out := &refsAnswer{}
	out.Body.Branches, out.Body.Tags = append([]string{}, names.Branches...), append([]string{}, names.Tags...)
	return out, nil
}

// tree reads what a repository has at a revision.
func (s repositoryReads) tree(ctx context.Context, as, repo, revision string) (view.RepositoryTree, error) {
	if s.Repository == nil {
		return view.RepositoryTree{}, errNoRepositories
	}
	ctx, cancel := context.WithTimeout(ctx, treeTimeout)
	defer cancel()
	return s.Repository(ctx, as, repo, revision)
}

func (s repositoryReads) apps(ctx context.Context, c *caller, in *appsInput) (*appsAnswer, error) {
	as, err := s.readAs(ctx, c, in.Repo, in.Project)
	if err != nil {
		return nil, err
	}
	tree, err := s.tree(ctx, as, in.Repo, in.Revision)
	if err != nil {
		return nil, err
	}
	out := &appsAnswer{}
	out.Body.Items, out.Body.More = append([]view.Folder{}, tree.Folders...), tree.More
	return out, nil
}

func (s repositoryReads) details(ctx context.Context, c *caller, in *detailsInput) (*detailsAnswer, error) {
	as, err := s.readAs(ctx, c, in.Repo, in.Body.AppProject)
	if err != nil {
		return nil, err
	}
	wanted := in.Body.Source
	switch {
	case wanted.RepoURL != "" && !urls.Same(wanted.RepoURL, in.Repo):
		return nil, &problem.Error{Kind: problem.Usage, Object: "source.repoURL", Cause: "not the repository of the path", Remedy: "send the one that the path names"}
	case wanted.Chart != "":
		return nil, &problem.Error{Kind: problem.Usage, Object: "source.chart", Cause: "charts of Helm are not served", Remedy: "render the chart into the repository, and name its folder as path"}
	}
	tree, err := s.tree(ctx, as, in.Repo, wanted.TargetRevision)
	if err != nil {
		return nil, err
	}
	folder := cleanPath(wanted.Path)
	i := slices.IndexFunc(tree.Folders, func(f view.Folder) bool { return f.Path == folder })
	if i < 0 {
		return nil, &problem.Error{Kind: problem.Usage, Object: "source.path", Cause: "no folder " + folder + " with manifests found", Remedy: "see apps of the repository for those that there are"}
	}
	out := &detailsAnswer{}
	if out.Body.Type = tree.Folders[i].Type; out.Body.Type == "Kustomize" {
		out.Body.Kustomize = &struct{}{}
	} else {
		out.Body.Directory = &struct{}{}
	}
	return out, nil
}

func (s repositoryReads) validate(ctx context.Context, c *caller, in *validateInput) (*nothing, error) {
	sent := in.Body.writtenRepository
	if sent.Project == "" {
		sent.Project = in.Project
	}
	if err := c.allow(repositoryRequest(access.Create, sent.Project, in.Repo)); err != nil {
		return nil, err
	}
	c.about = "repository " + source.Repository{URL: in.Repo}.String()
	switch {
	case sent.Repo != "" && !urls.Same(sent.Repo, in.Repo):
		return nil, &problem.Error{Kind: problem.Usage, Object: "repo", Cause: "not the repository of the path", Remedy: "send the one that the path names"}
	case sent.Type != "" && sent.Type != "git":
		return nil, &problem.Error{Kind: problem.Usage, Object: "type", Cause: "repositories of type " + sent.Type + " are not served", Remedy: "keep the manifests in a git repository"}
	case s.Reach == nil:
		return nil, errNoRepositories
	}
	data, err := sent.data(in.Repo)
	if err != nil {
		return nil, err
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: "validate", Labels: map[string]string{v1alpha1.SecretTypeLabel: v1alpha1.SecretTypeRepository}}, Data: data}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	select {
	case s.validating <- struct{}{}:
	case <-ctx.Done():
		return nil, &problem.Error{Kind: problem.Unreachable, Object: "Server", Cause: "other repositories are being asked", Remedy: "try again"}
	}
	defer func() { <-s.validating }()
	if err := s.Reach(ctx, sent.Project, in.Repo, secret); err != nil {
		return nil, &problem.Error{Kind: problem.Usage, Object: c.about, Cause: causeOf(err), Remedy: "correct its URL or what opens it"}
	}
	return &nothing{}, nil
}

// cleanPath returns a folder of a repository as its tree names it.
func cleanPath(written string) string {
	return cmp.Or(strings.TrimPrefix(path.Clean("/"+written), "/"), ".")
}
