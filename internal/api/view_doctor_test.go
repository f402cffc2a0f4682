package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// TestSettingsHaveWhatIsWrong: what the checks find is shown with what to do, made once for all who look in a minute,
// and a check that fails keeps nothing else from being shown.
func TestSettingsHaveWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	var asked atomic.Int64
	kubernetes := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path == "/version" {
			_, _ = fmt.Fprint(w, `{"major":"1","minor":"34","gitVersion":"v1.34.1"}`)
			return
		}
		http.NotFound(w, r)
	}))
	defer kubernetes.Close()
	w.options.Clusters.Home = &rest.Config{Host: kubernetes.URL}
	w.options.Reach = func(_ context.Context, _, repo string, _ *corev1.Secret) error {
		if repo == "https://git.example/bank" {
			return errors.New("it is away")
		}
		return nil
	}
	other := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "theirs", Name: "argo-rollouts", Labels: map[string]string{"app.kubernetes.io/name": "argo-rollouts"}}}
	if err := w.Create(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	w.handler = Handler(w.options)
	var found map[string]map[string]any
	for range 2 {
		code, out := w.call("admin", http.MethodGet, "/api/v1/view/settings", "")
		if code != http.StatusOK || out["kubernetes"] != "v1.34.1" || len(out["maps"].([]any)) == 0 {
			t.Fatalf("got %d, %v", code, out)
		}
		found = map[string]map[string]any{}
		for _, d := range out["doctor"].([]any) {
			d := d.(map[string]any)
			found[d["name"].(string)+" "+d["state"].(string)] = d
		}
	}
	for _, want := range []struct{ check, message, remedy string }{
		{"git ok", "git version ", ""},
		{"cluster ok", "answers, Kubernetes v1.34.1", ""},
		{"controllers failed", "others work on the same objects: Deployment theirs/argo-rollouts", "`cyan adopt` shows how"},
		{"repositories ok", "1 of 2 answer", ""},
		{"repositories failed", "", ""},
		{"unsupported ok", "nothing that is in use", ""},
	} {
		got, there := found[want.check]
		message, _ := got["message"].(string)
		remedy, _ := got["remedy"].(string)
		if !there || !strings.HasPrefix(message, want.message) || !strings.HasPrefix(remedy, want.remedy) {
			t.Errorf("%s: got %v, want %q and %q; all: %v", want.check, got, want.message, want.remedy, found)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the cluster was asked %d times for two who look, want 1", n)
	}
}

// TestSettingsWithoutACluster: what is written is shown while the cluster does not answer.
func TestSettingsWithoutACluster(t *testing.T) {
	w := newWorld(t)
	w.options.Clusters.Home = &rest.Config{Host: "http://127.0.0.1:1"}
	w.handler = Handler(w.options)
	code, out := w.call("admin", http.MethodGet, "/api/v1/view/settings", "")
	all, _ := out["doctor"].([]any)
	if code != http.StatusOK || len(out["maps"].([]any)) == 0 || len(all) == 0 {
		t.Fatalf("got %d, %v", code, out)
	}
	last := all[len(all)-1].(map[string]any)
	if last["name"] != "cluster" || last["state"] != "failed" || last["remedy"] == "" {
		t.Errorf("got %v, want that the cluster does not answer", last)
	}
}
