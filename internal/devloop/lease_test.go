package devloop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// machine is one on which loops of ann's shop are started.
type machine struct {
	*testing.T
	clients   kubernetes.Interface
	namespace string
	name      string
	notes     string
	// ended is why its loop was ended.
	ended error
}

func newMachine(t *testing.T, name, namespace string) *machine {
	t.Helper()
	clients, err := kubernetes.NewForConfig(testkit.Cluster(t).Config)
	if err != nil {
		t.Fatal(err)
	}
	return &machine{T: t, clients: clients, namespace: namespace, name: name, notes: t.TempDir()}
}

// claim is the hold of a loop of this machine, as process pid.
func (m *machine) claim(pid int) *claim {
	holder := fmt.Sprintf("ann@%s/%d", m.name, pid)
	return &claim{
		namespaceLease: namespaceLease{clients: m.clients, namespace: m.namespace, name: leaseName, loop: m.namespace, holder: holder, end: func(err error) { m.ended = err }},
		own:            true, say: func(string) {},
		note: RunNote{Namespace: m.namespace, Loop: m.namespace, Own: true, PID: pid, Holder: holder, path: filepath.Join(m.notes, "shop.json")},
	}
}

func (m *machine) lease() *coordinationv1.Lease {
	m.Helper()
	lease, err := m.clients.CoordinationV1().Leases(m.namespace).Get(m.Context(), leaseName, metav1.GetOptions{})
	if err != nil {
		m.Fatal(err)
	}
	return lease
}

// ownNamespace returns the name of a namespace that loops make, and removes it at the end.
func ownNamespace(t *testing.T) string {
	t.Helper()
	name := desired.NamespaceFor("ann", t.Name())
	t.Cleanup(func() {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if err := testkit.Cluster(t).Client.Delete(context.Background(), namespace); client.IgnoreNotFound(err) != nil {
			t.Error(err)
		}
	})
	return name
}

func refusedBy(err error, holder string) bool {
	return problem.Of(err) != nil && problem.KindOf(err) == problem.Refused && strings.Contains(err.Error(), holder+" works in it since")
}

// Two loops on one app: the second is told who works there, and leaves nothing behind by which that one's namespace
// would be removed. That is so whatever the clocks of the machines are.
func TestTwoLoopsInOneNamespace(t *testing.T) {
	namespace := ownNamespace(t)
	desk, laptop := newMachine(t, "desk", namespace), newMachine(t, "laptop", namespace)
	first := desk.claim(1)
	if err := first.take(t.Context(), "/desk"); err != nil {
		t.Fatal(err)
	}
	for rule, off := range map[string]time.Duration{"the same clock": 0, "a clock behind": -3 * time.Hour, "a clock ahead": 3 * time.Hour} {
		t.Run(rule, func(t *testing.T) {
			lease := desk.lease()
			at := metav1.NewMicroTime(time.Now().Add(off))
			lease.Spec.RenewTime = &at
			if _, err := desk.clients.CoordinationV1().Leases(namespace).Update(t.Context(), lease, metav1.UpdateOptions{FieldManager: leaseManager}); err != nil {
				t.Fatal(err)
			}
			if err := laptop.claim(2).take(t.Context(), "/laptop"); !refusedBy(err, "ann@desk/1") {
				t.Errorf("got %v, want that ann@desk/1 works there", err)
			}
			if left, err := os.ReadDir(laptop.notes); err != nil || len(left) > 0 {
				t.Errorf("left %v, %v; want no note of what another loop has", left, err)
			}
			if got := *desk.lease().Spec.HolderIdentity; got != "ann@desk/1" {
				t.Errorf("%s has the Lease", got)
			}
		})
	}
	lease := desk.lease()
	lease.Spec.AcquireTime = nil
	if _, err := desk.clients.CoordinationV1().Leases(namespace).Update(t.Context(), lease, metav1.UpdateOptions{FieldManager: leaseManager}); err != nil {
		t.Fatal(err)
	}
	if err := laptop.claim(2).take(t.Context(), "/laptop"); !refusedBy(err, "ann@desk/1") {
		t.Errorf("a Lease that does not have since when: got %v", err)
	}
}

