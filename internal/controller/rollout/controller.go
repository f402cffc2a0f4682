// Package rollout is the controller of Rollouts: it observes what is there, asks the pure package of the same name
// what to do, does it, and reports.
package rollout

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/controller/recorder"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/rollout/strategy"
	"github.com/cyan-cd/cyan/internal/traffic"
	"github.com/cyan-cd/cyan/internal/traffic/service"
)

// Options are what a controller of Rollouts can be told.
type Options struct {
	// InstanceID limits the controller to Rollouts with this controller-instance-id label; empty: to those without one.
	InstanceID string
	// Workers is the number of Rollouts that are looked at at the same time; 16 when zero.
	Workers int
	// Now returns the time; time.Now when nil.
	Now func() time.Time
	// Metrics is where the controller's metrics are registered; controller-runtime's registry when nil.
	Metrics prometheus.Registerer
}

// Setup adds the controller to a manager, whose cache may be limited to the ReplicaSets and pods that carry a
// pod-template hash: others are not read from it.
func Setup(mgr ctrl.Manager, o Options) error {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Workers == 0 {
		o.Workers = 16
	}
	if o.Metrics == nil {
		o.Metrics = ctrlmetrics.Registry
	}
	r := newReconciler(mgr, o)
	if err := mgr.Add(r.reporter.recorder); err != nil {
		return err
	}
	if err := o.Metrics.Register(r.reporter.metrics); err != nil {
		return fmt.Errorf("registering the metrics of Rollouts: %w", err)
	}
	if err := addIndexes(mgr.GetFieldIndexer()); err != nil {
		return err
	}
	if err := setupUnserved(mgr, o.InstanceID); err != nil {
		return err
	}
	enqueue := enqueuer{mgr.GetClient()}
	deployments := &metav1.PartialObjectMetadata{}
	deployments.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	templates := &metav1.PartialObjectMetadata{}
	templates.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("PodTemplate"))
	return ctrl.NewControllerManagedBy(mgr).
		Named("rollout").
		For(&v1alpha1.Rollout{}, builder.WithPredicates(ofInstance(o.InstanceID))).
		Owns(&appsv1.ReplicaSet{}).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(enqueue.ofPod)).
		Watches(&corev1.Service{}, handler.EnqueueRequestsFromMapFunc(enqueue.ofService)).
		Watches(&discoveryv1.EndpointSlice{}, handler.EnqueueRequestsFromMapFunc(enqueue.ofEndpointSlice)).
		WatchesMetadata(deployments, handler.EnqueueRequestsFromMapFunc(enqueue.ofWorkload("Deployment"))).
		WatchesMetadata(templates, handler.EnqueueRequestsFromMapFunc(enqueue.ofWorkload("PodTemplate"))).
		WithOptions(controller.Options{MaxConcurrentReconciles: o.Workers}).
		Complete(r)
}

// ofInstance lets through the objects that this controller looks after.
func ofInstance(id string) predicate.Predicate {
	return predicate.NewPredicateFuncs(func(o client.Object) bool { return isOfInstance(o, id) })
}

// isOfInstance reports whether an object is looked after by the controller with an id; that without one looks after
// objects that have no label.
func isOfInstance(o client.Object, id string) bool {
	return o.GetLabels()[v1alpha1.RolloutInstanceIDLabel] == id
}

const (
	// staleRequeueAfter is the wait for a cache that is behind: watches take milliseconds.
	staleRequeueAfter = 10 * time.Millisecond
	// workloadRequeueAfter is how often a ReplicaSet in workloadRef is looked at: it is not watched.
	workloadRequeueAfter = 30 * time.Second
)

// reconciler observes, decides, acts and reports.
type reconciler struct {
	observer observer
	actor    actor
	reporter reporter
	now      func() time.Time
	// seen are the Rollouts that were there when they were last looked at, for the event of those that go.
	seen sync.Map
	// waiting holds since when an action of a Rollout waits.
	waiting sync.Map
}

// newRecorder returns what records the events of Rollouts.
func newRecorder(writer client.Client, now func() time.Time) *recorder.Recorder {
	return recorder.New(writer, recorder.Options{Source: "cyan-rollout", Kind: v1alpha1.GroupVersion.WithKind(v1alpha1.RolloutKind), Lanes: 4, Queued: 1024, Now: now})
}

