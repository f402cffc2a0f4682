package ingress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

// load is clients that ask without a pause.
type load struct {
	answered [8]atomic.Int64
	lost     atomic.Int64
	failure  atomic.Value
}

// ask asks until ctx ends, and counts.
func (l *load) ask(ctx context.Context, w *world, client int, method string) {
	for ctx.Err() == nil {
		var body io.Reader
		if method == http.MethodPost {
			body = strings.NewReader("a body")
		}
		request, err := http.NewRequest(method, "http://a.localhost/", body) //nolint:noctx // each is to be answered
		if err != nil {
			l.failure.Store(err.Error())
			return
		}
		response, err := w.client.Do(request)
		if err == nil {
			text, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if response.StatusCode != http.StatusOK {
				err = errors.New(method + ": " + response.Status + " " + string(text))
			}
		}
		if err != nil {
			l.lost.Add(1)
			l.failure.Store(err.Error())
		}
		l.answered[client].Add(1)
	}
}

// pass returns once each client has had some more answers, so that what was asked before is over.
func (l *load) pass(t *testing.T, more int64) {
	t.Helper()
	var before [8]int64
	for i := range before {
		before[i] = l.answered[i].Load()
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for i := range before {
		for l.answered[i].Load() < before[i]+more {
			select {
			case <-tick.C:
			case <-t.Context().Done():
				t.Fatal("the clients are not answered any more")
			}
		}
	}
}

// TestSwitchUnderLoad: while endpoints come and go, every request is answered: changes, where an endpoint ends some
// time after it was taken out, as with a delay before its pods are scaled down; questions, even where it ends at
// once.
func TestSwitchUnderLoad(t *testing.T) {
	for name, c := range map[string]struct {
		methods []string
		delay   bool
	}{"later": {[]string{http.MethodGet, http.MethodPost}, true}, "at once": {[]string{http.MethodGet, http.MethodHead}, false}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			start := func(version string) (string, func()) {
				server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					_, _ = io.WriteString(out, version)
				}))
				return server.Listener.Addr().String(), func() { _ = server.Config.Shutdown(context.Background()) }
			}
			address, stop := start("0")
			w.serve(routing.Action{}, address)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var l load
			var clients sync.WaitGroup
			for i := range l.answered {
				clients.Go(func() { l.ask(ctx, w, i, c.methods[i%2]) })
			}
			for version := range 20 {
				l.pass(t, 10)
				next, stopNext := start(fmt.Sprint(version + 1))
				w.serve(routing.Action{}, next)
				if c.delay {
					l.pass(t, 2)
				}
				stop()
				stop = stopNext
			}
			cancel()
			clients.Wait()
			stop()
			if l.lost.Load() > 0 {
				t.Errorf("%d requests were lost: %v", l.lost.Load(), l.failure.Load())
			}
		})
	}
}
