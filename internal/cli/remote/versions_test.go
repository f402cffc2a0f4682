package remote

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// A server that is a moment behind is waited for: what was there before a sync is not taken for its end.
func TestAServerThatIsBehind(t *testing.T) {
	reads := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		version := "12"
		if r.Method == http.MethodGet {
			if reads++; reads < 3 {
				version = "9"
			}
		}
		_, _ = w.Write([]byte(`{"metadata":{"name":"shop","namespace":"argocd","resourceVersion":"` + version + `"},"spec":{"project":"default"}}`))
	}))
	t.Cleanup(server.Close)
	c := NewApplications(Server{Address: strings.TrimPrefix(server.URL, "http://"), Plain: true}, testkit.Scheme(), "argocd")
	app := &v1alpha1.Application{}
	app.Name, app.Namespace, app.ResourceVersion = "shop", "argocd", "9"
	app.Status.Sync.Revision = "of before"
	request, err := action.Start(app, &v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, patch := range request.Patches {
		if err := c.Patch(t.Context(), app, client.RawPatch(patch.Type, patch.Body)); err != nil {
			t.Fatal(err)
		}
	}
	if app.ResourceVersion != "12" || app.Status.Sync.Revision != "" {
		t.Errorf("after the sync was asked for: %+v", app)
	}
	seen := &v1alpha1.Application{}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(app), seen); err != nil || seen.ResourceVersion != "12" || reads != 3 {
		t.Errorf("version %s after %d reads, %v; want 12 after 3", seen.ResourceVersion, reads, err)
	}
	if err := (versions{"shop": 99}).await(t.Context(), "shop", seen, func() error { return errors.New("away") }); err == nil {
		t.Error("an error is waited for")
	}
}
