package devloop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/handover"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// takeApplication finds the Application whose objects the project renders, and takes the hand-over of them.
func takeApplication(ctx context.Context, l *loop, connection dynamic.Interface) error {
	rendered, _, err := l.manifests.render(l.project, render.Options{Keys: l.Keys})
	if err != nil {
		return err
	}
	app, err := findApplication(ctx, l.reader, connection, rendered, *l.InPlace, l.Config.Host)
	if err != nil {
		return err
	}
	bounds, err := boundsOf(ctx, l.reader, app, l.InPlace.Control)
	if err != nil {
		return err
	}
	name := types.NamespacedName{Namespace: app.Namespace, Name: app.Name}
	read := func(ctx context.Context) (*v1alpha1.Application, error) { return readApplication(ctx, l.reader, name) }
	h := &hold{read: read, clients: l.clients, note: l.note, app: app, holder: holderOf(l.User), end: func(err error) { l.ended(err) }, lapsed: make(chan struct{}, 1)}
	namespace := app.Spec.Destination.Namespace
	l.claim = &claim{
		namespaceLease: namespaceLease{clients: l.clients, namespace: namespace, holder: h.holder},
		note: RunNote{
			Host: l.Config.Host, Context: l.Context, Namespace: namespace, Application: app.Namespace + "/" + app.Name, PID: os.Getpid(), Started: time.Now(),
			path: notePath(&l.Options, "application_"+app.Namespace+"_"+app.Name),
		},
	}
	if err := l.claim.leftBehind(ctx); err != nil {
		return err
	}
	if err := h.take(ctx, l.claim.note.Lease); err != nil {
		return errors.Join(err, l.claim.note.unlock())
	}
	l.held = h
	lease, _ := h.taken()
	l.claim.note.Root, l.claim.note.Lease = l.Root, string(lease.UID)
	manner := &handed{hold: h, reader: l.reader, bounds: bounds, touched: map[apply.Ref]bool{}, waysBack: map[apply.Ref]string{}}
	if l.InPlace.Promote {
		manner.switching = desired.SwitchEach
	}
	l.manner, l.applier = manner, newApplier(l.reader, manner, l.claim.note.Made)
	l.report(Event{Kind: Began, Text: fmt.Sprintf("%s in place, on Application %s in namespace %s of %s: git's state comes back when the loop ends", l.project.Name, app.Name, namespace, where(&l.Options))})
	return l.claim.note.write()
}

// findApplication returns the Application that has what is rendered.
func findApplication(ctx context.Context, reader *live.Reader, connection dynamic.Interface, rendered []render.Rendered, wanted InPlace, host string) (*v1alpha1.Application, error) {
	resource, _, served := reader.Resource(v1alpha1.GroupVersion.WithKind(v1alpha1.ApplicationKind))
	if !served {
		return desired.Managing(rendered, nil, "", host)
	}
	namespace, name, within := strings.Cut(wanted.Application, "/")
	if !within {
		namespace, name = metav1.NamespaceAll, wanted.Application
	}
	list, err := connection.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{})
	if apierrors.IsForbidden(err) && namespace == metav1.NamespaceAll {
		list, err = connection.Resource(resource).Namespace(wanted.Control).List(ctx, metav1.ListOptions{})
	}
	if err != nil {
		return nil, &problem.Error{Kind: problem.KindOf(err), Object: "Applications", Cause: problem.Refusal(err), Remedy: "have somebody give you the right to list them, or name yours with --application NAMESPACE/NAME", Err: err}
	}
	apps := make([]v1alpha1.Application, len(list.Items))
	for i := range list.Items {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(list.Items[i].Object, &apps[i]); err != nil {
			return nil, fmt.Errorf("reading Application %s/%s: %w", list.Items[i].GetNamespace(), list.Items[i].GetName(), err)
		}
	}
	return desired.Managing(rendered, apps, name, host)
}

