// Package handover is the hand-over of an Application's objects to somebody who works on them for a while, such as a
// dev loop: the Lease by which they are taken, what a Lease means, and what is to be undone when it ends. It is pure.
//
// A Lease is in the namespace of its Application. Whoever takes one writes into it which objects he is about to apply,
// before he does, so that what is not git's can be undone whatever became of him.
package handover

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/problem"
)

const (
	// Duration is how long a hand-over holds that is not renewed.
	Duration = 60 * time.Second
	// Renewal is the time between two renewals.
	Renewal = 15 * time.Second

	// Label is on the Leases of hand-overs, and on the objects that a holder has added, where its value is the UID of the
	// Lease.
	Label = "cyan.dev/handover"
	// ApplicationAnnotation names the Application of a Lease.
	ApplicationAnnotation = "cyan.dev/application"
	// ObjectsAnnotation lists what a holder has applied, as JSON of []Object.
	ObjectsAnnotation = "cyan.dev/handover-objects"
	// ReclaimedAnnotation names who has taken the objects back from their holder.
	ReclaimedAnnotation = "cyan.dev/reclaimed-by"
	// FieldManager is who owns the fields that a holder applies.
	FieldManager = "cyan-dev"

	// mostObjects and mostBytes bound what a Lease lists.
	mostObjects = 500
	mostBytes   = 128 << 10
	// mostName bounds the name of an object, as Kubernetes does.
	mostName = 253
	prefix   = "handover."
)

