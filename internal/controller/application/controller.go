package application

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/events"
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
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/source"
)

// Options are what the controller of Applications needs. Mirrors and Tips are needed; the rest has defaults.
type Options struct {
	// Mirrors reads git.
	Mirrors *source.Mirrors
	// Tips follows the repositories; the controller takes what Changed gives. The caller has it Run.
	Tips *source.RefPoller
	// ControlNamespace is where Applications, AppProjects and Secrets are: "argocd" when empty.
	ControlNamespace string
	// Programs are those that cluster Secrets may have run as this process; none when zero.
	Programs cluster.Programs
	// Workers is the number of Applications that are worked on at the same time; 10 when zero.
	Workers int
	// Now tells the time; time.Now when nil.
	Now func() time.Time
	// Metrics is where metrics are registered; controller-runtime's registry when nil.
	Metrics prometheus.Registerer
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
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Metrics == nil {
		o.Metrics = ctrlmetrics.Registry
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// reconciler looks at one Application at a time per worker.
type reconciler struct {
	client   client.Client
	live     client.Reader
	recorder events.EventRecorder
	sources  *sources
	clusters *live.Registry
	renderer *compare.Renderer
	comparer *compare.Comparer
	control  string
	now      func() time.Time
	log      *slog.Logger
	meters   *meters
	wake     *wake
	hooks    *heldHooks
	// secretsRead is closed once the Secrets are known.
	secretsRead chan struct{}
}

// Setup adds the controller to a manager.
func Setup(mgr manager.Manager, o Options) error {
	o.setDefaults()
	r := &reconciler{
		client: client.WithFieldOwner(mgr.GetClient(), v1alpha1.ApplicationFieldManager), live: mgr.GetAPIReader(), recorder: mgr.GetEventRecorder("cyan-application"),
		sources: newSources(o.Mirrors, o.Tips), renderer: compare.NewRenderer(o.Mirrors), comparer: compare.New(), control: o.ControlNamespace, now: o.Now, log: o.Log,
		meters: newMeters(), wake: &wake{}, hooks: &heldHooks{of: map[types.NamespacedName]heldIn{}}, secretsRead: make(chan struct{}),
	}
	if err := r.meters.register(o.Metrics, mgr.GetClient()); err != nil {
		return fmt.Errorf("registering the metrics of Applications: %w", err)
	}
	kube, err := kubernetes.NewForConfig(mgr.GetConfig())
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", mgr.GetConfig().Host, err)
	}
	for _, run := range []manager.RunnableFunc{
		func(ctx context.Context) error { return r.followSettings(ctx, kube) },
		func(ctx context.Context) error { return r.followTips(ctx, o.Tips) },
	} {
		if err := mgr.Add(run); err != nil {
			return err
		}
	}
	life, end := context.WithCancel(context.Background())
	r.clusters = live.NewRegistry(life, mgr.GetConfig(), o.Log, func(instance string) { r.wake.add(r.appOf(instance)) })
	r.clusters.Programs = o.Programs
	err = mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		<-ctx.Done()
		end()
		return nil
	}))
	if err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("application").
		For(&v1alpha1.Application{}, builder.WithPredicates(asked())).
		Watches(&v1alpha1.AppProject{}, handler.EnqueueRequestsFromMapFunc(r.appsOf)).
		WatchesRawSource(ctrlsource.Func(r.wake.start)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: o.Workers,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](retryFirst, retryMost),
		}).
		Complete(r)
}

// retryFirst and retryMost bound the time after which an Application is looked at again whose reconcile ended in an error.
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

// appsOf lists the Applications of a project.
func (r *reconciler) appsOf(ctx context.Context, project client.Object) []reconcile.Request {
	var apps v1alpha1.ApplicationList
	if err := r.client.List(ctx, &apps); err != nil {
		r.log.Error("listing Applications", "err", err)
		return nil
	}
	var all []reconcile.Request
	for i := range apps.Items {
		if projectName(&apps.Items[i]) == project.GetName() {
			all = append(all, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&apps.Items[i])})
		}
	}
	return all
}

// instance names an Application in tracking-ids.
func (r *reconciler) instance(app types.NamespacedName) string {
	if app.Namespace == r.control {
		return app.Name
	}
	return app.Namespace + "_" + app.Name
}

func (r *reconciler) appOf(instance string) types.NamespacedName {
	return plan.ApplicationOf(instance, r.control)
}

// wake puts Applications into the work queue from anywhere.
type wake struct {
	mu     sync.Mutex
	queue  workqueue.TypedRateLimitingInterface[reconcile.Request]
	before []types.NamespacedName
}

func (w *wake) start(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = queue
	for _, app := range w.before {
		queue.Add(reconcile.Request{NamespacedName: app})
	}
	w.before = nil
	return nil
}

func (w *wake) add(app types.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.queue == nil {
		w.before = append(w.before, app)
		return
	}
	w.queue.Add(reconcile.Request{NamespacedName: app})
}

// gitCheck is the time between two looks at which repositories can't be reached.
const gitCheck = 2 * time.Second

// followTips wakes the Applications whose repository has news, or went away.
func (r *reconciler) followTips(ctx context.Context, tips *source.RefPoller) error {
	ticker := time.NewTicker(gitCheck)
	defer ticker.Stop()
	away := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case url := <-tips.Changed():
			for _, app := range r.sources.followers(url) {
				r.wake.add(app)
			}
		case <-ticker.C:
			for url, apps := range r.sources.followed() {
				failing := tips.Err(url) != nil
				if failing != away[url] {
					for _, app := range apps {
						r.wake.add(app)
					}
				}
				away[url] = failing
			}
		}
	}
}

func (r *reconciler) wakeAll(ctx context.Context) {
	var apps v1alpha1.ApplicationList
	if err := r.client.List(ctx, &apps); err != nil {
		r.log.Error("listing Applications", "err", err)
		return
	}
	for i := range apps.Items {
		r.wake.add(client.ObjectKeyFromObject(&apps.Items[i]))
	}
}
