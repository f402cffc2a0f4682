package compare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/source"
)

// Changes are the files in which two commits differ, made up for asking about many renderings.
type Changes = render.Changes

// NewChanges returns the changes that git lists.
func NewChanges(files []source.ChangedFile) Changes {
	all := make([]render.Change, len(files))
	for i, file := range files {
		all[i] = render.Change(file)
	}
	return render.NewChanges(all)
}

// Rendered returns the revision that an Application's source was rendered at last, "" when it was not, or had another
// source then.
func (r *Renderer) Rendered(app *v1alpha1.Application, src v1alpha1.ApplicationSource, repo source.Repository) string {
	if last := r.lastOf(app, src, repo); last != nil {
		return last.Revision
	}
	return ""
}

// Advance reports whether an Application's source renders to the same at another revision, given what changed since the
// one of [Renderer.Rendered]. Where it does, that is its rendering from now on.
func (r *Renderer) Advance(app *v1alpha1.Application, src v1alpha1.ApplicationSource, repo source.Repository, to string, changes Changes) bool {
	last := r.lastOf(app, src, repo)
	if last == nil || last.Err != nil || usesRevision(last.Result) || last.Result.ReadSet.TouchedBy(changes) {
		return false
	}
	advanced := *last
	advanced.Revision = to
	r.last.Add(nameOf(app), &advanced, advanced.Result.Size)
	return true
}

func (r *Renderer) lastOf(app *v1alpha1.Application, src v1alpha1.ApplicationSource, repo source.Repository) *Rendering {
	last, ok := r.last.Get(nameOf(app))
	if !ok || last.options != optionsOf(app, src, repo, r.settings()) {
		return nil
	}
	return last
}

// optionsOf names everything but the revision and the keys that a rendering depends on.
func optionsOf(app *v1alpha1.Application, src v1alpha1.ApplicationSource, repo source.Repository, settings render.Settings) string {
	return optionsHash(app, src) + repo.Identity() + fmt.Sprint(settings)
}

// usesRevision reports whether a variable that tells the revision went into a result.
func usesRevision(result *render.Result) bool {
	return slices.ContainsFunc(result.EnvUsed, func(name string) bool { return strings.HasPrefix(name, revisionVariable) })
}
