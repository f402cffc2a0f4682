package application

import (
	"context"
	"errors"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/source"
)

// gather looks at everything that concerns an Application. An error means that the control plane itself can't be read.
func (r *observer) gather(ctx context.Context, app *v1alpha1.Application) (*observation, error) {
	o := &observation{now: r.now(), name: client.ObjectKeyFromObject(app), app: app, settings: r.settings.get(), refresh: app.Annotations[v1alpha1.RefreshAnnotation]}
	o.instance, o.began = instanceOf(r.control, o.name), r.begun.get(app)
	var err error
	if err = r.gatherProject(ctx, o); err != nil {
		return nil, err
	}
	if o.project == nil {
		o.add(v1alpha1.ConditionInvalidSpecError, fmt.Errorf("Application referencing project %s which does not exist; create AppProject %s in namespace %s, or set spec.project to %s", projectName(app), projectName(app), r.control, v1alpha1.DefaultProject))
	}
	o.cluster, err = r.clusters.For(app.Spec.Destination)
	if errors.Is(err, live.ErrSkipped) && app.DeletionTimestamp == nil {
		o.skipped = true
		return o, nil
	}
	if err != nil {
		o.add(v1alpha1.ConditionInvalidSpecError, err)
	}
	chooseWriter(o)
	if app.DeletionTimestamp != nil {
		return o, nil
	}
	if err := gatherHandOver(ctx, r.client, r.given, o); err != nil {
		return nil, err
	}
	checkSettings(o, r.control)
	checkServed(o)
	if _, err := operation.CheckSource(app); err != nil {
		o.add(v1alpha1.ConditionInvalidSpecError, err)
	}
	if o.stops() {
		return o, nil
	}
	checkProject(o, r.control)
	if o.stops() {
		return o, nil
	}
	if err := r.gatherSource(ctx, o); err != nil {
		return nil, err
	}
	if o.rendered == nil || o.stopsComparing() {
		return o, nil
	}
	if err := r.compare(ctx, o); err != nil {
		return nil, err
	}
	return o, warnOfOrphans(ctx, o, r.orphans)
}

// gatherSource resolves the revision and renders it, where the project permits that commit. While the repository
// can't be reached, the revision known last stands.
func (r *observer) gatherSource(ctx context.Context, o *observation) error {
	repo := r.sources.repository(o.permitted)
	for _, what := range r.sources.unserved(o.permitted) {
		o.add(v1alpha1.ConditionUnsupportedWarning, errors.New(what))
	}
	r.follow(o.name, repo)
	if err := r.refresh(ctx, o, repo); err != nil {
		return err
	}
	unresolved := r.gatherRevision(ctx, o, repo)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if o.revision == "" {
		return nil
	}
	if err := r.checkSigned(ctx, o, repo); err != nil {
		o.add(v1alpha1.ConditionComparisonError, err)
		return ctx.Err()
	}
	rendered, err := renderSource(ctx, r.renderer, o, repo)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && unresolved != nil:
		// The repository is away, which is the cause of both.
		return nil
	case err != nil:
		o.add(v1alpha1.ConditionComparisonError, err)
		return nil
	}
	o.rendered = rendered
	if err := gatherRolledBack(ctx, r.rolledBack, o, repo); err != nil {
		return err
	}
	for _, w := range rendered.Result.Warnings {
		o.add(w.Type, errors.New(w.Message))
	}
	return nil
}

// gatherRevision resolves the revision, and returns why that can't be done now.
func (r *observer) gatherRevision(ctx context.Context, o *observation, repo source.Repository) error {
	revision, err := r.sources.resolve(ctx, repo, wantedRevision(o.app, o.source))
	if err != nil {
		o.add(v1alpha1.ConditionComparisonError, err)
	}
	if source.IsTemporary(err) {
		revision = lastRevision(o.app, o.source)
	}
	o.revision = revision
	return err
}

// checkSigned returns why the observation's revision may not be rendered: its project wants it signed, and it is not. A
// signature that can't be checked is as good as none.
func (r *observer) checkSigned(ctx context.Context, o *observation, repo source.Repository) error {
	signers, no := project.SignersOf(o.project, o.source.RepoURL)
	switch {
	case no != nil:
		return errors.New(no.String())
	case !signers.Asked():
		return nil
	}
	keys, revision := o.settings.signers.asked(signers), wantedRevision(o.app, o.source)
	of := verdictOf{repo.Identity(), revision, o.revision, digestOf(keys)}
	signature, known := r.verdicts.get(of, o.now)
	if !known || o.refresh != "" || operation.IsAsked(o.app) {
		var err error
		if signature, err = r.sources.mirrors.Signature(ctx, repo, revision, o.revision, keys); err != nil {
			r.verdicts.forget(of)
			return err
		}
		r.verdicts.put(of, signature, o.now)
	}
	if no = signers.Check(signature, o.settings.signers.ids); no != nil {
		return errors.New(no.String())
	}
	return nil
}

// refresh has git asked anew where the refresh annotation wants it, or a person has asked for a sync: what was pushed
// before is what they mean. So it is before a retry that takes what is newest. A hard one drops what is remembered of
// rendering and comparing, too. An error means that there is no time left: whether git answers is found when the
// revision is resolved.
func (r *observer) refresh(ctx context.Context, o *observation, repo source.Repository) error {
	if o.refresh == "" && !operation.LooksAtGit(o.app, o.now) {
		return nil
	}
	if o.refresh == "hard" {
		r.renderer.Distrust(o.name)
		r.comparer.Forget(o.name)
	}
	if err := r.sources.mirrors.Refresh(ctx, repo); err != nil && ctx.Err() != nil {
		return err
	}
	return nil
}

// gatherRolledBack finds what git wants at the commit that a person rolled back, where another one is at the source's
// revision by now.
func gatherRolledBack(ctx context.Context, namer *compare.Namer, o *observation, repo source.Repository) error {
	pinned := o.app.Annotations[v1alpha1.RollbackPinAnnotation]
	if pinned == "" || pinned == o.revision || !o.app.Spec.IsAutomated() {
		return nil
	}
	manifests, err := namer.Manifests(ctx, o.app, o.permitted, repo, pinned)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	o.rolledBack = operation.RolledBack{Manifests: manifests, Pending: source.IsTemporary(err)}
	return nil
}

// renderSource renders the source at the observation's revision.
func renderSource(ctx context.Context, renderer *compare.Renderer, o *observation, repo source.Repository) (*compare.Rendering, error) {
	rendered, err := renderer.Render(ctx, o.app, o.permitted, repo, o.revision)
	if err != nil {
		return nil, err
	}
	return rendered, rendered.Err
}

// lastRevision is the one that the status speaks of, if it is of the same source.
func lastRevision(app *v1alpha1.Application, src v1alpha1.ApplicationSource) string {
	s := app.Status.Sync
	if s.ComparedTo.Source == nil || s.ComparedTo.Source.RepoURL != src.RepoURL || s.ComparedTo.Source.TargetRevision != src.TargetRevision {
		return ""
	}
	return s.Revision
}
