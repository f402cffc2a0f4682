package controller

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// A webhook that reaches a copy which stands by has the leader look, once, and leaves nothing behind.
func TestTheLeaderHearsOfWebhooksAtOtherCopies(t *testing.T) {
	cluster := testkit.Cluster(t)
	namespace := cluster.Namespace(t)
	kube, err := kubernetes.NewForConfig(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	app := &v1alpha1.Application{}
	app.Namespace, app.Name = namespace, "shop"
	app.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: "https://git.example/team/shop.git", Path: "k8s"}
	app.Spec.Destination = v1alpha1.ApplicationDestination{Server: "https://kubernetes.default.svc", Namespace: namespace}
	if err := cluster.Client.Create(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	polled := make(chan string, 100)
	elected := make(chan struct{})
	close(elected)
	of := func(elected chan struct{}, poll func(string)) *notices {
		return &notices{kube: kube, apps: cluster.Client, namespace: namespace, elected: elected, poll: poll, log: slog.New(slog.DiscardHandler)}
	}
	leader := of(elected, func(url string) { polled <- url })
	standby := of(make(chan struct{}), func(url string) { t.Errorf("the copy that stands by looks at %s", url) })
	if !leader.NeedLeaderElection() {
		t.Error("every copy takes the notices, want the leader alone")
	}
	hear := func(n *notices, urls ...string) {
		t.Helper()
		if err := n.hear(urls); err != nil {
			t.Fatal(err)
		}
	}
	next := func(want string) {
		t.Helper()
		select {
		case got := <-polled:
			if got != want {
				t.Errorf("the leader looks at %s, want %s", got, want)
			}
		case <-t.Context().Done():
			t.Fatal("the leader heard nothing")
		}
	}
	left := func() map[string]string {
		found := &corev1.ConfigMap{}
		err := cluster.Client.Get(context.Background(), client.ObjectKey{Namespace: namespace, Name: noticesName}, found)
		if client.IgnoreNotFound(err) != nil {
			t.Fatal(err)
		}
		return found.Data
	}

	hear(standby, "https://stranger.example/x", "ssh://git@git.example/team/other")
	if got := left(); len(got) > 0 {
		t.Errorf("notices of repositories that no Application names: %v", got)
	}
	// Before there is a leader: a storm is one notice.
	for range 3 {
		hear(standby, "ssh://git@git.example/team/shop", "https://git.example/team/shop")
	}
	if got := left(); len(got) != 1 {
		t.Errorf("notices: got %v, want one", got)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- leader.Start(ctx) }()
	next("https://git.example/team/shop")
	testkit.Eventually(t, time.Minute, "the notice is gone", func() error {
		if got := left(); len(got) > 0 {
			return fmt.Errorf("notices: %v", got)
		}
		return nil
	})
	hear(standby, "git@git.example:team/shop.git")
	next("https://git.example/team/shop")
	hear(leader, "https://stranger.example/x")
	next("https://stranger.example/x")
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
