// Package recorder writes events about objects, in the order in which they happen and without anybody waiting for it:
// the API server takes decisions first, and what is told of them when it has time.
package recorder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

const (
	// maxMessage is the API server's own limit, in bytes.
	maxMessage = 1024
	// flushTimeout bounds how long a controller that stops writes the events that still wait.
	flushTimeout = 2 * time.Second
)

// Event is what is told of an object.
type Event struct {
	// Type is Normal or Warning.
	Type            string
	Reason, Message string
	// Action is what was done; it may be empty.
	Action string
	// Once is set for an event that is recorded a single time for an object, however often that is asked for.
	Once bool
	// Changes are what an event tells instead of a Message: fields of a status that have changed.
	Changes []Change
}

// Options are how a Recorder works. Each is needed, but for Lanes.
type Options struct {
	// Source is the controller that records.
	Source string
	// Kind is that of the objects.
	Kind schema.GroupVersionKind
	// Lanes is how many events are written at the same time; one when zero. Those of one object are in one lane, and so in
	// order.
	Lanes int
	// Queued bounds how many events of a lane wait for the API server; those beyond are left out, and counted in the log.
	Queued int
	// Settle is how long an event of Changes waits for the next ones of its object, which it takes up; 0 for not at all.
	Settle time.Duration
	Now    func() time.Time
}

// Recorder writes events in the order in which they are recorded, each as an object of its own: what is told twice is
// not counted up, since each has its text. Changes that follow each other before they are written are told as one.
type Recorder struct {
	Options
	client  client.Client
	lanes   []*lane
	leftOut atomic.Int64
}

// New returns a Recorder that queues until it is started.
func New(writer client.Client, o Options) *Recorder {
	r := &Recorder{Options: o, client: writer, lanes: make([]*lane, max(o.Lanes, 1))}
	for i := range r.lanes {
		r.lanes[i] = newLane()
	}
	return r
}

// Record queues an event about an object.
func (r *Recorder) Record(about metav1.Object, e Event) {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(about.GetUID()))
	to := r.lanes[sum.Sum32()%uint32(len(r.lanes))] //nolint:gosec // there are few lanes
	if !to.add(&waiting{event: r.object(about, e), changes: slices.Clone(e.Changes)}, r.Settle, r.Queued) {
		r.leftOut.Add(1)
	}
}

// object returns the object of an event. One that is recorded once has a name that follows from what it says.
func (r *Recorder) object(about metav1.Object, e Event) *corev1.Event {
	suffix := rand.String(16)
	if e.Once {
		sum := sha256.Sum256([]byte(string(about.GetUID()) + "\x00" + e.Reason + "\x00" + e.Message))
		suffix = hex.EncodeToString(sum[:8])
	}
	if len(e.Changes) > 0 {
		e.Message = describe(e.Changes)
	}
	name, at := about.GetName(), metav1.NewTime(r.Now())
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: about.GetNamespace(), Name: name[:min(len(name), 253-1-len(suffix))] + "." + suffix},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: r.Kind.GroupVersion().String(), Kind: r.Kind.Kind,
			Namespace: about.GetNamespace(), Name: name, UID: about.GetUID(), ResourceVersion: about.GetResourceVersion(),
		},
		Type: e.Type, Reason: e.Reason, Action: e.Action, Message: truncate(e.Message, maxMessage),
		Source: corev1.EventSource{Component: r.Source}, ReportingController: r.Source,
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
func (r *Recorder) Start(ctx context.Context) error {
	var all sync.WaitGroup
	for _, lane := range r.lanes {
		all.Go(func() { r.serve(ctx, lane) })
	}
	all.Wait()
	return nil
}

func (r *Recorder) serve(ctx context.Context, from *lane) {
	for {
		e := from.take()
		if ctx.Err() != nil {
			r.flush(context.WithoutCancel(ctx), e, from)
			return
		}
		if e == nil {
			select {
			case <-from.wake:
			case <-ctx.Done():
			}
			continue
		}
		r.write(ctx, e)
		if left := r.leftOut.Swap(0); left > 0 {
			log.FromContext(ctx).Info("events are lost, since they come faster than the API server takes them", "source", r.Source, "number", left)
		}
	}
}

// flush writes an event, if there is one, and those that wait behind it.
func (r *Recorder) flush(ctx context.Context, e *corev1.Event, from *lane) {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	if e != nil {
		r.write(ctx, e)
	}
	from.releaseAll()
	for ctx.Err() == nil {
		if e = from.take(); e == nil {
			return
		}
		r.write(ctx, e)
	}
	if left := from.size(); left > 0 {
		log.FromContext(ctx).Info("events are lost, since the controller stops", "source", r.Source, "number", left)
	}
}

// write creates an event, and tries again when the API server is away for a moment. One that is there was recorded.
func (r *Recorder) write(ctx context.Context, e *corev1.Event) {
	backoff := wait.Backoff{Duration: 50 * time.Millisecond, Factor: 3, Steps: 4}
	var last error
	err := wait.ExponentialBackoffWithContext(ctx, backoff, func(ctx context.Context) (bool, error) {
		last = r.client.Create(ctx, e.DeepCopy())
		return last == nil || isFinal(last), nil
	})
	if err != nil || (last != nil && !apierrors.IsAlreadyExists(last) && !isGone(last)) {
		log.FromContext(ctx).Info("event is lost", "of", fmt.Sprintf("%s %s/%s", r.Kind.Kind, e.Namespace, e.InvolvedObject.Name), "reason", e.Reason, "why", last)
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
