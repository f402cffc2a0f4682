package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/source"
)

// The windows of a project that concern an Application, and whether one of them keeps people from syncing it.
func TestSyncWindowsOfApplications(t *testing.T) {
	w := newWorld(t)
	const path = "/api/v1/applications/shop-web/syncwindows"
	w.run(t, steps{{"none", "shopper", http.MethodGet, path, "", 200, `{"activeWindows":[],"assignedWindows":[],"canSync":true}`}})
	p := &v1alpha1.AppProject{}
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: control, Name: "shop"}, p); err != nil {
		t.Fatal(err)
	}
	p.Spec.SyncWindows = []v1alpha1.SyncWindow{
		{Kind: "deny", Schedule: "* * * * *", Duration: "1h", Applications: []string{"shop-*"}},
		{Kind: "deny", Schedule: "* * * * *", Duration: "1h", Applications: []string{"other"}},
	}
	if err := w.Update(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	w.run(t, steps{{"one that is open", "shopper", http.MethodGet, path, "", 200, `{"activeWindows":[{"applications":["shop-*"],"duration":"1h","kind":"deny","schedule":"* * * * *"}],"assignedWindows":[{"applications":["shop-*"],"duration":"1h","kind":"deny","schedule":"* * * * *"}],"canSync":false}`}})
}

// A commit is one of the Application's own repository, read with what its project has that opens it.
func TestRevisionMetadata(t *testing.T) {
	w := newWorld(t)
	asked := ""
	w.options.Commits = func(_ context.Context, project, repo, sha string) (source.Commit, error) {
		asked = project + " " + repo + " " + sha
		if sha != "abcdef0" {
			return source.Commit{}, errors.New("no such commit")
		}
		return source.Commit{SHA: sha, Message: "Ship\n\nit", Author: source.Person{Name: "Ada", Email: "ada@example", Time: time.Unix(0, 0)}}, nil
	}
	w.handler = Handler(w.options)
	const path = "/api/v1/applications/shop-web/revisions/"
	w.run(t, steps{
		{"a commit", "shopper", http.MethodGet, path + "abcdef0/metadata", "", 200, `"author":"Ada \u003cada@example\u003e","date":"1970-01-01T00:00:00Z","message":"Ship\n\nit","tags":[]`},
		{"one that there is not", "shopper", http.MethodGet, path + "abcdef1/metadata", "", 404, "not found in the repository"},
		{"what is no commit", "shopper", http.MethodGet, path + "--all/metadata", "", 400, "revision"},
		{"a source that there is not", "shopper", http.MethodGet, path + "abcdef0/metadata?sourceIndex=1", "", 400, "source index 1 not found"},
		{"a deployment that there is not", "shopper", http.MethodGet, path + "abcdef0/metadata?versionId=9", "", 400, "no deployment 9"},
		{"a deployment without a source", "shopper", http.MethodGet, path + "abcdef0/metadata?versionId=1", "", 400, "source index 0 not found"},
	})
	if want := "shop https://git.example/shop abcdef1"; asked != want {
		t.Errorf("asked for %q, want %q", asked, want)
	}
}

// Links are those that a page may link to, by the names that people gave them.
func TestLinks(t *testing.T) {
	for _, c := range []struct {
		name        string
		annotations map[string]string
		others      []string
		want        string
	}{
		{"none", nil, nil, `[]`},
		{"by name", map[string]string{linkAnnotation + "wiki": "https://wiki.example", linkAnnotation + "docs": "https://docs.example", "other": "https://other.example"}, nil, `[{"title":"docs","url":"https://docs.example"},{"title":"wiki","url":"https://wiki.example"}]`},
		{"of a scheme that runs something", map[string]string{linkAnnotation + "x": "javascript:alert(1)"}, []string{"data:text/html,x"}, `[]`},
		{"others, each once", map[string]string{linkAnnotation + "web": "http://web.example"}, []string{"http://web.example", "http://two.example"}, `[{"title":"web","url":"http://web.example"},{"title":"http://two.example","url":"http://two.example"}]`},
	} {
		if got, _ := json.Marshal(linksOf(c.annotations, c.others).Body.Items); string(got) != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}
