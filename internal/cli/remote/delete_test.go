package remote

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// TestWhatIsDeletedIsWhatWasRead: another Application that has come by the name since stays.
func TestWhatIsDeletedIsWhatWasRead(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, read string
		look       int
		want       string
		deleted    bool
	}{
		{"the one that was read", "one", 200, "", true},
		{"another by then", "two", 200, "another object was created by its name", false},
		{"one whose identity is not known", "", 200, "", true},
		{"who may look no more hears what the deletion is answered", "one", 403, "", true},
		{"a server that cannot look", "one", 503, "busy", false},
	} {
		for how, cascading := range map[string]bool{"false": false, "true": true} {
			deleted := false
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodDelete {
					deleted = r.URL.Query().Get("cascade") == how
					fmt.Fprint(w, "{}")
					return
				}
				w.WriteHeader(c.look)
				fmt.Fprint(w, `{"error":"busy","metadata":{"name":"shop","namespace":"argocd","uid":"one"}}`)
			}))
			client := NewApplications(Server{Address: strings.TrimPrefix(server.URL, "http://"), Plain: true}, scheme, "argocd")
			app := &v1alpha1.Application{}
			app.Name, app.Namespace, app.UID = "shop", "argocd", types.UID(c.read)
			del := func() error { return client.Delete(t.Context(), app) }
			if cascading {
				del = func() error { return client.DeleteCascading(t.Context(), app, "foreground") }
			}
			err := del()
			server.Close()
			if deleted != c.deleted || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, cascade=%s: deleted %v with error %v, want %v and %q", c.name, how, deleted, err, c.deleted, c.want)
			}
			if c.read == "two" && !apierrors.IsConflict(err) {
				t.Errorf("%s: %v is no conflict", c.name, err)
			}
		}
	}
}
