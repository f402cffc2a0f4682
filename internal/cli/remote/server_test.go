package remote

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/problem"
)

func TestWhatServersAnswer(t *testing.T) {
	for _, c := range []struct {
		name    string
		status  int
		headers map[string]string
		body    string
		kind    problem.Kind
		want    string
	}{
		{"no session", 401, nil, `{"error":"no session information","code":16,"message":"no session information"}`, problem.Refused, "no session information; log in with `login "},
		{"a right that is missing", 403, nil, `{"error":"permission denied: applications, sync"}`, problem.Refused, "permission denied: applications, sync"},
		{"message alone", 404, nil, `{"message":"application not found"}`, problem.Absent, "application not found"},
		{"a mistake", 400, nil, `{"error":"revision: invalid"}`, problem.Usage, "revision: invalid"},
		{"no API", 404, nil, `<html>not here</html>`, problem.Unreachable, "answers 404 Not Found; see whether that is the address"},
		{"a page", 200, nil, `<html>a page</html>`, problem.Unreachable, "answers with something else than JSON"},
		{"busy", 503, nil, `{"error":"busy"}`, problem.Unreachable, "busy"},
		// A token is not sent on to where a server leads.
		{"another server", 302, map[string]string{"Location": "https://evil.example/"}, ``, problem.Unreachable, "answers 302 Found"},
	} {
		asked := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			if r.Header.Get("Authorization") != "Bearer secret" || r.Header.Get("X-Tenant") != "a" {
				t.Errorf("%s: headers %v", c.name, r.Header)
			}
			for name, value := range c.headers {
				w.Header().Set(name, value)
			}
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		s := Server{Address: strings.TrimPrefix(server.URL, "http://"), Plain: true, Token: "secret", Headers: []string{"X-Tenant: a"}}
		var into struct{ Version string }
		err := s.Do(t.Context(), http.MethodGet, "/api/version", nil, nil, &into)
		server.Close()
		if err == nil || problem.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) || asked != 1 || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v (%v, %d requests), want %q", c.name, err, problem.KindOf(err), asked, c.want)
		}
	}
	if err := (Server{Address: "127.0.0.1:1", Plain: true}).Do(t.Context(), http.MethodGet, "/", nil, nil, nil); problem.KindOf(err) != problem.Unreachable || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("nothing listens: %v", err)
	}
	if err := (Server{Address: "127.0.0.1:1", Headers: []string{"no colon"}}).Do(t.Context(), http.MethodGet, "/", nil, nil, nil); problem.KindOf(err) != problem.Usage {
		t.Errorf("an invalid header: %v", err)
	}
}
