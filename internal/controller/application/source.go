package application

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/source"
)

// sources has the repositories of all Applications followed.
type sources struct {
	mirrors   *source.Mirrors
	refPoller *source.RefPoller

	mu          sync.Mutex
	credentials source.CredentialStore
	follows     map[types.NamespacedName]follow
}

type follow struct {
	repo    source.Repository
	release func()
}

func newSources(mirrors *source.Mirrors, refPoller *source.RefPoller) *sources {
	return &sources{mirrors: mirrors, refPoller: refPoller, follows: map[types.NamespacedName]follow{}}
}

func (s *sources) setCredentials(credentials source.CredentialStore) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.credentials = credentials
}

// repository is where a source is, with the credentials for it.
func (s *sources) repository(permitted project.PermittedSource) source.Repository {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.credentials.Repository(permitted.Source().RepoURL, permitted.Project())
}

// ofProject are the repositories whose Secret is for a project alone.
func (s *sources) ofProject(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.credentials.OfProject(name)
}

// unserved is what the Secrets that open a source's repository ask for and do not get.
func (s *sources) unserved(permitted project.PermittedSource) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.credentials.Unserved(permitted.Source().RepoURL, permitted.Project())
}

// resolve returns the commit of a revision. An error that is temporary means that the host can't be reached now, also
// where the mirror still has a commit of that revision.
func (s *sources) resolve(ctx context.Context, repo source.Repository, revision string) (string, error) {
	commit, err := s.mirrors.Resolve(ctx, repo, revision)
	if err == nil && !isCommit(revision) {
		// What was believed until now may be what the host no longer says.
		err = s.refPoller.Err(repo)
	}
	if err != nil {
		return "", fmt.Errorf("reading revision %q: %w", cmp.Or(revision, "HEAD"), err)
	}
	return commit, nil
}

func isCommit(revision string) bool {
	const sha = 40
	return len(revision) == sha && strings.Trim(strings.ToLower(revision), "0123456789abcdef") == ""
}

// follow has an Application's repository looked at regularly; the last call for an Application counts.
func (s *sources) follow(app types.NamespacedName, repo source.Repository) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, ok := s.follows[app]
	if ok && before.repo == repo {
		return
	}
	s.follows[app] = follow{repo, s.refPoller.Follow(repo)}
	if ok {
		before.release()
	}
}

// forget drops all that is kept for an Application that is gone.
func (s *sources) forget(app types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.follows[app]; ok {
		f.release()
		delete(s.follows, app)
	}
}

// followedBy returns the repository that an Application follows, with its credentials.
func (s *sources) followedBy(app types.NamespacedName) (source.Repository, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.follows[app]
	return f.repo, ok
}

// followers lists the Applications that follow a repository, by its identity.
func (s *sources) followers(identity string) []types.NamespacedName {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []types.NamespacedName
	for app, f := range s.follows {
		if f.repo.Identity() == identity {
			all = append(all, app)
		}
	}
	return all
}

// byIdentity returns a repository that an Application follows, by its identity.
func (s *sources) byIdentity(identity string) (source.Repository, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.follows {
		if f.repo.Identity() == identity {
			return f.repo, true
		}
	}
	return source.Repository{}, false
}

// followed lists the Applications by the repository that they follow.
func (s *sources) followed() map[source.Repository][]types.NamespacedName {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[source.Repository][]types.NamespacedName{}
	for app, f := range s.follows {
		all[f.repo] = append(all[f.repo], app)
	}
	return all
}

// wantedSource is what the Application says, unless an operation runs that brings a source of its own, as a rollback
// does.
func wantedSource(app *v1alpha1.Application) v1alpha1.ApplicationSource {
	wanted, _ := app.SyncSource()
	return wanted
}

// wantedRevision is what is to be compared with: the operation's, else the source's.
func wantedRevision(app *v1alpha1.Application, src v1alpha1.ApplicationSource) string {
	if op := app.Operation; op != nil && op.Sync != nil && !op.InitiatedBy.Automated {
		switch {
		case op.Sync.Revision != "":
			return op.Sync.Revision
		case len(op.Sync.Revisions) == 1:
			return op.Sync.Revisions[0]
		}
	}
	return src.TargetRevision
}
