package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/view"
)

// RolloutName names a Rollout. It is exported for the library, which fills no other embedded fields.
type RolloutName struct {
	Namespace string `path:"namespace" maxLength:"63"`
	Name      string `path:"name" maxLength:"253"`
}

type rolloutsInput struct {
	Namespace string `query:"namespace" maxLength:"63"`
}

type rolloutsAnswer struct {
	Body struct {
		Items []view.RolloutView `json:"items"`
	}
}

type rolloutAnswer struct{ Body view.RolloutView }

type noBody struct {
	RolloutName
	Body struct{}
}

type promotion struct {
	RolloutName
	Body struct {
		Full bool `json:"full,omitempty" doc:"without waiting for pauses and analyses"`
	}
}

type undoing struct {
	RolloutName
	Body struct {
		ToRevision int64 `json:"toRevision,omitempty" minimum:"0" doc:"the one before the newest when 0"`
	}
}

type imageSetting struct {
	RolloutName
	Body struct {
		Container string `json:"container,omitempty" maxLength:"253" doc:"every container that runs an image of that name when empty"`
		Image     string `json:"image" minLength:"1" maxLength:"1024"`
	}
}

// rollouts are the calls that show Rollouts and change them.
type rollouts struct{ viewed }

func (s rollouts) register() {
	register(s.service, huma.Operation{OperationID: "viewRollouts", Method: http.MethodGet, Path: "/api/v1/view/rollouts", Summary: "The Rollouts that who asks may see, without their events", Tags: viewTags, Middlewares: huma.Middlewares{compact}}, s.list)
	register(s.service, huma.Operation{OperationID: "viewRollout", Method: http.MethodGet, Path: "/api/v1/view/rollouts/{namespace}/{name}", Summary: "A Rollout with its versions, pods and Services, and what may be asked of it", Tags: viewTags, Middlewares: huma.Middlewares{compact}}, s.get)
	call := func(verb, summary string) huma.Operation {
		id := strings.ReplaceAll(verb, "set-image", "setImageOf") + "Rollout"
		return huma.Operation{OperationID: id, Method: http.MethodPost, Path: "/api/v1/rollouts/{namespace}/{name}/" + verb, Summary: summary, Tags: []string{"rollouts"}}
	}
	register(s.service, call(view.Promote, "Let a paused Rollout go on"), s.promote)
	register(s.service, call(view.Undo, "Run a version from before again"), s.undo)
	register(s.service, call(view.SetImage, "Run another image, which begins a new version"), s.setImage)
	for _, simple := range []struct {
		verb, right, summary string
		ask                  func(ro *v1alpha1.Rollout, now time.Time) action.Request
	}{
		{view.Abort, access.Abort, "Give the new version up", asked(action.Abort)},
		{view.Retry, access.Retry, "Try the new version again after an abort", asked(action.Retry)},
		{view.Pause, access.Pause, "Stop a Rollout where it is", asked(action.Pause)},
		{view.Resume, access.Promote, "Let a Rollout go on that was paused by hand", asked(action.Resume)},
		{view.Restart, access.Restart, "Replace all pods", func(_ *v1alpha1.Rollout, now time.Time) action.Request { return action.Restart(now, now) }},
	} {
		register(s.service, call(simple.verb, simple.summary), func(ctx context.Context, c *caller, in *noBody) (*rolloutAnswer, error) {
			return s.change(ctx, c, in.RolloutName, simple.verb, func(r access.Rollout) access.Request { return r.On(simple.right) }, func(ro *v1alpha1.Rollout) (client.Object, action.Request, error) {
				return ro, simple.ask(ro, time.Now()), nil
			})
		})
	}
}

func asked(of func(*v1alpha1.Rollout) action.Request) func(*v1alpha1.Rollout, time.Time) action.Request {
	return func(ro *v1alpha1.Rollout, _ time.Time) action.Request { return of(ro) }
}

// rolloutCalls are the requests for the rights on a Rollout, by the action.
var rolloutCalls = map[string]func(access.Rollout) access.Request{
	view.Promote: onRollout(access.Promote), view.PromoteFull: access.Rollout.PromoteFully, view.Abort: onRollout(access.Abort), view.Retry: onRollout(access.Retry),
	view.Undo: onRollout(access.Undo), view.Pause: onRollout(access.Pause), view.Resume: onRollout(access.Promote), view.Restart: onRollout(access.Restart), view.SetImage: onRollout(access.SetImage),
}