// A loop whose machine has slept finds that another one has its namespace by now: it applies nothing, ends, and
// removes nothing.
func TestALoopThatWasReplaced(t *testing.T) {
	namespace := ownNamespace(t)
	desk, laptop := newMachine(t, "desk", namespace), newMachine(t, "laptop", namespace)
	first, second := desk.claim(1), laptop.claim(2)
	if err := first.take(t.Context(), "/desk"); err != nil {
		t.Fatal(err)
	}
	if err := first.check(t.Context()); err != nil {
		t.Errorf("while it is renewed: %v", err)
	}
	// Whoever is not heard of for a minute holds it no more.
	lease := desk.lease()
	lease.Spec.HolderIdentity = &second.holder
	if _, err := laptop.clients.CoordinationV1().Leases(namespace).Update(t.Context(), lease, metav1.UpdateOptions{FieldManager: leaseManager}); err != nil {
		t.Fatal(err)
	}
	first.renewed = first.renewed.Add(-heldFor)
	if err := first.check(t.Context()); !refusedBy(err, "ann@laptop/2") || !errors.Is(desk.ended, err) {
		t.Errorf("got %v, and the loop ends with %v; want that ann@laptop/2 works there", err, desk.ended)
	}
	if other, err := first.takenBy(t.Context()); other != "ann@laptop/2" || err != nil {
		t.Errorf("taken by %q, %v", other, err)
	}
	if err := first.release(t.Context()); err != nil || *desk.lease().Spec.HolderIdentity != "ann@laptop/2" {
		t.Errorf("%v; want the other one's Lease left", err)
	}
	if other, err := second.takenBy(t.Context()); other != "" || err != nil {
		t.Errorf("the one that has it: taken by %q, %v", other, err)
	}
	if err := second.release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := laptop.clients.CoordinationV1().Leases(namespace).Get(t.Context(), leaseName, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("got %v, want the Lease gone", err)
	}
}

// What was saved before a loop finds that it was replaced is not deployed, and its end leaves all that is there.
func TestTheLoopOfAMachineThatSlept(t *testing.T) {
	f := newTrial(t)
	namespace := f.l.claim.namespace
	f.Cleanup(func() {
		if err := f.cluster.Client.Delete(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); client.IgnoreNotFound(err) != nil {
			f.Error(err)
		}
	})
	ended := make(chan error, 1)
	f.l.ended = func(err error) {
		select {
		case ended <- err:
		default:
		}
	}
	f.begin()
	f.awaitRunning("first")
	laptop := newMachine(t, "laptop", namespace)
	lease, holder := laptop.lease(), laptop.claim(2).holder
	lease.Spec.HolderIdentity = &holder
	if _, err := laptop.clients.CoordinationV1().Leases(namespace).Update(t.Context(), lease, metav1.UpdateOptions{FieldManager: leaseManager}); err != nil {
		t.Fatal(err)
	}
	f.l.claim.mu.Lock()
	f.l.claim.renewed = f.l.claim.renewed.Add(-heldFor)
	f.l.claim.mu.Unlock()
	f.write("src/source", "second")
	f.await(DeployFailed, 1)
	if err := <-ended; !refusedBy(err, holder) {
		t.Errorf("the loop ends with %v, want that %s works there", err, holder)
	}
	f.end()
	if said := f.texts(Removed); len(said) != 1 || said[0] != "namespace "+namespace+" is left to "+holder+", who works in it by now" {
		t.Errorf("said %q", said)
	}
	if n, err := laptop.clients.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{}); err != nil || n.DeletionTimestamp != nil {
		t.Errorf("the namespace of the other loop goes: %v", err)
	}
	f.awaitRunning("first")
}

// A Lease lasts by the clock of the API server.
func TestIdle(t *testing.T) {
	namespace := ownNamespace(t)
	m := newMachine(t, "desk", namespace)
	c := m.claim(1)
	if err := c.take(t.Context(), "/desk"); err != nil {
		t.Fatal(err)
	}
	lease := m.lease()
	for i := range lease.ManagedFields {
		long := metav1.NewTime(lease.ManagedFields[i].Time.Add(-2 * heldFor))
		lease.ManagedFields[i].Time = &long
	}
	if idle, err := c.idle(t.Context(), lease); err != nil || idle < 2*heldFor {
		t.Errorf("got %s, %v; want what the server says of the last write", idle, err)
	}
	if before, after := m.lease().Spec.RenewTime, lease.Spec.RenewTime; !before.Equal(after) {
		t.Errorf("renewed at %s, and at %s behind the question", after, before)
	}
}

