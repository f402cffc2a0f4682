package application

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
	"github.com/cyan-cd/cyan/internal/source"
)

// sources gives rendered commits, and has the repositories of all Applications followed.
type sources struct {
	mirrors *source.Mirrors
	tips    *source.Tips
	// renderer renders what is not rendered already.
	renderer render.Func

	mu       sync.Mutex
	book     source.Book
	rendered map[types.NamespacedName]*rendering
	follows  map[types.NamespacedName]follow
}

type follow struct {
	repo    source.Repository
	release func()
}

// rendering is what an Application's source rendered to last.
type rendering struct {
	// options names everything but the tree that the result depends on.
	options  string
	revision string
	result   *render.Result
	err      error
	// judged is what validation said, of which kinds.
	judged *judgement
}

// maxRendered is the number of sources whose objects are kept, for as many Applications.
const maxRendered = 4096

func newSources(mirrors *source.Mirrors, tips *source.Tips) *sources {
	return &sources{mirrors: mirrors, tips: tips, renderer: render.Cached(renderers.Render, maxRendered), rendered: map[types.NamespacedName]*rendering{}, follows: map[types.NamespacedName]follow{}}
}

func (s *sources) setBook(book source.Book) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.book = book
}

func (s *sources) repository(url string) source.Repository {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.book.Repository(url)
}

// follow has an Application's repository looked at regularly; the last call for an Application counts.
func (s *sources) follow(app types.NamespacedName, repo source.Repository) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, ok := s.follows[app]
	if ok && before.repo == repo {
		return
	}
	s.follows[app] = follow{repo, s.tips.Follow(repo)}
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
	delete(s.rendered, app)
}

// followers lists the Applications that follow a repository.
func (s *sources) followers(url string) []types.NamespacedName {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []types.NamespacedName
	for app, f := range s.follows {
		if source.NormalizeURL(f.repo.URL) == url {
			all = append(all, app)
		}
	}
	return all
}

// followed lists the Applications by the repository that they follow.
func (s *sources) followed() map[string][]types.NamespacedName {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string][]types.NamespacedName{}
	for app, f := range s.follows {
		url := source.NormalizeURL(f.repo.URL)
		all[url] = append(all[url], app)
	}
	return all
}

func (s *sources) drop(app types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.rendered, app)
}

// render gives the objects of a source at a commit. What was rendered before is given again when nothing that it read has changed.
func (s *sources) render(ctx context.Context, app types.NamespacedName, src v1alpha1.ApplicationSource, revision, namespace string) (*rendering, error) {
	env := environment(app, src, revision, namespace)
	options := optionsHash(src, namespace)
	s.mu.Lock()
	before := s.rendered[app]
	s.mu.Unlock()
	if before != nil && before.options == options && before.revision == revision {
		return before, nil
	}
	tree, err := s.mirrors.Tree(ctx, s.repository(src.RepoURL), revision)
	if err != nil {
		return nil, err
	}
	result, err := s.renderer(tree, src, render.Options{Namespace: namespace, Env: env})
	var refused *render.Error
	if err != nil && !errors.As(err, &refused) {
		return nil, err
	}
	fresh := &rendering{options: options, revision: revision, result: result, err: err}
	if before != nil && before.result == result {
		fresh.judged = before.judged
	}
	s.keep(app, fresh)
	return fresh, nil
}

func (s *sources) keep(app types.NamespacedName, r *rendering) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rendered[app] = r
}

func optionsHash(src v1alpha1.ApplicationSource, namespace string) string {
	// The revision is the tree's; everything else of the source counts.
	src.TargetRevision = ""
	text, err := json.Marshal(src)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(text, "\n%s", namespace))
	return hex.EncodeToString(sum[:])
}

func environment(app types.NamespacedName, src v1alpha1.ApplicationSource, revision, namespace string) map[string]string {
	short := func(n int) string { return revision[:min(n, len(revision))] }
	return map[string]string{
		"ARGOCD_APP_NAME": app.Name, "ARGOCD_APP_NAMESPACE": namespace,
		"ARGOCD_APP_REVISION": revision, "ARGOCD_APP_REVISION_SHORT": short(7), "ARGOCD_APP_REVISION_SHORT_8": short(8),
		"ARGOCD_APP_SOURCE_REPO_URL": src.RepoURL, "ARGOCD_APP_SOURCE_PATH": src.Path, "ARGOCD_APP_SOURCE_TARGET_REVISION": src.TargetRevision,
	}
}
