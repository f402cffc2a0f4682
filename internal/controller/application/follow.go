package application

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
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
			for _, app := range f.sources.followers(identity) {
				f.queue.add(app)
			}
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

// enqueuer puts Applications into the work queue from anywhere.
type enqueuer struct {
	mu     sync.Mutex
	queue  workqueue.TypedRateLimitingInterface[reconcile.Request]
	before []types.NamespacedName
}

func (e *enqueuer) start(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue = queue
	for _, app := range e.before {
		queue.Add(reconcile.Request{NamespacedName: app})
	}
	e.before = nil
	return nil
}

func (e *enqueuer) add(app types.NamespacedName) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.queue == nil {
		e.before = append(e.before, app)
		return
	}
	e.queue.Add(reconcile.Request{NamespacedName: app})
}
