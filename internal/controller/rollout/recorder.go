package rollout

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash/fnv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
)

const (
	eventSource = "cyan-rollout"
	// lanes is how many events are written at the same time. Those of one Rollout are in one lane, and so in order.
	lanes = 4
	// queuedEvents bounds how many events of a lane wait for the API server; those beyond are left out.
	queuedEvents = 1024
	// maxEventMessage is the API server's own limit, in bytes.
	maxEventMessage = 1024
	// flushTimeout bounds how long a controller that stops writes the events that still wait.
	flushTimeout = 2 * time.Second
)

// recorder writes events in the order in which they are recorded, each as an object of its own: what is told twice is
// not counted up, since each has its text. A decision does not wait for it.
type recorder struct {
	client client.Client
	now    func() time.Time
	queues [lanes]chan *corev1.Event
}

func newRecorder(writer client.Client, now func() time.Time) *recorder {
	r := &recorder{client: writer, now: now}
	for i := range r.queues {
		r.queues[i] = make(chan *corev1.Event, queuedEvents)
	}
	return r
}

// record queues an event about a Rollout.
func (r *recorder) record(ro *v1alpha1.Rollout, e rollout.Event) {
	lane := fnv.New32a()
	_, _ = lane.Write([]byte(ro.UID))
	select {
	case r.queues[lane.Sum32()%lanes] <- eventObject(ro, e, r.now()):
	default:
	}
}

// eventObject returns the object of an event. One that is recorded once has a name that follows from what it says.
func eventObject(ro *v1alpha1.Rollout, e rollout.Event, now time.Time) *corev1.Event {
	suffix := rand.String(16)
	if e.Once {
		sum := sha256.Sum256([]byte(string(ro.UID) + "\x00" + e.Reason + "\x00" + e.Message))
		suffix = hex.EncodeToString(sum[:8])
	}
	at := metav1.NewTime(now)
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: ro.Namespace, Name: ro.Name[:min(len(ro.Name), 253-1-len(suffix))] + "." + suffix},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.RolloutKind,
			Namespace: ro.Namespace, Name: ro.Name, UID: ro.UID, ResourceVersion: ro.ResourceVersion,
		},
		Type: e.Type, Reason: e.Reason, Message: truncate(e.Message, maxEventMessage),
		Source: corev1.EventSource{Component: eventSource}, ReportingController: eventSource,
		FirstTimestamp: at, LastTimestamp: at, Count: 1,
	}
}

// truncate returns a text of at most so many bytes.
func truncate(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	const more = "…"
	end := 0
	for i := range text {
		if i > limit-len(more) {
			break
		}
		end = i
	}
	return text[:end] + more
}

// Start implements manager.Runnable: it writes until the controller stops, and then what still waits.
func (r *recorder) Start(ctx context.Context) error {
	var all sync.WaitGroup
	for _, queue := range r.queues {
		all.Go(func() { r.serve(ctx, queue) })
	}
	all.Wait()
	return nil
}

func (r *recorder) serve(ctx context.Context, queue <-chan *corev1.Event) {
	for {
		select {
		case e := <-queue:
			r.write(ctx, e)
		case <-ctx.Done():
			r.flush(context.WithoutCancel(ctx), queue)
			return
		}
	}
}

func (r *recorder) flush(ctx context.Context, queue <-chan *corev1.Event) {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	for {
		select {
		case e := <-queue:
			r.write(ctx, e)
		default:
			return
		}
	}
}

// write creates an event, and tries again when the API server is away for a moment. One that is there was recorded.
func (r *recorder) write(ctx context.Context, e *corev1.Event) {
	backoff := wait.Backoff{Duration: 50 * time.Millisecond, Factor: 3, Steps: 4}
	var last error
	err := wait.ExponentialBackoffWithContext(ctx, backoff, func(ctx context.Context) (bool, error) {
		last = r.client.Create(ctx, e.DeepCopy())
		return last == nil || isFinal(last), nil
	})
	if err != nil || (last != nil && !apierrors.IsAlreadyExists(last) && !isGone(last)) {
		log.FromContext(ctx).Info("event is lost", "rollout", client.ObjectKey{Namespace: e.Namespace, Name: e.InvolvedObject.Name}, "reason", e.Reason, "why", last)
	}
}

// isFinal reports whether another attempt would end in the same way.
func isFinal(err error) bool {
	return apierrors.IsAlreadyExists(err) || isGone(err) || apierrors.IsForbidden(err) || apierrors.IsInvalid(err)
}

// isGone reports whether the namespace goes, or is gone: its events go with it.
func isGone(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
}
