package api

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

type shownRow struct {
	Namespace, Name string
	Rights          []string
	Rollouts        []struct{ Name, Phase string }
}

type shownRows struct {
	Continue string
	Total    int
	Items    []shownRow
}

// get makes a call with headers, and reads the answer into out when it is not nil.
func (w *world) get(as, path string, out any, headers ...string) *httptest.ResponseRecorder {
	w.Helper()
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, http.NoBody)
	r.Header.Set("Authorization", "Bearer "+w.tokens[as])
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	if out != nil {
		if err := json.Unmarshal(answer.Body.Bytes(), out); err != nil {
			w.Fatalf("%s as %s: %d %q: %v", path, as, answer.Code, answer.Body, err)
		}
	}
	return answer
}

// Rows are those that who asks may see, each with the rights on it.
func TestRowsAreThoseThatMayBeSeen(t *testing.T) {
	w := newWorld(t)
	all := []string{"get", "sync", "override", "rollback", "update", "delete", "logs", "action"}
	for as, want := range map[string]map[string][]string{
		"admin":    {"bank-web": all, "shop-web": all},
		"reader":   {"bank-web": {"get", "logs"}, "shop-web": {"get", "logs"}},
		"shopper":  {"shop-web": {"get", "sync", "override", "rollback", "update", "delete", "action"}},
		"deployer": {"shop-web": {"get", "sync", "rollback"}},
		"nobody":   {},
	} {
		var rows shownRows
		stream := w.get(as, "/api/v1/view/applications", &rows).Header().Get("Stream-Position")
		got := map[string][]string{}
		for _, r := range rows.Items {
			got[r.Name] = r.Rights
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || rows.Total != len(want) || stream == "" {
			t.Errorf("as %s: got %v (%d in all), want %v", as, got, rows.Total, want)
		}
		var overview struct {
			Total  int
			Counts struct{ Sync map[string]int }
		}
		w.get(as, "/api/v1/view/overview", &overview)
		if overview.Total != len(want) || overview.Counts.Sync["Unknown"] != len(want) {
			t.Errorf("as %s: overview of %+v, want %d", as, overview, len(want))
		}
	}
}

// What is asked for is chosen on the server.
func TestRowsAreChosen(t *testing.T) {
	w := newWorld(t)
	for query, want := range map[string]string{
		"?project=shop": "shop-web", "?project=shop&project=bank": "bank-web shop-web", "?search=BANK": "bank-web", "?label=of%3Dshop": "shop-web", "?health=Healthy": "",
		"?sort=name&order=desc": "shop-web bank-web", "?limit=1": "bank-web", "?attention=true": "bank-web shop-web", "?cluster=tokyo": "", "?namespace=x": "", "?owner=x": "", "?sync=Unknown": "bank-web shop-web",
	} {
		var rows shownRows
		w.get("admin", "/api/v1/view/applications"+query, &rows)
		var got []string
		for _, r := range rows.Items {
			got = append(got, r.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %v, want %s", query, got, want)
		}
	}
	for _, query := range []string{"?sort=x", "?limit=10001", "?continue=x", "?fields=nothing", "?unknown=1"} {
		if answer := w.get("admin", "/api/v1/view/applications"+query, nil); answer.Code < 400 || answer.Code >= 500 {
			t.Errorf("%s: %d %s", query, answer.Code, answer.Body)
		}
	}
	if text := w.get("admin", "/api/v1/view/applications?fields=health&limit=1", nil).Body.String(); !strings.Contains(text, `"items":[{"health":"Unknown","name":"bank-web","namespace":"argocd"}]`) {
		t.Errorf("with fields: %s", text)
	}
	var first, second shownRows
	w.get("admin", "/api/v1/view/applications?limit=1", &first)
	if w.get("admin", "/api/v1/view/applications?limit=1&continue="+first.Continue, &second); len(second.Items) != 1 || second.Items[0].Name != "shop-web" || second.Continue != "" {
		t.Errorf("the second page: %+v", second)
	}
}

// A row has the phases of the Rollouts that the Application manages in its own cluster.
func TestRowsHaveRollouts(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	app := w.app("shop-web")
	app.Status.Resources = []v1alpha1.ResourceStatus{{Group: "argoproj.io", Kind: "Rollout", Namespace: "shop", Name: "web"}, {Group: "argoproj.io", Kind: "Rollout", Namespace: "shop", Name: "gone"}}
	for server, want := range map[string]string{v1alpha1.InClusterServer: "[{web Paused} {gone }]", "https://elsewhere": "[{web } {gone }]"} {
		app.Spec.Destination.Server = server
		if err := w.Update(ctx, app); err != nil {
			t.Fatal(err)
		}
		var rows shownRows
		w.get("shopper", "/api/v1/view/applications", &rows)
		if got := fmt.Sprint(rows.Items[0].Rollouts); got != want {
			t.Errorf("in %s: got %s, want %s", server, got, want)
		}
	}
}

// What changes and is not in a list, for who asks and for what is asked, has no other ETag; what is in it has. Where
// the stream goes on from is not in the body, and comes with the answer that says that nothing has changed, too.
func TestTheETagOfAListIsOfWhatItShows(t *testing.T) {
	const all = "/api/v1/view/applications"
	for _, c := range []struct {
		rule, as, path string
		change         string
		how            func(*v1alpha1.Application)
		moves          bool
	}{
		{"nothing", "admin", all, "shop-web", func(*v1alpha1.Application) {}, false},
		{"what a row shows", "admin", all, "shop-web", healthy, true},
		{"what a row shows to who may see it", "shopper", all, "shop-web", healthy, true},
		{"what others may see", "shopper", all, "bank-web", healthy, false},
		{"what no row shows", "admin", all, "shop-web", func(a *v1alpha1.Application) { a.Annotations = map[string]string{"note": "x"} }, false},
		{"a comparison that found nothing new", "admin", all, "shop-web", func(a *v1alpha1.Application) { a.Status.ReconciledAt = &metav1.Time{Time: time.Unix(1, 0)} }, false},
		{"an Application that the filter leaves out", "admin", all + "?project=shop", "bank-web", healthy, false},
		{"an Application that the filter takes", "admin", all + "?project=shop", "shop-web", healthy, true},
		{"an Application that comes into the filter", "admin", all + "?health=Healthy", "bank-web", healthy, true},
		{"an Application of another page", "admin", all + "?limit=1", "shop-web", healthy, false},
		{"an Application of the page", "admin", all + "?limit=1", "bank-web", healthy, true},
		{"a field that is not asked for", "admin", all + "?fields=sync", "shop-web", healthy, false},
		{"a field that is asked for", "admin", all + "?fields=health", "shop-web", healthy, true},
		{"an overview counts what is seen", "shopper", "/api/v1/view/overview", "shop-web", healthy, true},
		{"an overview of others", "shopper", "/api/v1/view/overview", "bank-web", healthy, false},
		{"Rollouts are others' objects", "admin", "/api/v1/view/rollouts", "shop-web", healthy, false},
		{"deliveries", "shopper", "/api/v1/view/deliveries", "bank-web", func(a *v1alpha1.Application) { a.Status.History[1].Revision = "three" }, false},
	} {
		f := newFed(t)
		before := f.get(c.as, c.path, nil)
		tag, body, stream := before.Header().Get("ETag"), before.Body.String(), before.Header().Get("Stream-Position")
		f.change(c.change, c.how)
		after := f.get(c.as, c.path, nil)
		if moved := after.Header().Get("ETag") != tag; tag == "" || moved != c.moves || moved != (after.Body.String() != body) {
			t.Errorf("%s: the ETag is another one: %v, want %v; before %s, after %s", c.rule, moved, c.moves, body, after.Body)
		}
		again := f.get(c.as, c.path, nil, "If-None-Match", tag)
		if want := map[bool]int{true: http.StatusOK, false: http.StatusNotModified}[c.moves]; again.Code != want {
			t.Errorf("%s: asked with the ETag from before: %d, want %d", c.rule, again.Code, want)
		}
		if now := again.Header().Get("Stream-Position"); strings.HasPrefix(c.path, all) && (now == "" || now == stream) {
			t.Errorf("%s: the stream goes on from %q, as before the change", c.rule, now)
		}
	}
}

// What a reader has already is not sent again, and what is sent is compressed for who reads that.
func TestAnswersAreCompact(t *testing.T) {
	w := many(t, 20)
	const path = "/api/v1/view/applications"
	plain := w.get("admin", path, nil)
	tag := plain.Header().Get("ETag")
	for header, want := range map[string]int{tag: 304, `"x", ` + tag: 304, strings.TrimPrefix(tag, "W/"): 304, "*": 304, `"x"`: 200, "": 200} {
		if answer := w.get("admin", path, nil, "If-None-Match", header); answer.Code != want || want == 304 && answer.Body.Len() > 0 {
			t.Errorf("If-None-Match %s: %d with %d bytes, want %d", header, answer.Code, answer.Body.Len(), want)
		}
	}
	if answer := w.get("reader", path, nil, "If-None-Match", tag); answer.Code != http.StatusOK {
		t.Errorf("who has other rights gets %d", answer.Code)
	}
	if answer := w.get("nobody", path+"?sort=x", nil, "If-None-Match", "*"); answer.Code != http.StatusUnprocessableEntity && answer.Code != http.StatusBadRequest {
		t.Errorf("an error is answered with %d", answer.Code)
	}
	for header, want := range map[string]bool{"gzip": true, "br, gzip;q=0.5": true, "gzip; q=0": false, "gzip;q=0.0": false, "gzip;q=x": false, "br": false, "": false, "xgzip": false} {
		answer := w.get("admin", path, nil, "Accept-Encoding", header)
		body := io.Reader(answer.Body)
		compressed := answer.Header().Get("Content-Encoding") == "gzip"
		if compressed {
			unzipped, err := gzip.NewReader(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			body = unzipped
		}
		text, err := io.ReadAll(body)
		if err != nil || string(text) != plain.Body.String() || compressed != want || answer.Header().Get("Vary") == "" {
			t.Errorf("Accept-Encoding %q: compressed %v, want %v (%v)", header, compressed, want, err)
		}
	}
}

// many returns an API over many Applications.
func many(t testing.TB, number int) *world {
	t.Helper()
	w := newWorld(t)
	list := &v1alpha1.ApplicationList{}
	for i := range number {
		app := w.app("shop-web")
		app.Name = fmt.Sprintf("shop-%05d", i)
		app.Status.Health.Status, app.Status.Sync.Status = v1alpha1.HealthHealthy, v1alpha1.Synced
		app.Status.Summary.Images = []string{"registry.example/shop/web:1.2.3"}
		list.Items = append(list.Items, *app)
	}
	w.options.Reader = listed{w.Client, list}
	w.options.Policies = NewPolicies(w.Client, control, slog.New(slog.DiscardHandler))
	w.handler = Handler(w.options)
	return w
}

// listed is a cache: it hands out what it has without copying it.
type listed struct {
	client.Reader
	all *v1alpha1.ApplicationList
}

func (l listed) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	if found, ok := into.(*v1alpha1.ApplicationList); ok {
		found.Items = slices.Clone(l.all.Items)
		return nil
	}
	return l.Reader.List(ctx, into, options...)
}

// Thousands of rows are few bytes each, and fewer on the wire.
func TestThousandsOfRowsAreSlim(t *testing.T) {
	w := many(t, 5000)
	plain, packed := w.get("admin", "/api/v1/view/applications", nil), w.get("admin", "/api/v1/view/applications", nil, "Accept-Encoding", "gzip")
	if each := plain.Body.Len() / 5000; each > 700 {
		t.Errorf("%d bytes a row", each)
	}
	if packed.Body.Len() > 400<<10 {
		t.Errorf("%d bytes on the wire", packed.Body.Len())
	}
	var rows shownRows
	w.get("shopper", "/api/v1/view/applications?limit=50&search=shop-0499", &rows)
	if rows.Total != 10 || len(rows.Items) != 10 {
		t.Errorf("got %d rows of %d", len(rows.Items), rows.Total)
	}
}

func BenchmarkRows(b *testing.B) {
	w := many(b, 5000)
	for b.Loop() {
		w.get("admin", "/api/v1/view/applications", nil, "Accept-Encoding", "gzip")
	}
}
