package devloop

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// A line of a pod is old once a newer pod runs another image in its place.
func TestReplaced(t *testing.T) {
	s := newSeen(t)
	l := newLogs(newReporter(func(Event) {}), s.scene, LogOptions{})
	first := s.pod(t, "a-1", "a", "app@sha256:1", time.Hour)
	l.meet(first)
	beside := s.pod(t, "a-2", "a", "app@sha256:1", time.Minute)
	l.meet(beside)
	if l.replaced("c", containerOf(first, "c")) || l.replaced("c", containerOf(beside, "c")) {
		t.Error("two pods of one image: want neither old")
	}
	next := s.pod(t, "a-3", "a", "app@sha256:2", time.Second)
	l.meet(next)
	l.meet(first)
	if !l.replaced("c", containerOf(first, "c")) || !l.replaced("c", containerOf(beside, "c")) || l.replaced("c", containerOf(next, "c")) {
		t.Error("a pod of another image: want those before old, and it not")
	}
	if l.replaced("other", containerOf(first, "c")) {
		t.Error("a container that was never met: want it not old")
	}
}

// Which logs are asked for, and which of their lines are shown.
func TestLogOptions(t *testing.T) {
	for _, row := range []struct {
		rule    string
		options LogOptions
		want    string
		// back is how far before the loop the logs are asked from.
		back time.Duration
	}{
		{"all from when the loop begins", LogOptions{}, "GET /\nan error\nGET /x", 0},
		{"also what was before", LogOptions{Since: time.Hour}, "GET /\nan error\nGET /x", time.Hour},
		{"lines with a text", LogOptions{Filter: "GET"}, "GET /\nGET /x", 0},
		{"none", LogOptions{Off: true}, "", -1},
	} {
		t.Run(row.rule, func(t *testing.T) {
			asked := make(chan string, 10)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked <- r.URL.Path + " " + r.URL.Query().Get("container") + " " + r.URL.Query().Get("sinceTime")
				fmt.Fprint(w, "GET /\nan error\nGET /x\n")
			}))
			defer server.Close()
			clients, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			s := newSeen(t)
			s.clients = clients
			pod := s.pod(t, "app-1", "app", "app@sha256:1", 0)
			pod.Status.ContainerStatuses[0].ContainerID = "containerd://1"
			pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{Name: "waits"})
			var shown []string
			l := newLogs(newReporter(func(e Event) {
				if shown = append(shown, e.Text); e.Prefix != "container" {
					t.Errorf("%s: begins by %q, want as the project has it", e.Text, e.Prefix)
				}
			}), s.scene, row.options)
			l.begins("container")
			var tasks tasks
			ctx, end := context.WithCancel(t.Context())
			defer end()
			l.begin(ctx, &tasks)
			tasks.Wait()
			if got := strings.Join(shown, "\n"); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
			close(asked)
			all := slices.Collect(func(yield func(string) bool) {
				for one := range asked {
					if !yield(one) {
						return
					}
				}
			})
			if row.back < 0 {
				if len(all) > 0 {
					t.Errorf("asked for %q, want nothing", all)
				}
				return
			}
			from := l.begun.Add(-row.back).UTC().Format(time.RFC3339)
			if want := "/api/v1/namespaces/dev/pods/app-1/log c " + from; len(all) != 1 || all[0] != want {
				t.Errorf("asked for %q, want %q", all, want)
			}
		})
	}
}
