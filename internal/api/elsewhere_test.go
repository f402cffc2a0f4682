package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// A link or a picture on another site, which a browser follows with its cookies, has no Application looked at again; to
// read one it may be followed.
func TestALinkOfAnotherSiteRefreshesNothing(t *testing.T) {
	w := newWorld(t)
	before := w.writes.Load()
	for from, want := range map[string]int{"cross-site": http.StatusForbidden, "same-site": http.StatusForbidden} {
		for query, status := range map[string]int{"?refresh=hard": want, "": http.StatusOK} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/applications/shop-web"+query, http.NoBody)
			r.Header.Set("Sec-Fetch-Site", from)
			r.Header.Set("Authorization", "Bearer "+w.tokens["admin"])
			answer := httptest.NewRecorder()
			if w.handler.ServeHTTP(answer, r); answer.Code != status || status != http.StatusOK && !strings.Contains(answer.Body.String(), "request comes from another site") {
				t.Errorf("from %s, %q: got %d %s, want %d", from, query, answer.Code, answer.Body, status)
			}
		}
	}
	if got := w.app("shop-web").Annotations[v1alpha1.RefreshAnnotation]; got != "" || w.writes.Load() != before {
		t.Errorf("annotated with %q after %d writes", got, w.writes.Load()-before)
	}
}