func onRollout(right string) func(access.Rollout) access.Request {
	return func(r access.Rollout) access.Request { return r.On(right) }
}

func (s rollouts) list(ctx context.Context, c *caller, in *rolloutsInput) (*rolloutsAnswer, error) {
	rights, err := c.mayAll()
	if err != nil {
		return nil, err
	}
	var all v1alpha1.RolloutList
	if err := s.Reader.List(ctx, &all, client.InNamespace(in.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	out := &rolloutsAnswer{}
	out.Body.Items = []view.RolloutView{}
	around := surroundings{reader: s.Reader}
	for i := range all.Items {
		ro := &all.Items[i]
		app, err := s.applicationOf(ctx, ro)
		if err != nil {
			return nil, err
		}
		if named := s.namedRollout(ro, app); rights.Decide(named.On(access.Get)).Allowed {
			v, err := s.describe(ctx, &around, ro, app, rights)
			if err != nil {
				return nil, err
			}
			v.Events = []view.Event{}
			out.Body.Items = append(out.Body.Items, v)
		}
	}
	slices.SortFunc(out.Body.Items, func(a, b view.RolloutView) int {
		return strings.Compare(a.Name+"\x00"+a.Namespace, b.Name+"\x00"+b.Namespace)
	})
	return out, nil
}

func (s rollouts) get(ctx context.Context, c *caller, in *RolloutName) (*rolloutAnswer, error) {
	ro, app, err := s.findRollout(ctx, c, *in, onRollout(access.Get))
	if err != nil {
		return nil, err
	}
	v, err := s.describe(ctx, &surroundings{reader: s.Reader}, ro, app, c.rights)
	return &rolloutAnswer{v}, err
}

// namedRollout is a Rollout as policies name it.
func (s viewed) namedRollout(ro *v1alpha1.Rollout, app *v1alpha1.Application) access.Rollout {
	named := access.Rollout{Namespace: ro.Namespace, Name: ro.Name}
	if app != nil {
		named.Of = s.named(app)
	}
	return named
}

// findRollout reads a Rollout that the caller has a right to. Who has none is not told whether it is there.
func (s viewed) findRollout(ctx context.Context, c *caller, of RolloutName, need func(access.Rollout) access.Request) (*v1alpha1.Rollout, *v1alpha1.Application, error) {
	ro := &v1alpha1.Rollout{}
	err := s.Reader.Get(ctx, client.ObjectKey{Namespace: of.Namespace, Name: of.Name}, ro)
	if client.IgnoreNotFound(err) != nil {
		return nil, nil, err
	}
	missing := err != nil
	ro.Namespace, ro.Name = of.Namespace, of.Name
	var app *v1alpha1.Application
	if !missing {
		if app, err = s.applicationOf(ctx, ro); err != nil {
			return nil, nil, err
		}
	}
	named := s.namedRollout(ro, app)
	seen := c.rights.Decide(named.On(access.Get)).Allowed
	switch denied := c.allow(need(named)); {
	case c.unknown != nil:
		return nil, nil, c.unknown
	case denied != nil && !seen:
		return nil, nil, errDenied
	case denied != nil:
		return nil, nil, denied
	case missing:
		return nil, nil, &problem.Error{Kind: problem.Absent, Object: "Rollout " + of.Name, Cause: "not found in namespace " + of.Namespace}
	}
	return ro, app, nil
}

// describe returns the view of a Rollout with the caller's rights: what he has no right to is not possible.
func (s viewed) describe(ctx context.Context, around *surroundings, ro *v1alpha1.Rollout, app *v1alpha1.Application, rights access.Rights) (view.RolloutView, error) {
	seen, err := around.of(ctx, ro)
	if err != nil {
		return view.RolloutView{}, err
	}
	if app != nil {
		seen.Application = &view.ApplicationRef{Namespace: app.Namespace, Name: app.Name}
	}
	v := view.RolloutOf(seen, time.Now())
	named := s.namedRollout(ro, app)
	v.Rights = append(v.Rights, access.Get)
	any := false
	for i := range v.Actions {
		a := &v.Actions[i]
		if d := rights.Decide(rolloutCalls[a.Name](named)); d.Allowed {
			v.Rights, any = append(v.Rights, a.Name), true
		} else {
			*a = a.Denied("permission denied: " + d.Call.String())
		}
	}
	if any {
		v.Rights = append(v.Rights, "action")
	}
	if app != nil && rights.Decide(named.Of.Logs()).Allowed {
		v.Rights = append(v.Rights, access.Logs)
	}
	return v, nil
}

// surroundings reads what belongs to Rollouts from a cache, each namespace once.
type surroundings struct {
	reader client.Reader
	read   map[string]*neighbours
}

// neighbours are the objects of a namespace, by what Rollouts find them by.
type neighbours struct {
	replicaSets, pods map[types.UID][]client.Object
	services          []*corev1.Service
	slices            []*discoveryv1.EndpointSlice
	events            map[string][]*corev1.Event
}

func (s *surroundings) of(ctx context.Context, ro *v1alpha1.Rollout) (view.RolloutSeen, error) {
	n := s.read[ro.Namespace]
	if n == nil {
		var err error
		if n, err = s.readNamespace(ctx, ro.Namespace); err != nil {
			return view.RolloutSeen{}, err
		}
		if s.read == nil {
			s.read = map[string]*neighbours{}
		}
		s.read[ro.Namespace] = n
	}
	seen := view.RolloutSeen{Rollout: ro, Services: n.services, Slices: n.slices, Events: n.events[ro.Name]}
	for _, rs := range n.replicaSets[ro.UID] {
		seen.ReplicaSets = append(seen.ReplicaSets, rs.(*appsv1.ReplicaSet)) //nolint:forcetypeassert // nothing else is put there
		for _, pod := range n.pods[rs.GetUID()] {
			seen.Pods = append(seen.Pods, pod.(*corev1.Pod)) //nolint:forcetypeassert // nothing else is put there
		}
	}
	return seen, nil
}

func (s *surroundings) readNamespace(ctx context.Context, namespace string) (*neighbours, error) {
	var replicaSets appsv1.ReplicaSetList
	var pods corev1.PodList
	var services corev1.ServiceList
	var slices discoveryv1.EndpointSliceList
	var events corev1.EventList
	for _, list := range []client.ObjectList{&replicaSets, &pods, &services, &slices, &events} {
		if err := s.reader.List(ctx, list, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
			return nil, fmt.Errorf("reading namespace %s: %w", namespace, err)
		}
	}
	n := &neighbours{
		replicaSets: byController(pointers(replicaSets.Items)), pods: byController(pointers(pods.Items)), services: pointers(services.Items), slices: pointers(slices.Items), events: map[string][]*corev1.Event{},
	}
	for _, e := range pointers(events.Items) {
		if e.InvolvedObject.Kind == v1alpha1.RolloutKind {
			n.events[e.InvolvedObject.Name] = append(n.events[e.InvolvedObject.Name], e)
		}
	}
	return n, nil
}

func pointers[T any](items []T) []*T {
	all := make([]*T, len(items))
	for i := range items {
		all[i] = &items[i]
	}
	return all
}

func byController[T client.Object](all []T) map[types.UID][]client.Object {
	by := map[types.UID][]client.Object{}
	for _, o := range all {
		if owner := metav1.GetControllerOfNoCopy(o); owner != nil {
			by[owner.UID] = append(by[owner.UID], o)
		}
	}
	return by
}

// change asks something of a Rollout, and returns it as it is then.
func (s rollouts) change(
	ctx context.Context, c *caller, of RolloutName, verb string, need func(access.Rollout) access.Request, ask func(*v1alpha1.Rollout) (client.Object, action.Request, error),
) (*rolloutAnswer, error) {
	ro, app, err := s.findRollout(ctx, c, of, need)
	if err != nil {
		return nil, err
	}
	around := &surroundings{reader: s.Reader}
	before, err := s.describe(ctx, around, ro, app, c.rights)
	if err != nil {
		return nil, err
	}
	for _, a := range before.Actions {
		if a.Name == verb && !a.Enabled {
			return nil, &problem.Error{Kind: problem.Refused, Object: "Rollout " + ro.Name, Cause: strings.TrimPrefix(a.Reason, "Rollout "+ro.Name+": ")}
		}
	}
	object, request, err := ask(ro)
	if err != nil {
		return nil, err
	}
	as, err := s.writerOf(ctx, app)
	if err != nil {
		return nil, err
	}
	if err := sendTo(ctx, as, object, request); err != nil {
		return nil, err
	}
	// The cache may not have it yet.
	if same, ok := object.(*v1alpha1.Rollout); ok {
		ro = same
	}
	v, err := s.describe(ctx, around, ro, app, c.rights)
	return &rolloutAnswer{v}, err
}

// writerOf returns what writes a Rollout: as whom the project of its Application has objects written, or as the program
// itself where there is none.
func (s viewed) writerOf(ctx context.Context, app *v1alpha1.Application) (client.Client, error) {
	if app == nil {
		return s.Writer, nil
	}
	d, err := looked(s).permitted(ctx, app)
	if err != nil {
		return nil, err
	}
	user, err := d.user(app)
	if err != nil || user == "" {
		return s.Writer, err
	}
	home, err := s.Clusters.For(ctx, app.Spec.Destination)
	if err != nil {
		return nil, err
	}
	return home.As(user)
}

// sendTo carries a request out on an object, which is what was written afterwards.
func sendTo(ctx context.Context, as client.Client, object client.Object, request action.Request) error {
	for _, p := range request.Patches {
		var err error
		if patch := client.RawPatch(p.Type, p.Body); p.Subresource == "" {
			err = as.Patch(ctx, object, patch)
		} else {
			err = as.SubResource(p.Subresource).Patch(ctx, object, patch)
		}
		if apierrors.IsInvalid(err) && strings.Contains(err.Error(), "test operation") {
			return apierrors.NewConflict(v1alpha1.GroupVersion.WithResource("rollouts").GroupResource(), object.GetName(), err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s rollouts) promote(ctx context.Context, c *caller, in *promotion) (*rolloutAnswer, error) {
	verb, ask := view.Promote, action.Promote
	if in.Body.Full {
		verb, ask = view.PromoteFull, action.PromoteFully
	}
	return s.change(ctx, c, in.RolloutName, verb, rolloutCalls[verb], func(ro *v1alpha1.Rollout) (client.Object, action.Request, error) { return ro, ask(ro), nil })
}

// template reads the object whose pod template a Rollout runs, as it is in the cluster.
func (s viewed) template(ctx context.Context, ro *v1alpha1.Rollout) (action.Template, error) {
	t, err := action.TemplateOf(ro)
	if err != nil {
		return t, err
	}
	if err := s.Writer.Get(ctx, client.ObjectKeyFromObject(t.Object), t.Object); err != nil {
		return t, fmt.Errorf("reading %s %q: %w", t.Object.GetKind(), t.Object.GetName(), err)
	}
	return t, nil
}

func (s rollouts) undo(ctx context.Context, c *caller, in *undoing) (*rolloutAnswer, error) {
	return s.change(ctx, c, in.RolloutName, view.Undo, rolloutCalls[view.Undo], func(ro *v1alpha1.Rollout) (client.Object, action.Request, error) {
		seen, err := (&surroundings{reader: s.Reader}).of(ctx, ro)
		if err != nil {
			return nil, action.Request{}, err
		}
		rs, err := view.Earlier(ro.Name, seen.ReplicaSets, in.Body.ToRevision)
		if err != nil {
			return nil, action.Request{}, err
		}
		t, err := s.template(ctx, ro)
		return t.Object, t.Replace(rollout.WrittenTemplate(rs), rollout.Revision(rs)), err
	})
}

func (s rollouts) setImage(ctx context.Context, c *caller, in *imageSetting) (*rolloutAnswer, error) {
	return s.change(ctx, c, in.RolloutName, view.SetImage, rolloutCalls[view.SetImage], func(ro *v1alpha1.Rollout) (client.Object, action.Request, error) {
		t, err := s.template(ctx, ro)
		if err != nil {
			return nil, action.Request{}, err
		}
		images, err := view.ImagesFor(ro.Name, t.Images(), in.Body.Container, in.Body.Image)
		if err != nil {
			return nil, action.Request{}, err
		}
		request, err := t.SetImages(images)
		return t.Object, request, err
	})
}
