package application

import (
	"context"
	"log/slog"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/source"
)

// The priorities of Applications in the work queue; what nobody has given one has 0.
const (
	// priorityChanged is of those of whose files a commit has changed some.
	priorityChanged = 100
	// priorityUnchanged is of those that have to be looked at, though a commit has changed nothing of theirs.
	priorityUnchanged = -50
)

// news divides the Applications that follow a repository when it has changed: git is asked once what a commit changed,
// and those that it concerns are looked at first. For those that stand as they are, only the revision is recorded, when
// there is nothing else to do.
type news struct {
	projects, apps client.Reader
	control        string
	newest         *newest
	sources        *sources
	renderer       *compare.Renderer
	queue          *enqueuer
	recorder       *revisionRecorder
	log            *slog.Logger
}

// span is the way from one commit of a repository to another.
type span struct {
	repo     source.Repository
	from, to string
}

// look is what is asked of git once for all Applications that follow a repository.
type look struct {
	revisions map[string]string
	changes   map[span]*compare.Changes
}

// of hears that a repository has changed, or is reachable again.
func (n *news) of(ctx context.Context, identity string) {
	asked := look{revisions: map[string]string{}, changes: map[span]*compare.Changes{}}
	for _, name := range n.sources.followers(identity) {
		app, err := n.newest.get(ctx, name)
		if err != nil {
			n.queue.add(name)
			continue
		}
		n.sort(ctx, asked, name, app)
	}
	n.unseen(ctx, asked, identity)
}

// mostUnseen bounds the pairs of commits that git is asked about for Applications that were not looked at yet.
const mostUnseen = 16

// unseen puts those first that were not looked at since the start and below whose path a file has changed since they
// were compared last: what they read is not known before they are rendered, and all others come before them by
// chance.
func (n *news) unseen(ctx context.Context, asked look, identity string) {
	repo, ok := n.sources.byIdentity(identity)
	if !ok {
		return
	}
	var apps v1alpha1.ApplicationList
	if err := n.apps.List(ctx, &apps, client.UnsafeDisableDeepCopy); err != nil {
		n.log.Error("listing Applications", "err", err)
		return
	}
	for i := range apps.Items {
		app := &apps.Items[i]
		name := client.ObjectKeyFromObject(app)
		src, one := app.SyncSource()
		if _, seen := n.sources.followedBy(name); !seen && one && src.RepoURL == repo.URL && n.hasChanged(ctx, asked, app, src, repo) {
			n.queue.addWith(name, priorityChanged)
		}
	}
}

// hasChanged reports whether a file below the path of an Application has changed since it was compared last.
func (n *news) hasChanged(ctx context.Context, asked look, app *v1alpha1.Application, src v1alpha1.ApplicationSource, repo source.Repository) bool {
	s := span{repo, app.Status.Sync.Revision, n.resolve(ctx, asked, repo, src.TargetRevision)}
	if s.from == "" || s.to == "" || s.from == s.to {
		return false
	}
	if _, known := asked.changes[s]; !known && len(asked.changes) >= mostUnseen {
		return false
	}
	changes := n.changes(ctx, asked, s)
	return changes != nil && changes.Within(src.Path)
}

// sort puts one Application where it belongs.
func (n *news) sort(ctx context.Context, asked look, name types.NamespacedName, app *v1alpha1.Application) {
	src, one := app.SyncSource()
	repo, followed := n.sources.followedBy(name)
	if !one || !followed || repo.URL != src.RepoURL || n.signed(ctx, app) {
		n.queue.add(name)
		return
	}
	from, to := n.renderer.Rendered(app, src, repo), n.resolve(ctx, asked, repo, src.TargetRevision)
	switch {
	case from == "" && n.hasChanged(ctx, asked, app, src, repo):
		n.queue.addWith(name, priorityChanged)
	case from == "" || to == "":
		n.queue.add(name)
	case from == to && !operation.OnlyRevision(app):
		n.queue.add(name)
	case from == to:
		n.recorder.add(name, to)
	default:
		n.advance(ctx, asked, name, app, src, span{repo, from, to})
	}
}

// signed reports whether an Application's project wants every commit to be signed, whatever it changes.
func (n *news) signed(ctx context.Context, app *v1alpha1.Application) bool {
	of := &v1alpha1.AppProject{}
	err := n.projects.Get(ctx, types.NamespacedName{Namespace: n.control, Name: projectName(app)}, of)
	return err != nil || project.AsksForSignatures(of)
}

func (n *news) advance(ctx context.Context, asked look, name types.NamespacedName, app *v1alpha1.Application, src v1alpha1.ApplicationSource, s span) {
	changes := n.changes(ctx, asked, s)
	switch {
	case changes == nil || !n.renderer.Advance(app, src, s.repo, s.to, *changes):
		n.queue.addWith(name, priorityChanged)
	case operation.OnlyRevision(app):
		n.recorder.add(name, s.to)
	default:
		n.queue.addWith(name, priorityUnchanged)
	}
}

// resolve returns the commit of a revision, "" when that is not known now.
func (n *news) resolve(ctx context.Context, asked look, repo source.Repository, revision string) string {
	key := repo.Identity() + " " + revision
	sha, known := asked.revisions[key]
	if !known {
		sha, _ = n.sources.resolve(ctx, repo, revision)
		asked.revisions[key] = sha
	}
	return sha
}

// changes returns what changed between two commits, nil when git does not know.
func (n *news) changes(ctx context.Context, asked look, s span) *compare.Changes {
	if known, ok := asked.changes[s]; ok {
		return known
	}
	files, err := n.sources.mirrors.ChangedFiles(ctx, s.repo, s.from, s.to)
	asked.changes[s] = nil
	if err != nil {
		n.log.Warn("what a commit changed is not known, so that all Applications that follow the repository are looked at", "repository", s.repo.String(), "err", err)
		return nil
	}
	changes := compare.NewChanges(files)
	asked.changes[s] = &changes
	return &changes
}
