package devloop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

func TestLibraryLines(t *testing.T) {
	refused := &url.Error{Op: "Get", URL: "https://127.0.0.1:1/api?watch=1", Err: errors.New("connect: connection refused")}
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New("no"))
	for _, row := range []struct {
		name, message string
		err           error
		want          string
	}{
		{"a watch that cannot begin", "Failed to watch", refused, "cluster c: what is watched there does not answer; it is tried again until it does"},
		{"a watch that has ended", "Warning: watch ended with error", errors.New("http2: client connection lost"), "cluster c: what is watched there does not answer; it is tried again until it does"},
		{"a watch that is refused", "Failed to watch", forbidden, "cluster c: pods is forbidden: no"},
		{"an API's warning", "v1 ComponentStatus is deprecated\nin v1.19+", nil, "cluster c: v1 ComponentStatus is deprecated in v1.19+"},
		{"anything else", "Unable to rotate", refused, "cluster c: Unable to rotate: connect: connection refused"},
	} {
		l := &libraryLines{cluster: "c"}
		if got := l.text(row.message, row.err); got != row.want {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
}

// A line that comes again and again is shown once, and once more when it has not come for a while.
func TestLibraryLinesThatComeAgain(t *testing.T) {
	now := time.Unix(0, 0)
	var got []string
	l := &libraryLines{cluster: "c", say: func(text string) { got = append(got, text) }, now: func() time.Time { return now }, last: map[string]time.Time{}}
	for range 10 {
		now = now.Add(sameWithin / 2)
		l.see("x", nil)
	}
	now = now.Add(2 * sameWithin)
	l.see("x", nil)
	if want := []string{"cluster c: x", "cluster c: x"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for i := range 10 * mostRemembered {
		l.see(fmt.Sprint(i), nil)
	}
	if len(l.last) > mostRemembered {
		t.Errorf("%d lines are remembered", len(l.last))
	}
}

// What client-go writes about a cluster that goes away is one line of the loop.
func TestLibrariesOfAClusterThatIsAway(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	defer server.Close()
	said := make(chan string, 100)
	listen("here", func(text string) { said <- text })
	defer mute()
	clients, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	factory := informers.NewSharedInformerFactory(clients, 0)
	factory.Core().V1().Pods().Informer()
	factory.Core().V1().Services().Informer()
	factory.Start(ctx.Done())
	defer factory.Shutdown()
	defer end()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	select {
	case got := <-said:
		if want := "cluster here: what is watched there does not answer; it is tried again until it does"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	case <-late.C:
		t.Fatal("nothing was said within a minute")
	}
	klog.Warningf("a warning of %s", "klog")
	if got, want := <-said, "cluster here: a warning of klog"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
