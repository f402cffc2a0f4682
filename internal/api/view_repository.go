package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/view"
)

type repositoryTreeInput struct {
	Repo     string `query:"repo" required:"true" minLength:"1" maxLength:"2048" doc:"its URL"`
	Revision string `query:"revision" maxLength:"256" doc:"branch, tag or commit; the default branch when empty"`
	Project  string `query:"project" maxLength:"253" doc:"for which an Application is to be made; default when empty"`
}

type repositoryTreeAnswer struct{ Body view.RepositoryTree }

// repositoryTrees is the call by which a form offers what a repository has.
type repositoryTrees struct{ looked }

func (s repositoryTrees) register() {
	register(s.service, huma.Operation{OperationID: "viewRepositoryTree", Method: http.MethodGet, Path: "/api/v1/view/repositories/tree", Summary: "The branches, tags and folders of a repository, for who may make an Application of it", Tags: viewTags}, s.get)
}

// treeTimeout bounds how long a repository is waited for.
const treeTimeout = 30 * time.Second

func (s repositoryTrees) get(ctx context.Context, c *caller, in *repositoryTreeInput) (*repositoryTreeAnswer, error) {
	of := cmp.Or(in.Project, v1alpha1.DefaultProject)
	if err := s.mayDeploy(ctx, c, of, in.Repo); err != nil {
		return nil, err
	}
	if s.Repository == nil {
		return nil, &problem.Error{Kind: problem.Unreachable, Object: "Server", Cause: "reading repositories is not set up", Remedy: "type the path"}
	}
	ctx, cancel := context.WithTimeout(ctx, treeTimeout)
	defer cancel()
	tree, err := s.Repository(ctx, of, in.Repo, in.Revision)
	return &repositoryTreeAnswer{tree}, err
}

// mayDeploy lets who may make an Application of a repository in a project see what is in it: only what could be
// deployed anyway is shown.
func (s looked) mayDeploy(ctx context.Context, c *caller, of, repo string) error {
	if err := c.allow(access.Application{Project: of, Name: "new"}.On(access.Create)); err != nil {
		return err
	}
	written, err := s.settings(ctx)
	if err != nil {
		return err
	}
	within, err := s.projectOf(ctx, &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{Project: of}}, written)
	if err != nil {
		return err
	}
	if _, no := project.PermitSource(within, v1alpha1.ApplicationSource{RepoURL: repo}); no != nil {
		return &problem.Error{Kind: problem.Refused, Object: "AppProject " + of, Field: "spec.sourceRepos", Cause: no.Cause, Remedy: no.Remedy}
	}
	return nil
}