func newReconciler(mgr ctrl.Manager, o Options) *reconciler {
	now := o.Now
	writer := client.WithFieldOwner(mgr.GetClient(), v1alpha1.RolloutFieldManager)
	live, written, last := mgr.GetAPIReader(), newExpectations(now), newVersions()
	router := service.Router{Client: writer, Cache: mgr.GetClient(), Live: live, Shared: service.NewShared()}
	reporter := reporter{client: writer, versions: last, recorder: newRecorder(writer, now), metrics: newMetrics(mgr.GetClient(), o.InstanceID)}
	return &reconciler{
		observer: observer{cache: mgr.GetClient(), live: live, router: router, expectations: written, versions: last, instance: o.InstanceID},
		actor:    actor{client: writer, live: live, router: router, expectations: written, now: now, record: reporter.record},
		reporter: reporter,
		now:      now,
	}
}

// Reconcile makes one decision about a Rollout and carries it out.
func (r *reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	began, key := r.now(), request.NamespacedName
	observed, err := r.look(ctx, key)
	switch {
	case errors.Is(err, errForeign):
		r.leave(key)
		return reconcile.Result{}, nil
	case err == nil && observed == nil:
		return reconcile.Result{}, r.forget(ctx, key)
	}
	var result reconcile.Result
	switch {
	case errors.Is(err, errStale):
		result, err = reconcile.Result{RequeueAfter: staleRequeueAfter}, nil
	case err == nil:
		result, err = r.reconcile(ctx, key, observed)
	}
	r.reporter.metrics.reconciled(key.Namespace, key.Name, r.now().Sub(began), err)
	return result, err
}

// look observes a Rollout. What is remembered of it is enough where nothing is to be done, or can be done yet; whatever
// is done follows from what the API server says.
func (r *reconciler) look(ctx context.Context, key client.ObjectKey) (*rollout.Observation, error) {
	remembered, err := r.observer.remembered(ctx, key)
	if err != nil {
		return nil, err
	}
	if remembered != nil {
		if idle, err := r.isIdle(ctx, *remembered); err != nil || idle {
			return remembered, err
		}
	}
	return r.observer.observe(ctx, key, remembered)
}

// isIdle reports whether nothing is to be done with a Rollout, or what comes first has to wait by what is remembered.
func (r *reconciler) isIdle(ctx context.Context, remembered rollout.Observation) (bool, error) {
	now := r.now()
	actions := strategy.Decide(remembered, now).Actions
	if len(actions) == 0 {
		return true, nil
	}
	first, ok := actions[0].(rollout.SwitchService)
	if !ok {
		return false, nil
	}
	err := r.actor.router.MaySwitch(ctx, remembered.Rollout, first, now)
	var held *traffic.HeldError
	if errors.As(err, &held) {
		return true, nil
	}
	return false, err
}

func (r *reconciler) reconcile(ctx context.Context, key client.ObjectKey, observed *rollout.Observation) (reconcile.Result, error) {
	ro := observed.Rollout
	r.seen.Store(key, identityOf(ro))
	now := r.now()
	decision := strategy.Decide(*observed, now)
	held, err := r.actor.act(ctx, ro, decision.Actions)
	if err != nil {
		return r.failed(ctx, ro, decision, err)
	}
	told, waited := decision, r.waited(key, held, now)
	if held != nil {
		told = rollout.Waiting(decision, held.action, held.why, waited)
	}
	if held != nil && waited == 0 {
		log.FromContext(ctx).Info("waiting", "action", held.action.String(), "why", held.why.Error())
	}
	if held == nil || !rollout.IsBrief(ro.Status, decision, held.action, waited) {
		if err := r.reporter.report(ctx, ro, told); err != nil {
			return again(err)
		}
	}
	result := reconcile.Result{RequeueAfter: requeueAfter(ro, decision, now), Priority: priorityOf(decision)}
	if held != nil && (result.RequeueAfter == 0 || heldRequeueAfter(waited) < result.RequeueAfter) {
		result.RequeueAfter = heldRequeueAfter(waited)
	}
	return result, nil
}

