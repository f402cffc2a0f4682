package cli_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/api"
	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/informer"
)

// servedShell is a shell beside a server of the API. Its namespace is not the one that commands take without a flag.
type servedShell struct {
	*shell
	namespace, address, config string
}

const servedPassword = "correct horse"

func newServedShell(t *testing.T) *servedShell {
	t.Helper()
	s := &servedShell{shell: newShell(t)}
	s.namespace, s.config = s.cluster.Namespace(t), filepath.Join(os.Getenv("ARGOCD_CONFIG_DIR"), "config")
	// Nothing of these commands reaches the cluster by itself.
	t.Setenv("KUBECONFIG", os.DevNull)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	hash, err := auth.Hash(servedPassword)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []client.Object{
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: auth.SecretName}, Data: map[string][]byte{"admin.password": hash}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: auth.ConfigName}, Data: map[string]string{"accounts.ci": "apiKey"}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: access.ConfigMapName}, Data: map[string]string{"policy.csv": "p, ci, applications, get, default/*, allow"}},
		&v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "default"}, Spec: v1alpha1.AppProjectSpec{SourceRepos: []string{"*"}, Destinations: []v1alpha1.ApplicationDestination{{Server: "*", Namespace: "*"}}}},
		&v1alpha1.Application{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "shop", Labels: map[string]string{"team": "a"}},
			Spec:       v1alpha1.ApplicationSpec{Project: "default", Source: &v1alpha1.ApplicationSource{RepoURL: "https://git.example/shop", Path: "k8s"}, Destination: v1alpha1.ApplicationDestination{Server: v1alpha1.InClusterServer, Namespace: "shop"}},
			Status: v1alpha1.ApplicationStatus{
				Sync: v1alpha1.SyncStatus{Status: v1alpha1.Synced, Revision: "2222222"}, Health: v1alpha1.AppHealthStatus{Status: v1alpha1.HealthHealthy},
				History: []v1alpha1.RevisionHistory{{ID: 1, Revision: "1111111", DeployedAt: metav1.Now()}, {ID: 2, Revision: "2222222", DeployedAt: metav1.Now()}},
			},
		},
	} {
		if err := s.cluster.Client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := s.cluster.Client.DeleteAllOf(context.Background(), &v1alpha1.Application{}, client.InNamespace(s.namespace)); err != nil {
			t.Error(err)
		}
	})
	objects := auth.ClusterObjects{Client: s.cluster.Client, Namespace: s.namespace}
	if err := (auth.Accounts{Objects: objects, Now: time.Now}).Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	clusters := &informer.Clusters{Reader: s.cluster.Client, Namespace: s.namespace, Home: s.cluster.Config, Scheme: s.cluster.Client.Scheme()}
	handler := api.Handler(api.Options{
		Auth: auth.New(auth.Options{Objects: objects, Now: time.Now, Cookies: auth.Cookies{Insecure: true}}), Policies: api.NewPolicies(s.cluster.Client, s.namespace, slog.New(slog.DiscardHandler)),
		Reader: s.cluster.Client, Writer: s.cluster.Client, Config: s.cluster.Client, Clusters: clusters, Informers: informer.New(t.Context(), clusters), Namespace: s.namespace, Version: "v1.2.3", Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	s.address = strings.TrimPrefix(server.URL, "http://")
	return s
}

// login logs admin in.
func (s *servedShell) login(t *testing.T) {
	t.Helper()
	if out, note, err := s.tryWith(t.Context(), servedPassword+"\n", "cyan", "login", s.address, "--username", "admin", "--insecure"); err != nil {
		t.Fatalf("%s%s: %v", out, note, err)
	}
}

func (s *servedShell) stored(name string) *v1alpha1.Application {
	s.t.Helper()
	app := &v1alpha1.Application{}
	s.get(app, s.namespace, name)
	return app
}

// idle takes the operation away that nobody here carries out.
func (s *servedShell) idle(name string) {
	s.t.Helper()
	if err := s.cluster.Client.Patch(context.Background(), s.stored(name), client.RawPatch("application/merge-patch+json", []byte(`{"operation":null}`))); err != nil {
		s.t.Fatal(err)
	}
}

// Who has logged in works on Applications through the server, with no kubeconfig at all, under either name.
func TestCommandsThroughAServer(t *testing.T) {
	s := newServedShell(t)
	out, note, err := s.tryWith(t.Context(), servedPassword+"\n", "argocd", "login", s.address, "--username", "admin", "--insecure", "--grpc-web")
	if err != nil || !strings.Contains(out, "'admin' logged in successfully") {
		t.Fatalf("%s%s: %v", out, note, err)
	}
	if info, err := os.Stat(s.config); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v %v, want it for its owner alone", info.Mode(), err)
	}
	for _, program := range []string{"cyan", "argocd"} {
		s.says([]string{program, "app", "list"}, "shop", "Healthy")
		s.says([]string{program, "app", "list", "-l", "team=b"})
		s.says([]string{program, "app", "get", "shop"}, "https://git.example/shop", "Healthy")
		s.says([]string{program, "app", "history", "shop"}, "1111111")
		s.says([]string{program, "app", "wait", "shop", "--health", "--timeout", "1m"}, "shop")
		s.says([]string{program, "account", "get-user-info"}, "Logged In: true", "Username: admin")
		s.says([]string{program, "account", "can-i", "sync", "applications", "default/shop"}, "yes")
	}
	if out, note, err := s.try("cyan", "app", "get", "shopp"); err == nil || !strings.Contains(err.Error(), `did you mean "shop"?`) {
		t.Errorf("another name: %s%s%v", out, note, err)
	}

	s.run("cyan", "app", "sync", "shop", "--async", "--revision", "3333333", "--prune", "--strategy", "apply", "--info", "why=test", "--retry-limit", "2")
	operation := s.stored("shop").Operation
	if operation == nil || operation.Sync.Revision != "3333333" || !operation.Sync.Prune || operation.Sync.SyncStrategy.Apply == nil || operation.Retry.Limit != 2 || operation.Info[0].Value != "test" || operation.InitiatedBy.Username != "admin" {
		t.Errorf("sync has asked for %+v", operation)
	}
	if _, _, err := s.try("cyan", "app", "sync", "shop", "--async"); err == nil || !strings.Contains(err.Error(), "another operation is in progress") {
		t.Errorf("a second one: %v", err)
	}
	s.run("cyan", "app", "terminate-op", "shop")
	if operation := s.stored("shop").Operation; operation != nil {
		t.Errorf("after terminate-op there is %+v", operation)
	}
	s.run("cyan", "app", "rollback", "shop", "1", "--async")
	if operation := s.stored("shop").Operation; operation == nil || operation.Sync.Revision != "1111111" {
		t.Errorf("rollback has asked for %+v", operation)
	}
	s.idle("shop")

	// What is made through the server lies where the server has its Applications.
	s.run("argocd", "app", "create", "cart", "--repo", "https://git.example/cart", "--path", "k8s", "--dest-server", v1alpha1.InClusterServer, "--dest-namespace", "shop", "--validate=false")
	if got := s.stored("cart").Spec; got.Source.RepoURL != "https://git.example/cart" || got.Project != "default" {
		t.Errorf("create has made %+v", got)
	}
	// What is checked by whoever reads the cluster, the server checks: the line is that of who has a kubeconfig.
	s.run("argocd", "app", "create", "till", "--repo", "https://git.example/till", "--path", "k8s", "--dest-server", v1alpha1.InClusterServer, "--dest-namespace", "shop")
	s.run("argocd", "app", "set", "till", "--revision", "v2")
	if got := s.stored("till").Spec; got.Source.RepoURL != "https://git.example/till" || got.Source.TargetRevision != "v2" {
		t.Errorf("create and set have made %+v", got)
	}
	for _, line := range [][]string{
		{"argocd", "app", "create", "vault", "--repo", "https://git.example/till", "--path", "k8s", "--dest-server", v1alpha1.InClusterServer, "--dest-namespace", "shop", "--project", "bank"},
		{"argocd", "app", "set", "till", "--project", "bank"},
	} {
		if _, _, err := s.try(line...); err == nil || !strings.Contains(err.Error(), "bank") {
			t.Errorf("%v, to a project that is not there: %v", line, err)
		}
	}
	if _, _, err := s.try("argocd", "app", "create", "cart", "--repo", "https://git.example/other", "--path", "k8s", "--dest-server", v1alpha1.InClusterServer, "--dest-namespace", "shop", "--validate=false"); err == nil || !strings.Contains(err.Error(), "existing application spec is different") {
		t.Errorf("creating it once more: %v", err)
	}
	s.run("cyan", "app", "set", "cart", "--revision", "v2", "--validate=false")
	s.run("cyan", "app", "patch", "cart", "--type", "merge", "--patch", `{"metadata":{"labels":{"team":"b"}}}`)
	if got := s.stored("cart"); got.Spec.Source.TargetRevision != "v2" || got.Labels["team"] != "b" {
		t.Errorf("set and patch have made %+v of %v", got.Spec.Source, got.Labels)
	}
	s.run("cyan", "app", "delete", "cart", "-y", "--cascade=false", "--wait", "--timeout", "1m")
	if err := s.cluster.Client.Get(t.Context(), client.ObjectKey{Namespace: s.namespace, Name: "cart"}, &v1alpha1.Application{}); client.IgnoreNotFound(err) != nil || err == nil {
		t.Errorf("after delete: %v", err)
	}
	s.run("cyan", "app", "delete", "shop", "-y")
	if got := s.stored("shop"); got.DeletionTimestamp == nil || len(got.Finalizers) != 1 || got.Finalizers[0] != v1alpha1.ResourcesFinalizer {
		t.Errorf("a cascading deletion: %v %v", got.DeletionTimestamp, got.Finalizers)
	}
	if err := s.cluster.Client.Patch(context.Background(), s.stored("shop"), client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))); err != nil {
		t.Fatal(err)
	}

	if out, note, err := s.try("cyan", "app", "diff", "shop", "--server", s.address); err == nil || !strings.Contains(err.Error(), "reads the cluster itself") {
		t.Errorf("a command that does not go through a server: %s%s%v", out, note, err)
	}
	token, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	s.says([]string{"cyan", "logout"}, "Logged out from '"+s.address+"'")
	if _, _, err := s.try("cyan", "app", "list"); err == nil || !strings.Contains(err.Error(), "not logged in") {
		t.Errorf("after logout: %v", err)
	}
	// The session has ended at the server too.
	if err := os.WriteFile(s.config, token, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.try("cyan", "app", "list"); err == nil || !strings.Contains(err.Error(), "log in with") {
		t.Errorf("with the token of before: %v", err)
	}
}

