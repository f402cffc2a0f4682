package devloop

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/handover"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// What has become of the objects is told as it was, whoever ended the hand-over.
func TestHowAHandOverEnded(t *testing.T) {
	const back = ": what git wants is applied again, and what the loop added is removed"
	update := func(s *shared, lease *coordinationv1.Lease) {
		if _, err := s.clients.CoordinationV1().Leases("argocd").Update(s.Context(), lease, metav1.UpdateOptions{}); err != nil {
			s.Error(err)
		}
	}
	for rule, c := range map[string]struct {
		// before the loop gives it back.
		before func(s *shared, ann *hold)
		// controller is set where one gives objects back.
		controller bool
		want       string
	}{
		"by the loop":                       {func(*shared, *hold) {}, true, "Application shop is given back" + back},
		"by the loop, where no server runs": {func(*shared, *hold) {}, false, "Application shop is given back; no controller has applied what git wants yet: does `cyan server` run?"},
		"taken back":                        {func(s *shared, _ *hold) { update(s, handover.Release(s.lease(), "ben")) }, true, "Application shop was taken back by ben" + back},
		"taken back, where no server runs":  {func(s *shared, _ *hold) { update(s, handover.Release(s.lease(), "ben")) }, false, "Application shop was taken back by ben; no controller has applied what git wants yet: does `cyan server` run?"},
		"taken back, and undone by the end": {func(s *shared, ann *hold) {
			update(s, handover.Release(s.lease(), "ben"))
			_ = ann.renew(s.Context())
			s.giveBack(0)
		}, true, "Application shop was taken back by ben" + back},
		"not renewed in time":                 {func(s *shared, _ *hold) { update(s, handover.Release(s.lease(), "")) }, true, "Application shop was given back, because the hold on it was not renewed in time" + back},
		"not renewed, and undone by the end":  {func(s *shared, _ *hold) { s.giveBack(0) }, true, "Application shop was given back, because the hold on it was not renewed in time" + back},
		"not renewed, and another one has it": {func(s *shared, _ *hold) { s.giveBack(0); s.takenBy("ben@laptop") }, false, "Application shop is left to ben@laptop, who has it since 2000-01-01T00:00:00Z; git's state was back before"},
	} {
		t.Run(rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShared(t)
				ann := s.developer("ann@desk")
				if err := ann.take(t.Context(), ""); err != nil {
					t.Fatal(err)
				}
				c.before(s, ann)
				var controller sync.WaitGroup
				defer controller.Wait()
				if c.controller {
					controller.Go(s.giveBackWhenReleased)
				}
				e, err := ann.release(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if got := e.message("shop"); got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
			})
		})
	}
}

// takenBy has somebody else take the objects.
func (s *shared) takenBy(name string) {
	s.Helper()
	if err := s.developer(name).take(s.Context(), ""); err != nil {
		s.Error(err)
	}
}

// giveBackWhenReleased is the controller, for a Lease that nobody holds any more.
func (s *shared) giveBackWhenReleased() {
	leases := s.clients.CoordinationV1().Leases("argocd")
	for range 100 {
		time.Sleep(lookEvery * 3 / 2) //nolint:forbidigo // the time is that of the test
		lease, err := leases.Get(s.Context(), handover.LeaseName("shop"), metav1.GetOptions{})
		switch {
		case err != nil:
			return
		case !handover.Of(lease, 0).Held():
			s.giveBack(0)
			return
		}
	}
}

// A renewal counts from before it was asked for: the controller, which reckons from when it saw it, never gives the
// objects back before the loop knows that it may not apply any more.
func TestRenewalsCountFromTheirBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShared(t)
		const slow = 40 * time.Second
		s.clients.PrependReactor("*", "leases", func(action clienttesting.Action) (bool, runtime.Object, error) {
			if action.GetVerb() != "get" {
				time.Sleep(slow) //nolint:forbidigo // the time is that of the test
			}
			return false, nil, nil
		})
		ann := s.developer("ann@desk")
		if err := ann.take(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		if _, unrenewed := ann.taken(); unrenewed < slow {
			t.Errorf("taken %s ago, want %s", unrenewed, slow)
		}
		if err := ann.renew(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, unrenewed := ann.taken(); unrenewed != slow {
			t.Errorf("renewed %s ago, want %s", unrenewed, slow)
		}
	})
}

