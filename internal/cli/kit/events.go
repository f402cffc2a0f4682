package kit

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// The reasons of events about what people do.
const (
	ReasonCreated   = "ResourceCreated"
	ReasonUpdated   = "ResourceUpdated"
	ReasonDeleted   = "ResourceDeleted"
	ReasonOperation = "OperationStarted"
)

// wordsOf are the kinds whose changes are recorded, as events name them.
var wordsOf = map[string]string{v1alpha1.ApplicationKind: "application", v1alpha1.AppProjectKind: "project"}

// recording is a client that records who has changed an Application or an AppProject, in events about it. Who may not
// write events changes them all the same.
type recording struct {
	client.WithWatch
	user, program string
}

// deed is what a command does, as an event tells it; the zero value is told of by others.
type deed struct{ reason, note string }

type deedKey struct{}

// Doing returns a context in which a change of an Application is recorded by a reason and a note of its own, which
// follows the name of who does it. Without a reason it is not recorded: what comes of it is told by the controller.
func Doing(ctx context.Context, reason, note string) context.Context {
	return context.WithValue(ctx, deedKey{}, deed{reason, note})
}

func (r *recording) Create(ctx context.Context, object client.Object, opts ...client.CreateOption) error {
	err := r.WithWatch.Create(ctx, object, opts...)
	if o := (&client.CreateOptions{}).ApplyOptions(opts); err == nil && len(o.DryRun) == 0 {
		r.record(ctx, object, ReasonCreated, "created")
	}
	return err
}

func (r *recording) Update(ctx context.Context, object client.Object, opts ...client.UpdateOption) error {
	err := r.WithWatch.Update(ctx, object, opts...)
	if o := (&client.UpdateOptions{}).ApplyOptions(opts); err == nil && len(o.DryRun) == 0 {
		r.record(ctx, object, ReasonUpdated, "updated")
	}
	return err
}

func (r *recording) Patch(ctx context.Context, object client.Object, by client.Patch, opts ...client.PatchOption) error {
	err := r.WithWatch.Patch(ctx, object, by, opts...)
	if o := (&client.PatchOptions{}).ApplyOptions(opts); err == nil && len(o.DryRun) == 0 {
		r.record(ctx, object, ReasonUpdated, "updated")
	}
	return err
}

func (r *recording) Delete(ctx context.Context, object client.Object, opts ...client.DeleteOption) error {
	err := r.WithWatch.Delete(ctx, object, opts...)
	if o := (&client.DeleteOptions{}).ApplyOptions(opts); err == nil && len(o.DryRun) == 0 {
		r.record(ctx, object, ReasonDeleted, "deleted")
	}
	return err
}

// record writes an event about an object that was changed, if it is of a kind whose changes are recorded.
func (r *recording) record(ctx context.Context, about client.Object, reason, done string) {
	kind, known := r.kindOf(about)
	word := wordsOf[kind.Kind]
	if !known || word == "" || kind.Group != v1alpha1.GroupVersion.Group {
		return
	}
	what := deed{reason, done + " " + word}
	if said, is := ctx.Value(deedKey{}).(deed); is {
		what = said
	}
	if what.reason == "" {
		return
	}
	const suffix = 16
	name, at := about.GetName(), metav1.NewTime(time.Now())
	// The change is made; whether it is told of is for the rights of who made it.
	_ = r.WithWatch.Create(ctx, &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: about.GetNamespace(), Name: name[:min(len(name), 253-1-suffix)] + "." + rand.String(suffix)},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: kind.GroupVersion().String(), Kind: kind.Kind, Namespace: about.GetNamespace(), Name: name, UID: about.GetUID(), ResourceVersion: about.GetResourceVersion(),
		},
		Type: corev1.EventTypeNormal, Reason: what.reason, Action: what.reason, Message: strings.TrimSpace(fmt.Sprintf("%s %s", r.user, what.note)),
		Source: corev1.EventSource{Component: r.program}, ReportingController: r.program, FirstTimestamp: at, LastTimestamp: at, Count: 1,
	})
}

func (r *recording) kindOf(object client.Object) (schema.GroupVersionKind, bool) {
	kind, err := r.GroupVersionKindFor(object)
	return kind, err == nil
}
