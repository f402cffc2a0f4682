package application

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	ctrlsource "sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cluster"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/controller/recorder"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/settings"
	"github.com/cyan-cd/cyan/internal/source"
)

// Options are what the controller of Applications needs. Mirrors and RefPoller are needed; the rest has defaults.
type Options struct {
	// Mirrors reads git.
	Mirrors *source.Mirrors
	// RefPoller follows the repositories; the controller takes what Changed gives. The caller has it Run.
	RefPoller *source.RefPoller
	// ControlNamespace is where Applications, AppProjects and Secrets are: "argocd" when empty.
	ControlNamespace string
	// Programs are those that cluster Secrets may have run as this process; none when zero.
	Programs cluster.Programs
	// Render bounds what rendering one source costs.
	Render compare.RenderOptions
	// Workers is the number of Applications that are worked on at the same time; 10 when zero.
	Workers int
	// Watchdog notices workers that are stuck; a new one when nil.
	Watchdog *Watchdog
	// Now returns the time; time.Now when nil.
	Now func() time.Time
	// Git counts what Mirrors asks hosts; nothing does when nil.
	Git *GitMeters
	// MetricLabels are the labels of Applications that metrics show.
	MetricLabels MetricLabels
	// Metrics is where metrics are registered; controller-runtime's registry when nil.
	Metrics prometheus.Registerer
	// Looks is set up to compare for those who ask; it may be nil.
	Looks *Looks
	// Log may be nil.
	Log *slog.Logger
}

func (o *Options) setDefaults() {
	if o.ControlNamespace == "" {
		o.ControlNamespace = "argocd"
	}
	if o.Workers == 0 {
		o.Workers = 10
	}
	if o.Render.Time == 0 {
		o.Render.Time = 2 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Watchdog == nil {
		o.Watchdog = NewWatchdog(o.Now)
	}
	o.Watchdog.workers = o.Workers
	if o.Metrics == nil {
		o.Metrics = ctrlmetrics.Registry
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// renderPatience is how long a worker waits for a rendering. One that takes longer goes on, and its Application is
// looked at again when it has ended.
const renderPatience = 2 * time.Second

// Setup adds the controller to a manager.
func Setup(mgr manager.Manager, o Options) error {
	o.setDefaults()
	r := &reconciler{
		observer: &observer{
			orphans: newOrphanLooks(), given: &handOvers{},
			client:  client.WithFieldOwner(mgr.GetClient(), v1alpha1.ApplicationFieldManager),
			sources: newSources(o.Mirrors, o.RefPoller), comparer: compare.New(), control: o.ControlNamespace, now: o.Now, settings: &currentSettings{},
		},
		newest: newNewest(mgr.GetClient(), mgr.GetAPIReader()), log: o.Log,
		meters: newMeters(), hooks: &heldHooks{of: map[types.NamespacedName]heldIn{}}, watchdog: o.Watchdog, settingsRead: make(chan struct{}),
	}
	kube, anything, err := connect(mgr.GetConfig())
	if err != nil {
		return err
	}
	queue := newEnqueuer()
	r.queue = queue
	r.recorder = newRecorder(r.client, v1alpha1.ApplicationKind, o.Now)
	ofProjects := newRecorder(r.client, v1alpha1.AppProjectKind, o.Now)
	revisions := newRevisionRecorder(r.client, r.newest, queue, o.Now, o.Log)
	ofLooks := o.Render
	o.Render.Patience, o.Render.Finished, o.Render.Rendered = renderPatience, queue.add, r.meters.rendered
	ring := &keyring{reader: mgr.GetAPIReader(), namespace: o.ControlNamespace, now: o.Now, log: o.Log}
	if o.Render.Keys != nil {
		ring.started = o.Render.Keys(context.Background(), "")
	}
	o.Render.Keys = ring.current
	o.Render.Settings = func() settings.Settings { return r.settings.get().Settings }
	r.renderer, r.follow = compare.NewRenderer(o.Mirrors, o.Render), r.sources.follow
	r.rolledBack = compare.NewNamer(compare.NewRenderer(o.Mirrors, ofRolledBack(o.Render)))
	ofLooks.Keys, ofLooks.Settings = o.Render.Keys, o.Render.Settings
	life, end := context.WithCancel(context.Background())
	r.clusters = live.NewRegistry(life, mgr.GetConfig(), o.Log, func(instance string) { queue.add(plan.ApplicationOf(instance, r.control)) })
	r.clusters.Programs = o.Programs
	o.Looks.setUp(r, compare.NewRenderer(o.Mirrors, ofLooks))
	err = mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		<-ctx.Done()
		end()
		return nil
	}))
	if err != nil {
		return err
	}
	collectors := []prometheus.Collector{infoCollector{mgr.GetClient(), r.orphans, o.MetricLabels}, clusterCollector{r.clusters.States}}
	if o.Git != nil {
		collectors = append(collectors, o.Git.collectors()...)
	}
	if err := r.meters.register(o.Metrics, collectors...); err != nil {
		return fmt.Errorf("registering the metrics of Applications: %w", err)
	}
	f := &follower{reader: r.client, control: r.control, sources: r.sources, clusters: r.clusters, queue: queue, log: r.log,
		news:     &news{projects: r.client, apps: r.client, control: r.control, newest: r.newest, sources: r.sources, renderer: r.renderer, queue: queue, recorder: revisions, log: r.log},
		settings: r.settings, settingsRead: r.settingsRead}
	for _, run := range []manager.RunnableFunc{
		func(ctx context.Context) error { return f.followSettings(ctx, kube) },
		func(ctx context.Context) error { return f.followRefs(ctx, o.RefPoller) },
		revisions.run,
		r.recorder.Start,
		ofProjects.Start,
		newSetWatcher(anything, o.Now, o.Log).run,
	} {
		if err := mgr.Add(run); err != nil {
			return err
		}
	}
	projects := &projectReconciler{client: r.client, recorder: ofProjects, control: r.control, log: r.log, named: map[types.NamespacedName]int64{}}
	if err := projects.setUp(mgr); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("application").
		For(&v1alpha1.Application{}, builder.WithPredicates(asked())).
		Watches(&v1alpha1.AppProject{}, handler.EnqueueRequestsFromMapFunc(f.applicationsOf)).
		Watches(&coordinationv1.Lease{}, handler.EnqueueRequestsFromMapFunc(handedOver)).
		WatchesRawSource(ctrlsource.Func(queue.start)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: o.Workers,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](retryFirst, retryMost),
		}).
		Complete(r)
}

