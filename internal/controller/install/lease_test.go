package install

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/settings"
)

// server is a Lease of one server on a cluster.
func server(c client.Client, identity string, alive bool) *Lease {
	l := NewLease(c, "argocd", slog.New(slog.DiscardHandler))
	l.identity, l.alive = identity, func(int) bool { return alive }
	return l
}

func cluster() client.Client { return fake.NewClientBuilder().WithScheme(scheme.Scheme).Build() }

func holder(t *testing.T, c client.Client) string {
	t.Helper()
	lease := &coordinationv1.Lease{}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: "argocd", Name: LeaseName}, lease); err != nil {
		t.Fatal(err)
	}
	return holderOf(lease)
}

// start takes the Lease for a server and keeps it until the returned function is called.
func start(t *testing.T, l *Lease) (stop func()) {
	t.Helper()
	if err := l.Take(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Keep(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestASecondServerIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cluster()
		stop := start(t, server(c, "one/1", true))
		began := time.Now()
		err := server(c, "two/1", true).Take(t.Context())
		refusal := problem.Of(err)
		if refusal == nil || refusal.Kind != problem.Refused || !strings.Contains(refusal.Cause, "one/1") || !strings.Contains(refusal.Remedy, "--leader-election") {
			t.Errorf("got %v, want a refusal that names the first server and the way out", err)
		}
		if took := time.Since(began); took > lookEvery+2*leasePoll {
			t.Errorf("refused after %s, want as soon as the first has answered", took)
		}
		stop()
		if got := holder(t, c); got != "" {
			t.Errorf("the Lease of a server that has ended is held by %q, want let go", got)
		}
		stop = start(t, server(c, "two/1", true))
		if got := holder(t, c); got != "two/1" {
			t.Errorf("the Lease is held by %q, want by the second server", got)
		}
		stop()
	})
}

func TestAServerThatNobodyAsksWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cluster()
		version := func() string {
			lease := &coordinationv1.Lease{}
			if err := c.Get(t.Context(), client.ObjectKey{Namespace: "argocd", Name: LeaseName}, lease); err != nil {
				t.Fatal(err)
			}
			return lease.ResourceVersion
		}
		stop := start(t, server(c, "one/1", true))
		before := version()
		time.Sleep(time.Hour) //nolint:forbidigo // the clock of synctest
		if after := version(); after != before {
			t.Errorf("the Lease was written in an hour in which nothing happened: resourceVersion %s, then %s", before, after)
		}
		stop()
	})
}

func TestALeaseThatWasDeletedIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cluster()
		stop := start(t, server(c, "one/1", true))
		synctest.Wait()
		if err := c.Delete(t.Context(), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: LeaseName}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * lookEvery) //nolint:forbidigo // the clock of synctest
		if got := holder(t, c); got != "one/1" {
			t.Errorf("held by %q, want by the server that works", got)
		}
		stop()
	})
}

func TestAServerThatWasKilledIsNotWaitedForLong(t *testing.T) {
	for _, test := range []struct {
		rule, killed string
		alive        bool
		most         time.Duration
	}{
		{"on this machine", "here/7", false, 0},
		{"on this machine, by the same process number", "here/8", true, 0},
		{"on another machine", "there/7", false, answerWithin + 2*leasePoll},
		{"under a name without a process", "here", false, answerWithin + 2*leasePoll},
	} {
		t.Run(test.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := cluster()
				if err := server(c, test.killed, true).Take(t.Context()); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				if err := server(c, "here/8", test.alive).Take(t.Context()); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took > test.most {
					t.Errorf("waited %s, want at most %s", took, test.most)
				}
				if got := holder(t, c); got != "here/8" {
					t.Errorf("held by %q", got)
				}
			})
		})
	}
}

func TestAServerThatLosesItsLeaseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cluster()
		one := server(c, "one/1", true)
		if err := one.Take(t.Context()); err != nil {
			t.Fatal(err)
		}
		lease := &coordinationv1.Lease{}
		if err := c.Get(t.Context(), client.ObjectKey{Namespace: "argocd", Name: LeaseName}, lease); err != nil {
			t.Fatal(err)
		}
		other := "two/1"
		lease.Spec.HolderIdentity = &other
		if err := c.Update(t.Context(), lease); err != nil {
			t.Fatal(err)
		}
		if err := one.Keep(t.Context()); problem.KindOf(err) != problem.Refused {
			t.Errorf("got %v, want a refusal", err)
		}
	})
}

func TestOtherControllersAreRefused(t *testing.T) {
	labels := map[string]string{settings.NameLabel: "argocd-application-controller"}
	set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "argocd-application-controller", Labels: labels}}
	c := cluster()
	if err := CheckOthers(t.Context(), c, ""); err != nil {
		t.Fatalf("got %v in an empty cluster, want none", err)
	}
	if err := c.Create(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	err := CheckOthers(t.Context(), c, "")
	if problem.KindOf(err) != problem.Refused {
		t.Fatalf("got %v, want a refusal", err)
	}
	for _, part := range []string{"StatefulSet argocd/argocd-application-controller", "kubectl -n argocd scale statefulset", "`cyan adopt`", "--beside-others"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %q", err, part)
		}
	}
	none := int32(0)
	set.Spec.Replicas = &none
	if err := c.Update(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	if err := CheckOthers(t.Context(), c, ""); err != nil {
		t.Errorf("got %v of a controller that is scaled down, want none", err)
	}
}