// A token is given by the environment, and is bound by what its account may.
func TestATokenThroughAServer(t *testing.T) {
	s := newServedShell(t)
	objects := auth.ClusterObjects{Client: s.cluster.Client, Namespace: s.namespace}
	token, _, err := auth.Accounts{Objects: objects, Now: time.Now}.GenerateToken(t.Context(), "ci", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("ARGOCD_SERVER", "http://"+s.address)
	t.Setenv("ARGOCD_AUTH_TOKEN", token)
	s.says([]string{"argocd", "app", "get", "shop"}, "Healthy")
	s.says([]string{"argocd", "account", "can-i", "sync", "applications", "default/shop"}, "no")
	if _, _, err := s.try("argocd", "app", "sync", "shop", "--async"); err == nil || !strings.Contains(err.Error(), "permission denied: applications, sync, default/shop") {
		t.Errorf("a sync without the right: %v", err)
	}
	if _, _, err := s.try("argocd", "app", "list", "--core"); err == nil || !strings.Contains(err.Error(), "kubeconfig") {
		t.Errorf("--core: %v, want it to use the kubeconfig", err)
	}
	if _, err := os.Stat(s.config); err == nil {
		t.Error("a file was written")
	}
}

func TestPasswordThroughAServer(t *testing.T) {
	s := newServedShell(t)
	s.run("cyan", "login", s.address, "--username", "admin", "--password", servedPassword)
	if _, _, err := s.tryWith(t.Context(), "wrong\nbattery staple\n", "cyan", "account", "update-password"); err == nil || !strings.Contains(err.Error(), "not the password") {
		t.Errorf("a wrong one: %v", err)
	}
	if out, note, err := s.tryWith(t.Context(), servedPassword+"\nbattery staple\n", "cyan", "account", "update-password"); err != nil {
		t.Fatalf("%s%s%v", out, note, err)
	}
	if _, _, err := s.try("cyan", "app", "list"); err == nil || !strings.Contains(err.Error(), "log in with") {
		t.Errorf("after the change: %v, want the session to have ended", err)
	}
	if out, note, err := s.tryWith(t.Context(), "battery staple\n", "cyan", "relogin"); err != nil {
		t.Fatalf("%s%s%v", out, note, err)
	}
	s.says([]string{"cyan", "app", "list", "-o", "name"}, s.namespace+"/shop")
	if _, _, err := s.tryWith(t.Context(), "wrong\n", "cyan", "login", s.address, "--username", "admin"); err == nil || !strings.Contains(err.Error(), "invalid username or password") {
		t.Errorf("logging in with a wrong one: %v", err)
	}
}

// A password is sent to nobody before it is known that the server has TLS, or that nobody but this machine listens.
func TestNoPasswordIsSentInPlainText(t *testing.T) {
	s := newServedShell(t)
	var listen net.ListenConfig
	listener, err := listen.Listen(t.Context(), "tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ })}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	address := "0.0.0.0:" + port
	if _, _, err := s.try("cyan", "login", address, "--username", "admin", "--password", servedPassword); err == nil || !strings.Contains(err.Error(), "serves plain HTTP; give --plaintext") || asked != 0 {
		t.Errorf("got %v, and %d requests", err, asked)
	}
	tls := httptest.NewTLSServer(server.Handler)
	t.Cleanup(tls.Close)
	if _, _, err := s.try("cyan", "login", strings.TrimPrefix(tls.URL, "https://"), "--username", "admin", "--password", servedPassword); err == nil || !strings.Contains(err.Error(), "certificate: ") || asked != 0 {
		t.Errorf("got %v, and %d requests", err, asked)
	}
}
