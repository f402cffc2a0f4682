package application

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/project"
)

// elsewhere returns which of some objects other Applications have in git by now, with the instance of each: what a
// commit has moved from one to another is handed over, whichever is looked at first. Those that follow the same
// repository and go to the same cluster are asked, as far as their projects permit them the object; one that can't be
// rendered in time has nothing.
func (r *observer) elsewhere(ctx context.Context, o *observation, objects []plan.Key) map[plan.Key]string {
	repo, followed := r.sources.followedBy(o.name)
	if !followed {
		return nil
	}
	kinds, err := o.cluster.Kinds(ctx, nil)
	if err != nil {
		return nil
	}
	scoped := kinds.ClusterScoped()
	searched := map[plan.Key]bool{}
	for _, key := range objects {
		searched[key] = true
	}
	ctx, cancel := context.WithTimeout(ctx, renderPatience)
	defer cancel()
	found := map[plan.Key]string{}
	for _, name := range r.sources.followers(repo.Identity()) {
		if name == o.name {
			continue
		}
		for _, key := range r.wants(ctx, o, name, scoped) {
			if searched[key] {
				found[key] = instanceOf(r.control, name)
			}
		}
	}
	return found
}

// wants are the objects that another Application has in git in the cluster of the observed one, and may have. One that
// refuses what is another's already does not take anything over.
func (r *observer) wants(ctx context.Context, o *observation, name types.NamespacedName, scoped map[schema.GroupKind]bool) []plan.Key {
	app := &v1alpha1.Application{}
	if err := r.client.Get(ctx, name, app); err != nil || app.DeletionTimestamp != nil || plan.ParseOptions(app.Spec.GetSyncOptions()).FailOnShared() {
		return nil
	}
	cluster, err := r.clusters.For(app.Spec.Destination)
	if err != nil || cluster != o.cluster {
		return nil
	}
	other := &observation{now: o.now, name: name, app: app, settings: o.settings, cluster: cluster}
	rendered := r.renderOther(ctx, other)
	if rendered == nil {
		return nil
	}
	var all []plan.Key
	bounds := other.bounds()
	for _, key := range plan.KeysOf(rendered.Desired(), app.Spec.Destination.Namespace, scoped) {
		if bounds.Hold(key) {
			all = append(all, key)
		}
	}
	return all
}

// renderOther renders what another Application has in git by now; nil where its project does not permit it, or it can't
// be rendered.
func (r *observer) renderOther(ctx context.Context, other *observation) *compare.Rendering {
	app := other.app
	if err := r.gatherProject(ctx, other); err != nil || other.project == nil || len(project.Check(other.project, app, other.to(), r.control)) > 0 {
		return nil
	}
	permitted, violations := project.PermitSync(other.project, app)
	if len(violations) > 0 {
		return nil
	}
	src, repo := permitted.Source(), r.sources.repository(permitted)
	revision, err := r.sources.resolve(ctx, repo, wantedRevision(app, src))
	if err != nil || project.AsksForSignatures(other.project) && r.renderer.Rendered(app, src, repo) != revision {
		// A commit that was not rendered yet may be one that nobody has signed.
		return nil
	}
	rendered, err := r.renderer.Render(ctx, app, permitted, repo, revision)
	if err != nil || rendered.Err != nil {
		return nil
	}
	return rendered
}

// lostInDeletion are the objects of an Application that is being deleted and that others have in git by now.
func (r *observer) lostInDeletion(ctx context.Context, o *observation, live map[plan.Key]*unstructured.Unstructured) map[plan.Key]string {
	lost := plan.Lost(nil, live, plan.Policy{Instance: o.instance, Tracking: o.tracking()})
	if len(lost) == 0 {
		return nil
	}
	return r.elsewhere(ctx, o, lost)
}