// The loop whose Application is deleted ends by itself, and before it applies anything more.
func TestAnApplicationThatIsDeleted(t *testing.T) {
	for rule, how := range map[string]func(*shared, *v1alpha1.Application){
		"deleted":       func(s *shared, _ *v1alpha1.Application) { s.deleted = true },
		"being deleted": func(_ *shared, app *v1alpha1.Application) { app.DeletionTimestamp = &metav1.Time{Time: time.Now()} },
	} {
		t.Run(rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShared(t)
				ann := s.developer("ann@desk")
				ends := make(chan error, 1)
				ann.end = func(err error) { ends <- err }
				if err := ann.take(t.Context(), ""); err != nil {
					t.Fatal(err)
				}
				deleted, read := time.Now().Add(handover.Renewal+time.Second), ann.read
				ann.read = func(ctx context.Context) (*v1alpha1.Application, error) {
					if time.Now().After(deleted) {
						how(s, ann.app)
					}
					return read(ctx)
				}
				ctx, end := context.WithCancel(t.Context())
				defer end()
				go ann.keep(ctx, func(err error) { t.Error(err) })
				time.Sleep(handover.Renewal + time.Second) //nolint:forbidigo // the time is that of the test
				synctest.Wait()
				if len(ends) > 0 {
					t.Fatalf("while it is there: ended with %v", <-ends)
				}
				time.Sleep(handover.Renewal) //nolint:forbidigo // the time is that of the test
				synctest.Wait()
				var ended error
				if len(ends) > 0 {
					ended = <-ends
				}
				if ended == nil || ended.Error() != `Application "shop": deleted; start the loop without --in-place, or create the Application again` {
					t.Fatalf("the loop ends with %v", ended)
				}
				if err := ann.awaitFree(ctx); err == nil || err.Error() != ended.Error() {
					t.Errorf("a deployment: got %v", err)
				}
			})
		})
	}
}

// An Application is deleted, and its objects are left: the loop on it ends, takes away what it added and its Lease, and
// nothing else.
func TestALoopWhoseApplicationIsDeleted(t *testing.T) {
	f := newTrialInPlace(t)
	ended := make(chan error, 1)
	f.l.held.end = func(err error) {
		select {
		case ended <- err:
		default:
		}
	}
	f.begin()
	f.awaitRunning("first")
	f.deleteApplication()
	f.write("src/source", "second")
	f.await(DeployFailed, 1)
	if err := <-ended; !strings.HasPrefix(err.Error(), `Application "shop": deleted`) {
		t.Errorf("the loop ends with %v", err)
	}
	f.end()
	want := "Application shop is deleted: what the loop added is removed; as the loop has it stays Deployment " + f.l.claim.namespace + "/app"
	if said := f.texts(Removed); !slices.Equal(said, []string{want}) {
		t.Errorf("said %q, want %q", said, want)
	}
	f.awaitNothingAdded()
}

// The same of a loop that has crashed, when it is cleaned up after.
func TestCleanUpWhereTheApplicationIsDeleted(t *testing.T) {
	f := newTrialInPlace(t)
	f.begin()
	f.awaitRunning("first")
	f.await(Deployed, 1)
	notes, err := Notes(f.l.Notes)
	if err != nil || len(notes) != 1 {
		t.Fatalf("notes %v, %v; want that of the loop", notes, err)
	}
	f.deleteApplication()
	if err := notes[0].cleanUpHandOver(t.Context(), f.l.clients.CoordinationV1().Leases, f.l.reader); err != nil {
		t.Fatal(err)
	}
	f.awaitNothingAdded()
}

// newTrialInPlace is a trial on Application shop, which deploys Deployment app, and not Secret login.
func newTrialInPlace(t *testing.T) *trial {
	t.Helper()
	cluster := testkit.Cluster(t)
	namespace := cluster.Namespace(t)
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "shop"}, Spec: v1alpha1.ApplicationSpec{Destination: v1alpha1.ApplicationDestination{Server: v1alpha1.InClusterServer, Namespace: namespace}}}
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "app"}}
	deployment.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "app"}}
	deployment.Spec.Template.Labels = deployment.Spec.Selector.MatchLabels
	deployment.Spec.Template.Spec.Containers = []corev1.Container{{Name: "app", Image: "app:git"}}
	for _, object := range []client.Object{app, deployment} {
		if err := cluster.Client.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	say := func(message string) {
		t.Helper()
		app.Status.Resources = []v1alpha1.ResourceStatus{{Group: "apps", Version: "v1", Kind: "Deployment", Namespace: namespace, Name: "app"}}
		app.Status.Conditions = []v1alpha1.ApplicationCondition{{Type: v1alpha1.ConditionHandedOver, Message: message}}
		if err := cluster.Client.Update(t.Context(), app); err != nil {
			t.Fatal(err)
		}
	}
	say("")
	f := openTrial(t, func(o *Options) { o.InPlace = &InPlace{Application: "shop", Control: namespace} })
	lease, _ := f.l.held.taken()
	say(handover.Of(lease, 0).Message("shop"))
	return f
}

func (f *trial) deleteApplication() {
	f.Helper()
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: f.l.claim.namespace, Name: "shop"}}
	if err := f.cluster.Client.Delete(f.Context(), app); err != nil {
		f.Fatal(err)
	}
}

// awaitNothingAdded checks that of a loop in place its Lease, its note and what it has added are gone, and nothing
// else.
func (f *trial) awaitNothingAdded() {
	f.Helper()
	for gone, object := range map[string]client.Object{"login": &corev1.Secret{}, handover.LeaseName("shop"): &coordinationv1.Lease{}} {
		if err := f.cluster.Client.Get(f.Context(), client.ObjectKey{Namespace: f.l.claim.namespace, Name: gone}, object); !apierrors.IsNotFound(err) {
			f.Errorf("%s: got %v, want it gone", gone, err)
		}
	}
	f.awaitRunning("first")
	if notes, err := Notes(f.l.Notes); err != nil || len(notes) > 0 {
		f.Errorf("notes %v, %v; want none left", notes, err)
	}
}
