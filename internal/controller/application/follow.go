package application

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/settings"
	"github.com/cyan-cd/cyan/internal/source"
)

// follower hears of what concerns Applications besides themselves, and has them looked at: settings, projects,
// repositories.
type follower struct {
	reader   client.Reader
	control  string
	sources  *sources
	clusters *live.Registry
	queue    *enqueuer
	news     *news
	log      *slog.Logger
	settings *currentSettings
	// settingsRead is closed once the settings are known.
	settingsRead chan struct{}
}

// applicationsOf lists the Applications of a project.
func (f *follower) applicationsOf(ctx context.Context, project client.Object) []reconcile.Request {
	var apps v1alpha1.ApplicationList
	if err := f.reader.List(ctx, &apps); err != nil {
		f.log.Error("listing Applications", "err", err)
		return nil
	}
	isGlobal := slices.ContainsFunc(f.settings.get().GlobalProjects, func(g settings.GlobalProject) bool { return g.ProjectName == project.GetName() })
	var all []reconcile.Request
	for i := range apps.Items {
		if isGlobal || projectName(&apps.Items[i]) == project.GetName() {
			all = append(all, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&apps.Items[i])})
		}
	}
	return all
}

// gitCheck is the time between two looks at which repositories can't be reached.
const gitCheck = 2 * time.Second

// followRefs enqueues the Applications whose repository has news, or went away.
func (f *follower) followRefs(ctx context.Context, refPoller *source.RefPoller) error {
	ticker := time.NewTicker(gitCheck)
	defer ticker.Stop()
	away := map[source.Repository]bool{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case identity := <-refPoller.Changed():
			f.news.of(ctx, identity)
		case <-ticker.C:
			for repo, apps := range f.sources.followed() {
				failing := refPoller.Err(repo) != nil
				if failing != away[repo] {
					for _, app := range apps {
						f.queue.add(app)
					}
				}
				away[repo] = failing
			}
		}
	}
}

func (f *follower) enqueueAll(ctx context.Context) {
	var apps v1alpha1.ApplicationList
	if err := f.reader.List(ctx, &apps); err != nil {
		f.log.Error("listing Applications", "err", err)
		return
	}
	for i := range apps.Items {
		f.queue.add(client.ObjectKeyFromObject(&apps.Items[i]))
	}
}