// waited returns how long an action of a Rollout has waited; zero when none does, or since now.
func (r *reconciler) waited(key client.ObjectKey, held *heldAction, now time.Time) time.Duration {
	if held == nil {
		r.waiting.Delete(key)
		return 0
	}
	since, _ := r.waiting.LoadOrStore(key, now)
	return now.Sub(since.(time.Time))
}

// heldRequeueAfter returns the wait after a check spoke against an action, which has waited for so long. What it waits
// for mostly comes by watch before; nobody looks every second at what does not come for minutes.
func heldRequeueAfter(waited time.Duration) time.Duration {
	const least, most, share = time.Second, 10 * time.Second, 10
	return min(max(waited/share, least), most)
}

// forget leaves what belonged to a Rollout that is gone.
func (r *reconciler) forget(ctx context.Context, key client.ObjectKey) error {
	if was, ok := r.seen.LoadAndDelete(key); ok {
		r.reporter.record(was.(*v1alpha1.Rollout), rollout.EventDeleted(key.Name))
	}
	r.leave(key)
	return r.actor.router.ReleaseAll(ctx, key)
}

// leave drops what was remembered of a Rollout that this controller does not look after any more.
func (r *reconciler) leave(key client.ObjectKey) {
	r.seen.Delete(key)
	r.waiting.Delete(key)
	r.reporter.versions.forget(key)
	r.reporter.metrics.forget(key.Namespace, key.Name)
}

// identityOf returns of a Rollout what an event about it needs.
func identityOf(ro *v1alpha1.Rollout) *v1alpha1.Rollout {
	return &v1alpha1.Rollout{TypeMeta: ro.TypeMeta, ObjectMeta: metav1.ObjectMeta{Namespace: ro.Namespace, Name: ro.Name, UID: ro.UID}}
}

// failed reports a ReplicaSet that could not be made, which a person has to see; other errors are tried again.
func (r *reconciler) failed(ctx context.Context, ro *v1alpha1.Rollout, decision rollout.Decision, cause error) (reconcile.Result, error) {
	var create *createError
	if errors.As(cause, &create) {
		decision.Status = rollout.CreateFailed(ro, create, r.now())
		if err := r.reporter.report(ctx, ro, decision); err != nil {
			return reconcile.Result{}, errors.Join(cause, err)
		}
	}
	return again(cause)
}

// again tries again after an error: at once when somebody was quicker, to decide on what is there now.
func again(err error) (reconcile.Result, error) {
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return reconcile.Result{RequeueAfter: staleRequeueAfter}, nil
	}
	return reconcile.Result{}, err
}

// requeueAfter returns how long to wait when nothing is heard; zero: for ever.
func requeueAfter(ro *v1alpha1.Rollout, decision rollout.Decision, now time.Time) time.Duration {
	var waits []time.Duration
	if !decision.RequeueAt.IsZero() {
		wait := max(decision.RequeueAt.Sub(now), staleRequeueAfter)
		if isSettled(decision) {
			wait += apart(ro.UID)
		}
		waits = append(waits, wait)
	}
	if ref := ro.Spec.WorkloadRef; ref != nil && ref.Kind == "ReplicaSet" {
		waits = append(waits, workloadRequeueAfter)
	}
	if len(waits) == 0 {
		return 0
	}
	return slices.Min(waits)
}

// isSettled reports whether no request waits for what comes next: pods that have no traffic go.
func isSettled(decision rollout.Decision) bool {
	return decision.Status.Phase == v1alpha1.RolloutHealthy
}

// The priorities of Rollouts whose time has come.
var (
	priorityTraffic = 0
	prioritySettled = -50
)

// priorityOf returns the priority with which a Rollout is looked at again: behind those whose traffic is to be
// switched, if it has settled.
func priorityOf(decision rollout.Decision) *int {
	if isSettled(decision) {
		return &prioritySettled
	}
	return &priorityTraffic
}

// Times at which pods go are whole seconds: the Rollouts whose pods go at the same one are divided among slots, so that
// those that are to be switched at that moment get workers. Those of a slot share what they read.
const (
	slots     = 4
	slotEvery = time.Second / slots
)

// apart returns how long after its time a settled Rollout is looked at.
func apart(uid types.UID) time.Duration {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(uid))
	return time.Duration(sum.Sum32()%slots) * slotEvery
}