// Object is one that a holder has applied.
type Object struct {
	Group     string `json:"group,omitempty"`
	Version   string `json:"version"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// GroupVersionKind is the kind of an object.
func (o Object) GroupVersionKind() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: o.Group, Version: o.Version, Kind: o.Kind}
}

// String names an object as messages do.
func (o Object) String() string {
	if o.Namespace == "" {
		return o.Kind + " " + o.Name
	}
	return o.Kind + " " + o.Namespace + "/" + o.Name
}

// HandOver is what the Lease of an Application means.
type HandOver struct {
	// Holder has the objects, since Since. Nobody has them when it is empty: then what was done is to be undone.
	Holder string
	Since  time.Time
	// ID names this hand-over, and no other of the same Application.
	ID string
}

// Held reports whether somebody has the objects.
func (h *HandOver) Held() bool { return h != nil && h.Holder != "" }

// Ended reports whether what a holder did is to be undone.
func (h *HandOver) Ended() bool { return h != nil && h.Holder == "" }

// Message returns who has the objects, and how they are taken back.
func (h *HandOver) Message(app string) string {
	return fmt.Sprintf("%s%s%s%s; `cyan app reclaim %s` takes it back", handedTo, h.Holder, since, h.Since.UTC().Format(time.RFC3339), app)
}

const handedTo, since = "handed over to ", " since "

// Told returns who has the objects of an Application by what [HandOver.Message] tells of them; false for anything else.
func Told(message, app string) (HandOver, bool) {
	h := HandOver{}
	rest, is := strings.CutPrefix(message, handedTo)
	at := strings.LastIndex(rest, since)
	if !is || at < 0 {
		return h, false
	}
	text, _, _ := strings.Cut(rest[at+len(since):], ";")
	when, err := time.Parse(time.RFC3339, text)
	h.Holder, h.Since = rest[:at], when
	return h, err == nil && h.Message(app) == message
}

// LeaseName returns the name of the Lease of an Application.
func LeaseName(app string) string {
	if len(prefix)+len(app) <= mostName {
		return prefix + app
	}
	sum := sha256.Sum256([]byte(app))
	const kept = 150
	return prefix + app[:kept] + "." + hex.EncodeToString(sum[:])
}

// ApplicationOf returns the name of the Application that a Lease is of; "" for a Lease of anything else.
func ApplicationOf(lease *coordinationv1.Lease) string {
	app := lease.Annotations[ApplicationAnnotation]
	if _, is := lease.Labels[Label]; !is || app == "" || lease.Name != LeaseName(app) {
		return ""
	}
	return app
}

// Of returns what a Lease means that was seen unchanged for a while; nil for no Lease. A holder's clock is not asked:
// the time of a renewal is when it was seen.
func Of(lease *coordinationv1.Lease, unchangedFor time.Duration) *HandOver {
	if lease == nil {
		return nil
	}
	h := &HandOver{Since: timeOf(lease.Spec.AcquireTime), ID: fmt.Sprintf("%s/%d", lease.UID, timeOf(lease.Spec.RenewTime).UnixMicro())}
	if holder := lease.Spec.HolderIdentity; holder != nil && lease.DeletionTimestamp == nil && unchangedFor < durationOf(lease) {
		h.Holder = *holder
	}
	return h
}

// durationOf is how long a Lease holds that is not renewed: what it asks for, and no longer than Duration.
func durationOf(lease *coordinationv1.Lease) time.Duration {
	if s := lease.Spec.LeaseDurationSeconds; s != nil && *s > 0 {
		return min(time.Duration(*s)*time.Second, Duration)
	}
	return Duration
}

func timeOf(t *metav1.MicroTime) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

// Objects returns what the holder of a Lease has applied.
func Objects(lease *coordinationv1.Lease) ([]Object, error) {
	text := lease.Annotations[ObjectsAnnotation]
	if text == "" {
		return nil, nil
	}
	bad := func(cause string) error {
		return &problem.Error{Kind: problem.Usage, Object: "Lease " + lease.Namespace + "/" + lease.Name, Field: "annotation " + ObjectsAnnotation, Cause: cause, Remedy: "delete the Lease when what was handed over is as it should be"}
	}
	if len(text) > mostBytes {
		return nil, bad(fmt.Sprintf("larger than %d bytes", mostBytes))
	}
	var all []Object
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, bad("invalid: " + err.Error())
	}
	if len(all) > mostObjects {
		return nil, bad(fmt.Sprintf("lists more than %d objects", mostObjects))
	}
	for _, o := range all {
		if o.Version == "" || o.Kind == "" || o.Name == "" {
			return nil, bad("an object has no version, kind or name")
		}
	}
	return all, nil
}

// Take returns the Lease by which a holder takes an Application's objects, made of the one that is there, or nil. It
// returns an error that names the holder where another one has them.
func Take(lease *coordinationv1.Lease, namespace, app, holder string, unchangedFor time.Duration, now time.Time) (*coordinationv1.Lease, error) {
	switch h := Of(lease, unchangedFor); {
	case h.Held() && h.Holder != holder:
		return nil, &problem.Error{Kind: problem.Refused, Object: fmt.Sprintf("Application %q", app), Cause: "handed over to " + h.Holder + " since " + h.Since.UTC().Format(time.RFC3339), Remedy: fmt.Sprintf("ask there, or take it back with `cyan app reclaim %s`", app)}
	case h.Ended():
		return nil, &problem.Error{Kind: problem.Unreachable, Object: fmt.Sprintf("Application %q", app), Cause: "what was handed over before is being undone", Remedy: "wait until it is"}
	case h.Held():
		return Renew(lease, now), nil
	}
	at, seconds := metav1.NewMicroTime(now), int32(Duration/time.Second)
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: LeaseName(app), Labels: map[string]string{Label: "application"}, Annotations: map[string]string{ApplicationAnnotation: app}},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, AcquireTime: &at, RenewTime: &at},
	}, nil
}

// Renew returns a Lease that holds on.
func Renew(lease *coordinationv1.Lease, now time.Time) *coordinationv1.Lease {
	renewed, at := lease.DeepCopy(), metav1.NewMicroTime(now)
	renewed.Spec.RenewTime = &at
	return renewed
}

// Release returns a Lease that nobody holds any more; by names who has taken it back from its holder, "" for the holder
// himself.
func Release(lease *coordinationv1.Lease, by string) *coordinationv1.Lease {
	released, nobody := lease.DeepCopy(), ""
	released.Spec.HolderIdentity = &nobody
	if by != "" {
		if released.Annotations == nil {
			released.Annotations = map[string]string{}
		}
		released.Annotations[ReclaimedAnnotation] = by
	}
	return released
}

// WithObjects returns a Lease that lists also the objects that its holder is about to apply.
func WithObjects(lease *coordinationv1.Lease, objects ...Object) (*coordinationv1.Lease, error) {
	all, err := Objects(lease)
	if err != nil {
		return nil, err
	}
	known := map[Object]bool{}
	for _, o := range all {
		known[o] = true
	}
	for _, o := range objects {
		if !known[o] {
			known[o], all = true, append(all, o)
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("listing what is handed over: %w", err)
	}
	listing := lease.DeepCopy()
	if listing.Annotations == nil {
		listing.Annotations = map[string]string{}
	}
	listing.Annotations[ObjectsAnnotation] = string(text)
	if _, err := Objects(listing); err != nil {
		return nil, err
	}
	return listing, nil
}
