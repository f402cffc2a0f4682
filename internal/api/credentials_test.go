package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/auth"
)

const (
	openedBy  = "https://ada:s3cret@git.example/shop"
	shownOpen = "https://git.example/shop"
)

// withPassword has Application shop-web name its repository with what opens it, wherever an Application names one.
func withPassword(w *world) {
	w.Helper()
	app := w.app("shop-web")
	app.Spec.Source.RepoURL = openedBy
	source := *app.Spec.Source
	for i := range app.Status.History {
		app.Status.History[i].Source = &source
	}
	app.Status.OperationState = &v1alpha1.OperationState{Phase: v1alpha1.OperationFailed, Operation: v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{Source: &source}}, SyncResult: &v1alpha1.SyncOperationResult{Source: source}}
	app.Annotations = map[string]string{"kubectl.kubernetes.io/last-applied-configuration": `{"spec":{"source":{"repoURL":"` + openedBy + `"}}}`}
	if err := w.Update(w.Context(), app); err != nil {
		w.Fatal(err)
	}
}

// No call that shows something shows what opens a repository and was written into an Application.
func TestNoCallShowsWhatOpensARepository(t *testing.T) {
	w := newWorld(t)
	withPassword(w)
	seen := 0
	for _, c := range calls {
		if c.method != http.MethodGet {
			continue
		}
		ctx, leave := context.WithTimeout(t.Context(), time.Minute)
		r := httptest.NewRequestWithContext(ctx, c.method, strings.ReplaceAll(c.path, "PROJECT", "shop"), http.NoBody)
		r.Header.Set("Authorization", "Bearer "+w.tokens["admin"])
		answer := w.serve(r, leave)
		leave()
		if strings.Contains(answer.Body.String(), "s3cret") {
			t.Errorf("%s: %s", c.id, answer.Body)
		}
		if strings.Contains(answer.Body.String(), shownOpen) {
			seen++
		}
	}
	if seen < 4 {
		t.Errorf("%d calls show the repository, want some at least", seen)
	}
	if log := w.log.String(); strings.Contains(log, "s3cret") {
		t.Errorf("the log: %s", log)
	}
}

// What is sent back as it was shown keeps what opens the repository, by every call that changes an Application; and
// one that names another place takes nothing with it.
func TestWhatOpensARepositoryIsKept(t *testing.T) {
	for name, send := range map[string]func(w *world, spec map[string]any) (int, map[string]any){
		"update": func(w *world, spec map[string]any) (int, map[string]any) {
			return w.call("admin", http.MethodPut, "/api/v1/applications/shop-web?validate=false", bodyOf(map[string]any{"metadata": map[string]any{"name": "shop-web"}, "spec": spec}))
		},
		"update of the spec": func(w *world, spec map[string]any) (int, map[string]any) {
			return w.call("admin", http.MethodPut, "/api/v1/applications/shop-web/spec?validate=false", bodyOf(spec))
		},
		"upsert": func(w *world, spec map[string]any) (int, map[string]any) {
			return w.call("admin", http.MethodPost, "/api/v1/applications?upsert=true&validate=false", bodyOf(map[string]any{"metadata": map[string]any{"name": "shop-web"}, "spec": spec}))
		},
		"patch": func(w *world, spec map[string]any) (int, map[string]any) {
			return w.call("admin", http.MethodPatch, "/api/v1/applications/shop-web", bodyOf(map[string]any{"patchType": "merge", "patch": bodyOf(map[string]any{"spec": spec})}))
		},
	} {
		for sent, want := range map[string]string{shownOpen: openedBy, "https://git.example/shop/": "https://git.example/shop/"} {
			w := newWorld(t)
			withPassword(w)
			_, answer := w.call("admin", http.MethodGet, "/api/v1/applications/shop-web", "")
			spec := answer["spec"].(map[string]any)
			source := spec["source"].(map[string]any)
			if source["repoURL"] != shownOpen {
				t.Fatalf("shown is %v", source["repoURL"])
			}
			source["repoURL"], source["path"] = sent, "elsewhere"
			status, answer := send(w, spec)
			if got := w.app("shop-web").Spec.Source; status != http.StatusOK || got.RepoURL != want || got.Path != "elsewhere" {
				t.Errorf("%s of %s: %d %v, stored %+v, want %s", name, sent, status, answer, got, want)
			}
			if strings.Contains(bodyOf(answer), "s3cret") {
				t.Errorf("%s: the answer has it: %v", name, answer)
			}
		}
	}
}

// What Secrets hold is in no answer, of any call, to admin either, and in no line of the log.
func TestNoCallAnswersWithWhatSecretsHold(t *testing.T) {
	for _, c := range calls {
		w := newWorld(t)
		kept := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: control, Name: "repo-shop", Labels: map[string]string{v1alpha1.SecretTypeLabel: v1alpha1.SecretTypeRepository}}, Data: map[string][]byte{
			"url": []byte("https://git.example/shop"), "type": []byte("git"), "project": []byte("shop"), "username": []byte("robot"), "password": []byte("pa55-of-the-repository"), "sshPrivateKey": []byte("key-of-the-repository"),
		}}
		if err := w.Create(t.Context(), kept); err != nil {
			t.Fatal(err)
		}
		var own corev1.Secret
		if err := w.Get(t.Context(), client.ObjectKey{Namespace: control, Name: auth.SecretName}, &own); err != nil {
			t.Fatal(err)
		}
		secrets := []string{"pa55-of-the-repository", "key-of-the-repository"}
		for key, value := range own.Data {
			if len(value) >= 16 && !strings.HasSuffix(key, "Mtime") && !strings.HasSuffix(key, "tokens") {
				secrets = append(secrets, string(value), base64.StdEncoding.EncodeToString(value))
			}
		}
		if len(secrets) < 6 {
			t.Fatalf("Secret %s has %d values, want the password and the key at least", auth.SecretName, len(own.Data))
		}
		ctx, leave := context.WithTimeout(t.Context(), time.Minute)
		r := httptest.NewRequestWithContext(ctx, c.method, strings.ReplaceAll(c.path, "PROJECT", "shop"), strings.NewReader(strings.ReplaceAll(c.body, "PROJECT", "shop")))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+w.tokens["admin"])
		answer := w.serve(r, leave)
		leave()
		for _, value := range secrets {
			if strings.Contains(answer.Body.String(), value) || strings.Contains(w.log.String(), value) {
				t.Errorf("%s answers with %q: %s, %s", c.id, value, answer.Body, w.log)
			}
		}
	}
}

func bodyOf(value any) string {
	text, _ := json.Marshal(value) // what comes from JSON goes there
	return string(text)
}

// A list by repository finds one whose URL has something before its host.
func TestListByRepositoryIsOfAPlace(t *testing.T) {
	w := newWorld(t)
	withPassword(w)
	_, answer := w.call("admin", http.MethodGet, "/api/v1/applications?repo="+url.QueryEscape(shownOpen), "")
	if items := answer["items"].([]any); len(items) != 1 {
		t.Errorf("got %v", items)
	}
}
