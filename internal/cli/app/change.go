package app

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/patch"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/repository"
	"github.com/cyan-cd/cyan/internal/settings"
)

// warn names the sync options that mean nothing, what else is not served, and repositories that the server may refuse,
// that an Application has not had before.
func warn(a *kit.Control, before, app *v1alpha1.Application) {
	had := plan.CheckOptions(before.Spec.GetSyncOptions(), nil)
	for _, about := range plan.CheckOptions(app.Spec.GetSyncOptions(), nil) {
		if !slices.Contains(had, about) {
			a.Note("warning: %s", about)
		}
	}
	known := settings.UnservedOf(before)
	for _, f := range settings.UnservedOf(app) {
		if !slices.Contains(known, f) {
			a.Note("warning: %s", f.Problem())
		}
	}
	for _, about := range onDisk(before, app) {
		a.Note("warning: %s", about)
	}
}

// onDisk names the repositories on the server's disk that an Application has not had before. Whether the server allows
// them, it alone knows.
func onDisk(before, app *v1alpha1.Application) (warnings []string) {
	had := before.Spec.GetSources()
	for _, source := range app.Spec.GetSources() {
		u, err := repository.Parse(source.RepoURL)
		if err != nil || u.Scheme() != "file" || slices.ContainsFunc(had, func(h v1alpha1.ApplicationSource) bool { return h.RepoURL == source.RepoURL }) {
			continue
		}
		warnings = append(warnings, fmt.Sprintf("repository %s: a directory of the server's machine, which a server refuses by default; start it with --allow-repository-directory %s, or give the URL of a git host", source.RepoURL, u.Path()))
	}
	return warnings
}

// change edits an Application and writes what became different.
func change(ctx context.Context, a *kit.Control, name string, edit func(client.Client, *v1alpha1.Application) error) error {
	c, err := a.ConnectServed()
	if err != nil {
		return err
	}
	app, err := get(ctx, a, c, name)
	if err != nil {
		return err
	}
	before := app.DeepCopy()
	if err := edit(c, app); err != nil {
		return err
	}
	if equality.Semantic.DeepEqual(before, app) {
		return a.Say(fmt.Sprintf("application '%s' unchanged", app.Name))
	}
	warn(a, before, app)
	if err := patch.Object(ctx, c, before, app); err != nil {
		return a.Explain(err, "changing Application "+name)
	}
	return a.Say(fmt.Sprintf("application '%s' updated", app.Name))
}