// boundsOf returns what the project of an Application permits.
func boundsOf(ctx context.Context, reader *live.Reader, app *v1alpha1.Application, control string) (project.Bounds, error) {
	name := cmp.Or(app.Spec.Project, v1alpha1.DefaultProject)
	// Projects are beside the Applications of the control namespace.
	for _, namespace := range []string{control, app.Namespace} {
		seen, err := reader.Client.Get(ctx, v1alpha1.GroupVersion.WithKind(v1alpha1.AppProjectKind), namespace, name)
		if err != nil {
			return project.Unbounded(), err
		}
		if seen == nil {
			continue
		}
		found := &v1alpha1.AppProject{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(seen.Object, found); err != nil {
			return project.Unbounded(), fmt.Errorf("reading AppProject %s: %w", name, err)
		}
		to := app.Spec.Destination
		return project.BoundsOf(found, project.Destination{Server: v1alpha1.InClusterServer, Name: v1alpha1.InClusterName, Namespace: to.Namespace}), nil
	}
	return project.Unbounded(), nil
}

// retake takes the hand-over again that has expired, and has everything applied again. Several may have found that it
// has: whoever comes after it was taken again finds it held.
func retake(ctx context.Context, l *loop) {
	if l.held.renew(ctx) == nil || ctx.Err() != nil {
		return
	}
	l.report(Event{Kind: Note, Text: "the hold on Application " + l.held.app.Name + " was not renewed in time, and git's state has come back; it is taken again"})
	if err := l.held.take(ctx, ""); err != nil {
		switch {
		case ctx.Err() != nil:
		case problem.Of(err) != nil && problem.KindOf(err) != problem.Unreachable:
			l.ended(err)
		default:
			// The cluster is away: the next renewal finds the hold expired as well.
			l.note(err.Error())
		}
		return
	}
	lease, _ := l.held.taken()
	l.claim.note.Lease = string(lease.UID)
	if err := l.claim.note.write(); err != nil {
		l.note(err.Error())
	}
	if m, is := l.manner.(*handed); is {
		m.forget()
	}
	l.obey("")
}

// forwarded returns the project with what is forwarded in place: Services of the project alone, and those that show
// what is new before it takes the traffic.
func forwarded(l *loop, objects []*unstructured.Unstructured) skaffold.Project {
	p := l.project
	if l.held == nil || l.Forward == ForwardOff {
		return p
	}
	var services []*corev1.Service
	for _, object := range objects {
		service := &corev1.Service{}
		if object.GetKind() == "Service" && runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, service) == nil {
			services = append(services, service)
		}
	}
	p.Forwards = forwardsOf(p, withSelectors(l.scene, services), l.Forward)
	for _, name := range desired.Previews(objects) {
		if service, err := l.scene.services.Get(name); err == nil && len(service.Spec.Ports) > 0 && !isForwarded(p, name) {
			p.Forwards = append(p.Forwards, skaffold.Forward{Type: "service", Name: name, Port: strconv.Itoa(int(service.Spec.Ports[0].Port))})
		}
	}
	return p
}

// withSelectors returns Services as they are live: who has pods is the controller's to say.
func withSelectors(s *scene, services []*corev1.Service) []*corev1.Service {
	var all []*corev1.Service
	for _, service := range services {
		if there, err := s.services.Get(service.Name); err == nil {
			all = append(all, there)
		}
	}
	return all
}

func isForwarded(p skaffold.Project, service string) bool {
	for _, f := range p.Forwards {
		if f.Name == service {
			return true
		}
	}
	return false
}

// leased reports whether a note is of a hand-over.
func (n RunNote) leased() bool { return n.Application != "" }

// leasesIn returns the Leases of a namespace.
type leasesIn func(namespace string) coordinationclient.LeaseInterface

// cleanUpHandOver releases what a loop has held that does not run any more. Where the Application is deleted, no
// controller undoes what the loop did: what it added is removed here.
func (n RunNote) cleanUpHandOver(ctx context.Context, leases leasesIn, reader *live.Reader) error {
	namespace, name, _ := strings.Cut(n.Application, "/")
	of := leases(namespace)
	seen, err := of.Get(ctx, handover.LeaseName(name), metav1.GetOptions{})
	if err == nil && string(seen.UID) == n.Lease {
		if _, missing := readApplication(ctx, reader, types.NamespacedName{Namespace: namespace, Name: name}); problem.Of(missing) != nil && problem.KindOf(missing) == problem.Absent {
			h := &hold{app: &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}, lease: seen}
			added := newApplier(reader, &handed{hold: h, reader: reader}, n.Made)
			err = errors.Join(added.remove(ctx, func(apply.Ref) bool { return true }), deleteLease(ctx, of, seen.Name, seen.UID))
		} else if handover.Of(seen, 0).Held() {
			_, err = of.Update(ctx, handover.Release(seen, ""), metav1.UpdateOptions{})
		}
	}
	if ignoreRace(err) != nil {
		return fmt.Errorf("giving Application %s back: %w", n.Application, err)
	}
	return n.remove()
}
