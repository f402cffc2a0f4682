package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/testkit"
)

const control = "argocd"

// accounts have a token each in a world, by what their role is.
var accounts = map[string]string{
	"admin":    "p, admin, *, *, *, allow",
	"reader":   "g, reader, role:readonly",
	"shopper":  "p, shopper, applications, *, shop/*, allow",
	"deployer": "p, deployer, applications, get, shop/*, allow\np, deployer, applications, sync, shop/*, allow",
	"nobody":   "",
}

// world is an API over objects in memory.
type world struct {
	testing.TB
	client.Client
	options Options
	handler http.Handler
	tokens  map[string]string
	log     *strings.Builder
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{TB: t, tokens: map[string]string{}, log: &strings.Builder{}}
	settings, policies := map[string]string{}, ""
	for name, lines := range accounts {
		settings["accounts."+name] = "apiKey, login"
		policies += lines + "\n"
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("correct horse"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	objects := []client.Object{
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: control, Name: auth.SecretName}, Data: map[string][]byte{"admin.password": hash}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: control, Name: auth.ConfigName}, Data: settings},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: control, Name: access.ConfigMapName}, Data: map[string]string{"policy.csv": policies}},
	}
	for _, name := range []string{"shop", "bank"} {
		objects = append(objects,
			&v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Namespace: control, Name: name}},
			&v1alpha1.Application{
				ObjectMeta: metav1.ObjectMeta{Namespace: control, Name: name + "-web", Labels: map[string]string{"of": name}},
				Spec:       v1alpha1.ApplicationSpec{Project: name, Source: &v1alpha1.ApplicationSource{RepoURL: "https://git.example/" + name, Path: ".", TargetRevision: "main"}},
				Status: v1alpha1.ApplicationStatus{
					Sync:    v1alpha1.SyncStatus{Revision: "two"},
					History: []v1alpha1.RevisionHistory{{ID: 1, Revision: "one"}, {ID: 2, Revision: "two"}},
				},
			})
	}
	w.Client = fake.NewClientBuilder().WithScheme(testkit.Scheme()).WithObjects(objects...).WithStatusSubresource().Build()
	kept := auth.ClusterObjects{Client: w.Client, Namespace: control}
	a := auth.Accounts{Objects: kept, Now: time.Now}
	if err := a.Ensure(context.Background()); err != nil {
		t.Fatal(err)
	}
	for name := range accounts {
		token, _, err := a.GenerateToken(context.Background(), name, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		w.tokens[name] = token
	}
	w.options = Options{
		Auth: auth.New(auth.Options{Objects: kept, Now: time.Now}), Policies: NewPolicies(w.Client, control, slog.New(slog.DiscardHandler)), Reader: w.Client, Writer: w.Client, Namespace: control, Version: "v1.2.3",
		Log: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	// Streams end as soon as they have begun.
	w.options.Feed = NewFeed()
	w.options.Feed.End()
	w.handler = Handler(w.options)
	return w
}

// call makes a call as an account, or without a token, and returns the status and the answer.
func (w *world) call(as, method, path, body string) (int, map[string]any) {
	w.Helper()
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if as != "" {
		r.Header.Set("Authorization", "Bearer "+w.tokens[as])
	}
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	var out map[string]any
	if answer.Body.Len() > 0 && answer.Header().Get("Content-Type") != "text/event-stream" {
		if err := json.Unmarshal(answer.Body.Bytes(), &out); err != nil {
			w.Fatalf("%s %s as %s: %d %q: %v", method, path, as, answer.Code, answer.Body, err)
		}
	}
	return answer.Code, out
}

func (w *world) app(name string) *v1alpha1.Application {
	w.Helper()
	app := &v1alpha1.Application{}
	if err := w.Get(context.Background(), client.ObjectKey{Namespace: control, Name: name}, app); err != nil {
		w.Fatal(err)
	}
	return app
}
