package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Whatever is sent, the answer is JSON, and no fault of the server's.
func FuzzCalls(f *testing.F) {
	for i, c := range calls {
		f.Add(i, "shop-web", "", c.body)
	}
	f.Add(0, "", "", `{"username":"admin","password":1}`)
	f.Add(5, "", "selector=%zz&projects=&projects=shop", "")
	f.Add(6, "..%2f", "refresh=soft&project=%00", "")
	f.Add(7, "shop-web", "appNamespace=x", `{"resources":[{"kind":"x"}],"retryStrategy":{"limit":1e99}}`)
	f.Add(8, "shop-web", "", `[[[[[[`)
	for i, c := range calls {
		for _, body := range []string{`null`, `"null"`, `{"config":null,"source":null,"project":null,"metadata":null}`, `{"githubAppID":{},"namespaces":[""],"server":":"}`} {
			if c.method != http.MethodGet {
				f.Add(i, "shop-web", "", body)
			}
		}
	}
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, call int, name, query, body string) {
		c := calls[((call%len(calls))+len(calls))%len(calls)]
		for _, as := range []string{"deployer", "admin"} {
			fuzzCall(t, w, as, c.method, strings.ReplaceAll(strings.ReplaceAll(c.path, "PROJECT-web", name), "PROJECT", "shop"), query, body)
		}
	})
}

// fuzzCall makes a call as an account, whose answer is JSON.
func fuzzCall(t *testing.T, w *world, as, method, path, query, body string) {
	t.Helper()
	ctx, leave := context.WithTimeout(context.Background(), time.Minute)
	defer leave()
	r := httptest.NewRequestWithContext(ctx, method, "/", strings.NewReader(body))
	path, own, _ := strings.Cut(path, "?")
	r.URL.Path, r.URL.RawQuery = path, own+"&"+query
	if decoded, err := url.PathUnescape(path); err == nil {
		r.URL.Path, r.URL.RawPath = decoded, path
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+w.tokens[as])
	answer := w.serve(r, leave)
	isRedirect := answer.Code >= http.StatusMultipleChoices && answer.Code < http.StatusBadRequest
	if answer.Code >= http.StatusInternalServerError && !strings.Contains(query, "refresh=") {
		t.Errorf("%s %s: %d %s", method, r.URL, answer.Code, answer.Body)
	}
	if strings.HasPrefix(answer.Header().Get("Content-Type"), "application/json") && !json.Valid(answer.Body.Bytes()) && !isRedirect && !strings.Contains(path, "/stream/") {
		t.Errorf("%s %s: %q is no JSON", method, r.URL, answer.Body)
	}
}
