package devloop

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/handover"
)

// Several find at the same time that the hold has expired, as the renewals and a deployment do: it is taken again once,
// and the loop goes on.
func TestAHoldThatIsTakenAgainOnce(t *testing.T) {
	f := newTrialInPlace(t)
	ended := make(chan error, 1)
	f.l.held.end = func(err error) { ended <- err }
	f.l.ended = f.l.held.end
	f.begin()
	f.awaitRunning("first")
	f.await(Deployed, 1)
	before, _ := f.l.held.taken()
	for n, text := range []string{"second", "third"} {
		// What was signalled of the hold before is heard of after it was taken again.
		f.l.held.lapsed <- struct{}{}
		f.write("src/source", text)
		f.awaitRunning(text)
		f.await(Deployed, n+2)
	}
	select {
	case err := <-ended:
		t.Errorf("the loop ends with %v", err)
	default:
	}
	if now, _ := f.l.held.taken(); now.UID != before.UID {
		t.Errorf("got Lease %s, want %s, which was held all the time", now.UID, before.UID)
	}
	f.deleteApplication()
}

// shared is an Application on whose objects several people work, with what its controller does to the Lease.
type shared struct {
	*testing.T
	clients *fake.Clientset
	// deleted is set when the Application is.
	deleted bool
}

func newShared(t *testing.T) *shared {
	t.Helper()
	s := &shared{T: t, clients: fake.NewClientset()}
	made := 0
	s.clients.PrependReactor("create", "leases", func(action clienttesting.Action) (bool, runtime.Object, error) {
		made++
		lease := action.(clienttesting.CreateAction).GetObject().(*coordinationv1.Lease)
		lease.UID = types.UID(fmt.Sprint("lease-", made))
		return false, nil, nil
	})
	return s
}

// developer is somebody's loop on the Application.
func (s *shared) developer(name string) *hold {
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "shop"}}
	read := func(context.Context) (*v1alpha1.Application, error) {
		if s.deleted {
			return nil, deletedApplication(app.Name)
		}
		return app, nil
	}
	return &hold{read: read, clients: s.clients, note: func(string) {}, app: app, holder: name, end: func(error) {}, lapsed: make(chan struct{}, 1)}
}

func (s *shared) lease() *coordinationv1.Lease {
	lease, err := s.clients.CoordinationV1().Leases("argocd").Get(s.Context(), handover.LeaseName("shop"), metav1.GetOptions{})
	if err != nil {
		s.Fatal(err)
	}
	return lease
}

// giveBack is what the controller does of a Lease that has ended: it releases it, undoes what was done, and deletes it.
func (s *shared) giveBack(after time.Duration) {
	leases := s.clients.CoordinationV1().Leases("argocd")
	if _, err := leases.Update(s.Context(), handover.Release(s.lease(), ""), metav1.UpdateOptions{}); err != nil {
		s.Error(err)
	}
	time.Sleep(after) //nolint:forbidigo // the time is that of the test
	if err := leases.Delete(s.Context(), handover.LeaseName("shop"), metav1.DeleteOptions{}); err != nil {
		s.Error(err)
	}
}

// A second developer is told who has the objects. Once the first has been killed and a minute has passed, they are
// given back, and the second takes them; the first, whose machine has only slept, finds that out, changes nothing of
// it, and takes them again when they are free.
func TestTwoDevelopersOnOneApplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShared(t)
		ann, ben := s.developer("ann@desk"), s.developer("ben@laptop")
		if err := ann.take(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		err := ben.take(t.Context(), "")
		if want := "handed over to ann@desk since 2000-01-01T00:00:00Z; ask there, or take it back with `cyan app reclaim shop`"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a second developer: got %v, want %s", err, want)
		}

		time.Sleep(handover.Duration) //nolint:forbidigo // the time is that of the test
		if handover.Of(s.lease(), handover.Duration).Held() {
			t.Error("a hold that was not renewed for its time goes on")
		}
		given := make(chan struct{})
		go func() { s.giveBack(2 * time.Second); close(given) }()
		synctest.Wait()
		if err := ben.take(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		<-given

		if err := ann.renew(t.Context()); !errors.Is(err, errExpired) || !strings.Contains(err.Error(), "the loop takes it again") {
			t.Errorf("a machine that slept: got %v, want that its hold has ended", err)
		}
		select {
		case <-ann.returned():
		default:
			t.Error("the loop of a machine that slept does not take its hold again")
		}
		if got := *s.lease().Spec.HolderIdentity; got != "ben@laptop" {
			t.Errorf("%s has the objects, want ben", got)
		}
		if err := ann.take(t.Context(), "lease-1"); err == nil || !strings.Contains(err.Error(), "handed over to ben@laptop") {
			t.Errorf("got %v, want that ben has the objects", err)
		}
		go s.giveBack(time.Second)
		synctest.Wait()
		ctx, end := context.WithTimeout(t.Context(), time.Minute)
		defer end()
		if err := ann.take(ctx, "lease-1"); err != nil || *s.lease().Spec.HolderIdentity != "ann@desk" {
			t.Errorf("once they are free: %v", err)
		}
	})
}

// Another loop of the same person on the same machine has the objects no less: it is refused, and only a loop that goes
// on where one of its folder has crashed takes its hold over.
func TestTwoLoopsOfOneDeveloper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShared(t)
		if err := s.developer("ann@desk").take(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		want := "handed over to ann@desk since 2000-01-01T00:00:00Z, to another loop; end that one, or take it back with `cyan app reclaim shop`"
		if err := s.developer("ann@desk").take(t.Context(), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a second loop: got %v, want %s", err, want)
		}
		again := s.developer("ann@desk")
		if err := again.take(t.Context(), "lease-1"); err != nil {
			t.Fatalf("after a crash: %v", err)
		}
		if lease, _ := again.taken(); lease.UID != "lease-1" {
			t.Errorf("after a crash: got Lease %s, want that of the one before", lease.UID)
		}
	})
}

// The loop whose hold somebody takes back ends, and says who did.
func TestAHoldThatIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShared(t)
		ann := s.developer("ann@desk")
		var ended error
		ann.end = func(err error) { ended = err }
		if err := ann.take(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		if _, err := s.clients.CoordinationV1().Leases("argocd").Update(t.Context(), handover.Release(s.lease(), "ben"), metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := ann.renew(t.Context()); err == nil || ended == nil || !strings.Contains(ended.Error(), "taken back by ben") {
			t.Errorf("got %v, and the loop ends with %v; want by whom it was taken back", err, ended)
		}
	})
}

// A hold that the controller has let expire by a clock that was set is none that somebody took back: the loop goes on,
// takes it again, and names the clock.
func TestAHoldThatExpiresByTheClockOfTheController(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShared(t)
		ann := s.developer("ann@desk")
		ann.end = func(err error) { t.Errorf("the loop ends with %v", err) }
		if err := ann.take(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		if _, err := s.clients.CoordinationV1().Leases("argocd").Update(t.Context(), handover.Release(s.lease(), ""), metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := ann.renew(t.Context()); !errors.Is(err, errExpired) || !strings.Contains(err.Error(), "by the clock of the controller") {
			t.Errorf("got %v, want that it expired by the clock of the controller", err)
		}
		select {
		case <-ann.lapsed:
		default:
			t.Error("the hold is not taken again")
		}
	})
}
