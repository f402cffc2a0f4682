package controller

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/testkit"
	"github.com/cyan-cd/cyan/internal/view"
)

// bridge is a way to a server that can be cut.
type bridge struct {
	net.Listener
	to string

	mu   sync.Mutex
	cut  bool
	open map[net.Conn]struct{}
}

// bridgeTo returns the configuration by which an API server is reached over a bridge.
func bridgeTo(t *testing.T, config *rest.Config) (*rest.Config, *bridge) {
	t.Helper()
	at, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &bridge{Listener: listener, to: at.Host, open: map[net.Conn]struct{}{}}
	var running sync.WaitGroup
	running.Go(b.run)
	t.Cleanup(func() {
		_ = listener.Close()
		b.set(true)
		running.Wait()
	})
	over := rest.CopyConfig(config)
	over.Host = "https://" + listener.Addr().String()
	over.ServerName = at.Hostname()
	return over, b
}

func (b *bridge) run() {
	for {
		from, err := b.Accept()
		if err != nil {
			return
		}
		go b.carry(from)
	}
}

func (b *bridge) carry(from net.Conn) {
	to, err := net.Dial("tcp", b.to)
	if err != nil {
		_ = from.Close()
		return
	}
	b.mu.Lock()
	b.open[from], b.open[to] = struct{}{}, struct{}{}
	cut := b.cut
	b.mu.Unlock()
	if !cut {
		go func() {
			_, _ = io.Copy(to, from)
			_ = to.Close()
		}()
		_, _ = io.Copy(from, to)
	}
	_, _ = from.Close(), to.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.open, from)
	delete(b.open, to)
}

// set cuts the bridge, or mends it.
func (b *bridge) set(cut bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cut = cut
	for c := range b.open {
		if cut {
			_ = c.Close()
		}
	}
}

// While the API server is away, the page has what was seen last and is told since when; what it asks for is not done,
// and it comes back by itself.
func TestThePageWithoutTheAPIServer(t *testing.T) {
	config, bridge := bridgeTo(t, testkit.Cluster(t).Config)
	s := serveFrom(t, config, "127.0.0.1:0", API{})
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "shop"}}
	app.Spec = v1alpha1.ApplicationSpec{Project: "default", Source: &v1alpha1.ApplicationSource{RepoURL: "https://git.example/shop", Path: "."}, Destination: v1alpha1.ApplicationDestination{Server: v1alpha1.InClusterServer, Namespace: s.namespace}}
	_, token := s.login()
	as := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	events := s.listen(t, token)
	if err := s.Create(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Delete(context.Background(), app); err != nil {
			t.Error(err)
		}
	})
	events.until("row", `"name":"shop"`)
	bridge.set(true)
	told := view.Reachability{}
	if err := json.Unmarshal([]byte(events.until("cluster", `"reachable":false`)), &told); err != nil || told.Since == "" || told.Message == "" {
		t.Errorf("the page is told %+v, %v", told, err)
	}
	for path, want := range map[string]string{
		"/api/v1/view/applications": `"name":"shop"`, "/api/v1/view/overview": `"since":"` + told.Since + `"`, "/api/v1/view/applications/" + s.namespace + "/shop": `"name":"shop"`,
	} {
		if answer, text := s.ask(http.MethodGet, path, "", as); answer.StatusCode != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s, want %s", path, answer.StatusCode, text, want)
		}
	}
	if answer, text := s.ask(http.MethodPost, "/api/v1/applications/shop/sync", `{}`, as); answer.StatusCode < http.StatusInternalServerError || !strings.Contains(text, `"error":`) {
		t.Errorf("a sync meanwhile: %d %s", answer.StatusCode, text)
	}
	bridge.set(false)
	events.until("cluster", `{"reachable":true}`)
	if err := s.Get(t.Context(), client.ObjectKeyFromObject(app), app); err != nil || app.Operation != nil {
		t.Errorf("what was asked for meanwhile is half done: %+v, %v", app.Operation, err)
	}
	testkit.Edit(t, s.Client, app, func(app *v1alpha1.Application) { app.Labels = map[string]string{"seen": "again"} })
	events.until("row", `"seen":"again"`)
}

// stream is one that is read.
type stream struct {
	*testing.T
	*bufio.Scanner
}

func (s *served) listen(t *testing.T, token string) stream {
	t.Helper()
	ctx, leave := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(leave)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address+"/api/v1/view/stream?topics=applications", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := s.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	return stream{t, bufio.NewScanner(answer.Body)}
}

// until reads on until an event comes that has a text in it, and returns its data.
func (s stream) until(event, text string) string {
	s.Helper()
	for named := ""; s.Scan(); {
		field, value, _ := strings.Cut(s.Text(), ": ")
		switch {
		case field == "event":
			named = value
		case field == "data" && named == event && strings.Contains(value, text):
			return value
		}
	}
	s.Fatalf("no event %s with %s: %v", event, text, s.Err())
	return ""
}