// A loop holds its Lease for as long as it runs, and for a minute more where it is not heard of.
func TestALoopThatIsNotHeardOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clients := fake.NewClientset()
		clients.PrependReactor("update", "leases", func(action clienttesting.Action) (bool, runtime.Object, error) {
			update := action.(clienttesting.UpdateActionImpl)
			lease, now := update.Object.(*coordinationv1.Lease).DeepCopy(), metav1.Now()
			for i := range lease.ManagedFields {
				lease.ManagedFields[i].Time = &now
			}
			return len(update.UpdateOptions.DryRun) > 0, lease, nil
		})
		loop := func(holder string) *namespaceLease {
			return &namespaceLease{clients: clients, namespace: "dev-ann-shop", name: leaseName, loop: "shop", holder: holder, end: func(error) {}}
		}
		desk, laptop := loop("ann@desk/1"), loop("ann@laptop/2")
		if err := desk.hold(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, die := context.WithCancel(t.Context())
		go desk.keep(ctx, func(err error) { t.Error(err) })
		for range 5 {
			time.Sleep(heldFor) //nolint:forbidigo // the time is that of the test
			synctest.Wait()
			if err := laptop.hold(t.Context()); !refusedBy(err, desk.holder) {
				t.Fatalf("while the first one runs: got %v, want that %s works there", err, desk.holder)
			}
		}
		die()
		synctest.Wait()
		time.Sleep(heldFor - renewEvery) //nolint:forbidigo // the time is that of the test
		if err := laptop.hold(t.Context()); !refusedBy(err, desk.holder) {
			t.Errorf("before its time is over: got %v, want that %s works there", err, desk.holder)
		}
		time.Sleep(renewEvery + time.Second) //nolint:forbidigo // the time is that of the test
		if err := laptop.hold(t.Context()); err != nil {
			t.Errorf("once it has not been heard of for a minute: %v", err)
		}
		if other, err := desk.takenBy(t.Context()); other != laptop.holder || err != nil {
			t.Errorf("the first one is told that %q has it, %v", other, err)
		}
	})
}

// What a crash has left is taken over, and removed when asked for, unless another loop has it by then.
func TestAfterACrash(t *testing.T) {
	const gone = 1 << 30 // a number that no process has
	cluster := testkit.Cluster(t)
	namespace := ownNamespace(t)
	desk, laptop := newMachine(t, "desk", namespace), newMachine(t, "laptop", namespace)
	host := holderName("ann")
	desk.name = strings.TrimPrefix(host[:strings.LastIndex(host, "/")], "ann@")
	crashed := desk.claim(gone)
	crashed.note.Host = cluster.Config.Host
	crashed.note.Made = []Made{{Version: "v1", Kind: "ConfigMap", Namespace: "elsewhere", Name: "made"}}
	if err := crashed.take(t.Context(), "/desk"); err != nil {
		t.Fatal(err)
	}
	if err := crashed.note.locked.Close(); err != nil {
		t.Fatal(err)
	}
	again := desk.claim(os.Getpid())
	again.note.Host = cluster.Config.Host
	if err := again.take(t.Context(), "/desk"); err != nil {
		t.Fatalf("the next start: %v", err)
	}
	if len(again.note.Made) != 1 || again.note.Made[0].Name != "made" {
		t.Errorf("taken over: %v, want what the one before has made", again.note.Made)
	}
	again.note.PID = gone
	if err := errors.Join(again.note.write(), again.note.locked.Close()); err != nil {
		t.Fatal(err)
	}

	lease, other := desk.lease(), laptop.claim(2).holder
	lease.Spec.HolderIdentity = &other
	if _, err := laptop.clients.CoordinationV1().Leases(namespace).Update(t.Context(), lease, metav1.UpdateOptions{FieldManager: leaseManager}); err != nil {
		t.Fatal(err)
	}
	left, err := CleanUp(t.Context(), cluster.Config, desk.notes)
	if err != nil || len(left.Removed) > 0 || len(left.Kept) != 1 || !strings.Contains(left.Kept[0], other+" works in it by now") {
		t.Errorf("cleaned up %+v, %v; want what another loop has left", left, err)
	}
	if n, err := desk.clients.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{}); err != nil || n.DeletionTimestamp != nil {
		t.Errorf("the namespace in which another loop works goes: %v", err)
	}
	if files, err := os.ReadDir(desk.notes); err != nil || len(files) > 0 {
		t.Errorf("left %v, %v", files, err)
	}
}

// A loop runs for as long as its process does, whichever process has its number by then, and whoever asks.
func TestWhichLoopsRun(t *testing.T) {
	folder := t.TempDir()
	note := func(name string, pid int) *RunNote { return &RunNote{PID: pid, path: filepath.Join(folder, name)} }
	running := note("runs", 1)
	if err := running.lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !note("runs", 1).Alive() {
		t.Error("a loop that runs is taken for one that has ended")
	}
	if err := note("runs", 2).lock(t.Context()); problem.Of(err) == nil || problem.KindOf(err) != problem.Refused {
		t.Errorf("a second one: got %v, want it refused", err)
	}
	if err := running.locked.Close(); err != nil {
		t.Fatal(err)
	}
	if note("runs", 1).Alive() {
		t.Error("a loop that was killed is taken for the process that has its number now")
	}
	if err := running.lock(t.Context()); err != nil {
		t.Errorf("after a crash: %v", err)
	}
	if err := running.remove(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}
