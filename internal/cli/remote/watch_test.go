package remote

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestWhoWatchesIsToldByTheStream: when it was opened, and with each line of it, however long; where a server has no
// stream, by the time.
func TestWhoWatchesIsToldByTheStream(t *testing.T) {
	lines, has := make(chan string), atomic.Bool{}
	has.Store(true)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !has.Load() || r.Header.Get("Authorization") != "Bearer secret" || r.URL.Query().Get("name") != "shop" {
			http.NotFound(w, r)
			return
		}
		for {
			_ = http.NewResponseController(w).Flush()
			select {
			case line := <-lines:
				_, _ = fmt.Fprintln(w, line)
			case <-r.Context().Done():
				return
			}
		}
	}))
	defer server.Close()
	s := Server{Address: strings.TrimPrefix(server.URL, "http://"), Plain: true, Token: "secret"}
	changed := s.follow(t.Context(), "/stream", map[string][]string{"name": {"shop"}})
	told := func(rule string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("%s: nothing was told", rule)
		}
	}
	told("the stream is open")
	for _, line := range []string{`{"result":{}}`, strings.Repeat("x", 100_000), ""} {
		lines <- line
		told("a line of " + fmt.Sprint(len(line)))
	}
	has.Store(false)
	server.CloseClientConnections()
	told("the stream has ended")
	told("there is none any more")
}
