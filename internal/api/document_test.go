package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the document anew")

// The document that is committed is that of the calls.
func TestTheDocumentIsCurrent(t *testing.T) {
	const file = "../../docs/openapi.json"
	made, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := json.Indent(&want, made, "", "  "); err != nil {
		t.Fatal(err)
	}
	want.WriteByte('\n')
	if *update {
		if err := os.WriteFile(file, want.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s is not that of the calls; make generate (%v)", file, err)
	}
}

// Clients are made of the document: each parameter of a path is one that it declares, and the calls are below the root.
func TestTheDocumentHasAllOfItsPaths(t *testing.T) {
	asked := httptest.NewRecorder()
	Handler(Options{Root: "/cd"}).ServeHTTP(asked, httptest.NewRequest(http.MethodGet, "/api/openapi.json", nil))
	var document struct {
		Servers []struct{ URL string }
		Paths   map[string]map[string]struct {
			Parameters []struct {
				Name, In string
				Required bool
			}
		}
	}
	if err := json.Unmarshal(asked.Body.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	if len(document.Servers) != 1 || document.Servers[0].URL != "/cd" {
		t.Errorf("the servers are %v, want /cd", document.Servers)
	}
	if len(document.Paths) < 80 {
		t.Errorf("%d paths", len(document.Paths))
	}
	for path, calls := range document.Paths {
		var want []string
		for _, name := range regexp.MustCompile(`{([^}]*)}`).FindAllStringSubmatch(path, -1) {
			want = append(want, name[1])
		}
		slices.Sort(want)
		for method, call := range calls {
			got := map[string]bool{}
			for _, p := range call.Parameters {
				if p.In == "path" {
					got[p.Name] = p.Required
				}
			}
			if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
				t.Errorf("%s %s declares %v", strings.ToUpper(method), path, names)
			}
			for name, required := range got {
				if !required {
					t.Errorf("%s %s: %s may be left out", strings.ToUpper(method), path, name)
				}
			}
		}
	}
}