// ofRolledBack are the options for rendering commits that people rolled back, which count as no renderings of the
// source.
func ofRolledBack(o compare.RenderOptions) compare.RenderOptions {
	o.Rendered = nil
	return o
}

// connect returns clients of the control plane's cluster.
func connect(config *rest.Config) (kubernetes.Interface, dynamic.Interface, error) {
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, nil, fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	anything, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, nil, fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	return kube, anything, nil
}

// queuedEvents bounds the events that wait: some are told of each Application when all of them are synced at once.
const queuedEvents = 1 << 15

// eventsSettle is how long the transitions of an Application's status are collected before an event tells of them.
const eventsSettle = 2 * time.Second

// newRecorder returns what records the events of objects of a kind.
func newRecorder(writer client.Client, kind string, now func() time.Time) *recorder.Recorder {
	return recorder.New(writer, recorder.Options{Source: "cyan-application", Kind: v1alpha1.GroupVersion.WithKind(kind), Queued: queuedEvents, Settle: eventsSettle, Now: now})
}

// retryFirst and retryMost bound the time after which an Application is looked at again whose reconcile ended in an
// error.
const (
	retryFirst = 50 * time.Millisecond
	retryMost  = 30 * time.Second
)

// asked lets through what people and tools ask for, and not what this controller itself writes.
func asked() predicate.Predicate {
	return predicate.Funcs{
		UpdateFunc: func(e event.UpdateEvent) bool {
			was, ok := e.ObjectOld.(*v1alpha1.Application)
			is, ok2 := e.ObjectNew.(*v1alpha1.Application)
			if !ok || !ok2 {
				return true
			}
			return !equality.Semantic.DeepEqual(was.Spec, is.Spec) ||
				!equality.Semantic.DeepEqual(was.Annotations, is.Annotations) ||
				!equality.Semantic.DeepEqual(was.Finalizers, is.Finalizers) ||
				!equality.Semantic.DeepEqual(was.Operation, is.Operation) ||
				was.DeletionTimestamp.IsZero() != is.DeletionTimestamp.IsZero() ||
				is.Status.OperationState != nil && is.Status.OperationState.Phase == v1alpha1.OperationTerminating
		},
	}
}
