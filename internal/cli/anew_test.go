package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// createAnew has commands reach the API server through a proxy by which somebody else deletes each object, and creates
// another by its name, just before a command deletes it. It returns how often that was.
func (s *shell) createAnew() *atomic.Int64 {
	s.t.Helper()
	transport, err := rest.TransportFor(s.cluster.Config)
	if err != nil {
		s.t.Fatal(err)
	}
	target, err := url.Parse(s.cluster.Config.Host)
	if err != nil {
		s.t.Fatal(err)
	}
	send := func(method, at string, body []byte) []byte {
		r, err := http.NewRequestWithContext(s.t.Context(), method, target.JoinPath(at).String(), bytes.NewReader(body))
		if err != nil {
			s.t.Error(err)
			return nil
		}
		r.Header.Set("Content-Type", "application/json")
		answer, err := transport.RoundTrip(r)
		if err != nil {
			s.t.Error(err)
			return nil
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode >= http.StatusMultipleChoices {
			s.t.Errorf("%s %s: %s %v\n%s", method, at, answer.Status, err, text)
		}
		return text
	}
	times := &atomic.Int64{}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = transport
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			times.Add(1)
			var object map[string]any
			if err := json.Unmarshal(send(http.MethodGet, r.URL.Path, nil), &object); err != nil {
				s.t.Error(err)
			}
			meta, _ := object["metadata"].(map[string]any)
			delete(meta, "uid")
			delete(meta, "resourceVersion")
			text, err := json.Marshal(object)
			if err != nil {
				s.t.Error(err)
			}
			send(http.MethodDelete, r.URL.Path, nil)
			send(http.MethodPost, path.Dir(r.URL.Path), text)
		}
		proxy.ServeHTTP(w, r)
	}))
	s.t.Cleanup(served.Close)
	config := filepath.Join(s.t.TempDir(), "kubeconfig")
	text := strings.ReplaceAll("{apiVersion: v1, kind: Config, current-context: it, contexts: [{name: it, context: {cluster: it}}], clusters: [{name: it, cluster: {server: 'URL'}}]}", "URL", served.URL)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.t.Setenv("KUBECONFIG", config)
	return times
}

// TestWhatWasCreatedAnewIsNotDeleted: a command that looks, and perhaps asks, deletes what it has looked at, and no
// other object that has come by its name meanwhile.
func TestWhatWasCreatedAnewIsNotDeleted(t *testing.T) {
	s := newShell(t)
	namespace := deployed(s, "anew")
	control := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "argocd", Name: name} }
	secret := func(name, kind string, data map[string]string) *corev1.Secret {
		o := &corev1.Secret{ObjectMeta: control(name), StringData: data}
		o.Labels = map[string]string{v1alpha1.SecretTypeLabel: kind}
		return o
	}
	made := []client.Object{
		&v1alpha1.AppProject{ObjectMeta: control("anew")},
		secret("anew-repo", v1alpha1.SecretTypeRepository, map[string]string{"url": "https://git.example/anew"}),
		secret("anew-cluster", v1alpha1.SecretTypeCluster, map[string]string{"name": "anew", "server": "https://anew.example", "config": "{}"}),
	}
	for _, o := range made {
		if err := s.cluster.Client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.cluster.Client.Delete(context.Background(), o) })
	}
	times := s.createAnew()
	for _, c := range []struct {
		line string
		of   client.Object
	}{
		{"app delete-resource anew --kind ConfigMap --resource-name a", &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "a"}}},
		{"app delete anew --cascade=false -y", &v1alpha1.Application{ObjectMeta: control("anew")}},
		{"proj delete anew -y", made[0]},
		{"repo rm https://git.example/anew -y", made[1]},
		{"cluster rm anew -y", made[2]},
	} {
		before := times.Load()
		got := s.ends(append([]string{"cyan"}, strings.Fields(c.line)...)...)
		if got.code == 0 || got.stdout != "" || !strings.Contains(got.stderr, "the object was changed, or created anew, since it was read; look at it, and run the command again") {
			t.Errorf("%s: got %+v", c.line, got)
		}
		if times.Load() == before {
			t.Errorf("%s: nothing was deleted", c.line)
		}
		s.get(c.of, c.of.GetNamespace(), c.of.GetName())
	}
}
