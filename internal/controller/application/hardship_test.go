package application_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	batchv1 "k8s.io/api/batch/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/testkit"
)

const gadgets = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: gadgets.GROUP
spec:
  group: GROUP
  names: {kind: Gadget, plural: gadgets}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {size: {type: integer}}}
`

// A definition and an object of it come in one commit; the object is held to the definition that comes with it.
func TestDefinitionAndObjectInOneCommit(t *testing.T) {
	w := newWorld(t)
	w.start()
	group := w.to + ".example.com"
	t.Cleanup(func() {
		crd := &unstructured.Unstructured{}
		crd.SetAPIVersion("apiextensions.k8s.io/v1")
		crd.SetKind("CustomResourceDefinition")
		crd.SetName("gadgets." + group)
		_ = w.Delete(context.Background(), crd)
	})
	gadget := "apiVersion: " + group + "/v1\nkind: Gadget\nmetadata:\n  name: one\nspec:\n  size: SIZE\n"
	w.push(map[string]string{
		"k8s/a-gadget.yaml": strings.Replace(gadget, "SIZE", "large", 1),
		"k8s/b-crd.yaml":    strings.ReplaceAll(gadgets, "GROUP", group),
	})
	app := w.app("shop", automated)
	got := w.eventually(app, "a refusal", func(a *v1alpha1.Application) bool { return condition(a, v1alpha1.ConditionComparisonError) != "" })
	if message := condition(got, v1alpha1.ConditionComparisonError); !strings.Contains(message, "a-gadget.yaml:6") || !strings.Contains(message, "spec.size") {
		t.Error(message)
	}
	sha := w.push(map[string]string{"k8s/a-gadget.yaml": strings.Replace(gadget, "SIZE", "3", 1)})
	w.eventually(app, "the sync", syncedTo(sha))
	one := &unstructured.Unstructured{}
	one.SetAPIVersion(group + "/v1")
	one.SetKind("Gadget")
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: w.to, Name: "one"}, one); err != nil {
		t.Error(err)
	}
}

// An operation that a person ends stops, and its hook goes.
func TestTerminate(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.push(map[string]string{"k8s/pre.yaml": job("name: endless", "PreSync", "BeforeHookCreation"), "k8s/a.yaml": configMap("a", "green")})
	app := w.app("shop", nil)
	w.eventually(app, "a look", func(a *v1alpha1.Application) bool { return a.Status.Sync.Status == v1alpha1.OutOfSync })
	w.operate(app, &v1alpha1.SyncOperation{})
	w.eventually(app, "the hook to run", func(a *v1alpha1.Application) bool {
		return a.Status.OperationState != nil && strings.Contains(a.Status.OperationState.Message, "waiting for")
	})
	body := []byte(`{"status":{"operationState":{"phase":"Terminating"}}}`)
	named := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: app.Namespace, Name: app.Name}}
	if err := w.Patch(t.Context(), named, client.RawPatch(types.MergePatchType, body)); err != nil {
		t.Fatal(err)
	}
	got := w.eventually(app, "the end", func(a *v1alpha1.Application) bool {
		return a.Operation == nil && a.Status.OperationState.Phase == v1alpha1.OperationFailed
	})
	if !strings.Contains(got.Status.OperationState.Message, "terminated") || w.data("a") != nil {
		t.Errorf("%q, %v", got.Status.OperationState.Message, w.data("a"))
	}
	w.until("the hook to be gone", func(ctx context.Context) (bool, error) {
		hook := &batchv1.Job{}
		err := w.Get(ctx, client.ObjectKey{Namespace: w.to, Name: "endless"}, hook)
		return err != nil || hook.DeletionTimestamp != nil, client.IgnoreNotFound(err)
	})
}

// A sync that fails is tried again as often as its retry says, and then ends.
func TestRetries(t *testing.T) {
	w := newWorld(t)
	w.start()
	go w.endJobs(t.Context())
	w.push(map[string]string{"k8s/pre.yaml": job("name: failing-migration", "PreSync", "BeforeHookCreation"), "k8s/a.yaml": configMap("a", "green")})
	app := w.app("shop", nil)
	w.eventually(app, "a look", func(a *v1alpha1.Application) bool { return a.Status.Sync.Status == v1alpha1.OutOfSync })
	asked := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: app.Namespace, Name: app.Name}}
	testkit.Edit(t, w.Client, asked, func(asked *v1alpha1.Application) {
		asked.Operation = &v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{}, Retry: v1alpha1.RetryStrategy{Limit: 2, Backoff: &v1alpha1.RetryBackoff{Duration: "10ms"}}}
	})
	got := w.eventually(app, "the end", func(a *v1alpha1.Application) bool {
		return a.Operation == nil && a.Status.OperationState != nil && a.Status.OperationState.Phase == v1alpha1.OperationFailed
	})
	if got.Status.OperationState.RetryCount != 2 || w.data("a") != nil {
		t.Errorf("%d retries, %v", got.Status.OperationState.RetryCount, w.data("a"))
	}
}

// A cluster that goes away is told of, and what was pushed meanwhile is brought when it is back.
func TestClusterGoesAwayAndComesBack(t *testing.T) {
	w := newWorld(t)
	w.start()
	host, err := url.Parse(w.config.Host)
	if err != nil {
		t.Fatal(err)
	}
	link := newLink(t, host.Host)
	settings, err := json.Marshal(map[string]any{"tlsClientConfig": map[string]any{"caData": w.config.CAData, "certData": w.config.CertData, "keyData": w.config.KeyData}})
	if err != nil {
		t.Fatal(err)
	}
	err = w.Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: "far", Labels: map[string]string{v1alpha1.SecretTypeLabel: v1alpha1.SecretTypeCluster}},
		StringData: map[string]string{"name": "far", "server": "https://" + link.address, "config": string(settings)},
	})
	if err != nil {
		t.Fatal(err)
	}
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
	app := w.app("shop", func(a *v1alpha1.Application) {
		automated(a)
		a.Spec.Destination = v1alpha1.ApplicationDestination{Name: "far", Namespace: w.to}
	})
	w.eventually(app, "the sync", syncedTo(sha))
	link.cut()
	sha = w.push(map[string]string{"k8s/a.yaml": configMap("a", "blue")})
	got := w.eventually(app, "a word about it", func(a *v1alpha1.Application) bool {
		return strings.Contains(condition(a, v1alpha1.ConditionComparisonError), "far")
	})
	if got.Status.Sync.Status != v1alpha1.SyncUnknown || got.Status.Health.Status != v1alpha1.HealthUnknown {
		t.Errorf("with a cluster that nobody can see, it is said to be %s and %s", got.Status.Sync.Status, got.Status.Health.Status)
	}
	link.mend(t)
	w.eventually(app, "the sync", syncedTo(sha))
	if w.data("a")["colour"] != "blue" {
		t.Error(w.data("a"))
	}
}

// link passes connections on to an address, until it is cut.
type link struct {
	address, to string

	mu       sync.Mutex
	listener net.Listener
	open     []net.Conn
}

func newLink(t *testing.T, to string) *link {
	t.Helper()
	l := &link{to: to, address: "127.0.0.1:0"}
	l.mend(t)
	t.Cleanup(l.cut)
	return l
}

func (l *link) mend(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", l.address)
	if err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	l.listener, l.address = listener, listener.Addr().String()
	l.mu.Unlock()
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", l.to)
			if err != nil {
				_ = near.Close()
				continue
			}
			l.mu.Lock()
			l.open = append(l.open, near, far)
			l.mu.Unlock()
			for from, into := range map[net.Conn]net.Conn{near: far, far: near} {
				go func() {
					_, _ = io.Copy(into, from)
					_ = into.Close()
				}()
			}
		}
	}()
}

func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.listener.Close()
	for _, c := range l.open {
		_ = c.Close()
	}
	l.open = nil
}

// What is scraped names every Application and counts its syncs, without the passwords that a URL may have.
func TestMetrics(t *testing.T) {
	w := newWorld(t)
	w.start()
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
	app := w.app("shop", func(a *v1alpha1.Application) {
		automated(a)
		a.Labels = map[string]string{"team": "green"}
		a.Spec.Source.RepoURL = strings.Replace(w.repo.URL, "http://", "http://ada:hidden-pass@", 1)
	})
	w.eventually(app, "the sync", syncedTo(sha))
	want := map[string]string{"argocd_app_info": "Synced", "argocd_app_sync_total": "Succeeded", "argocd_app_reconcile": "", "argocd_app_sync_duration_seconds_total": "",
		"argocd_cluster_info": v1alpha1.InClusterName, "argocd_cluster_connection_status": "value:1",
		"argocd_app_labels": "green", "argocd_git_request_total": "ls-remote", "argocd_git_request_duration_seconds": "fetch",
		"argocd_cluster_events_total": "ConfigMap", "argocd_cluster_api_resources": "", "argocd_cluster_api_resource_objects": ""}
	w.until("the metrics", func(context.Context) (bool, error) {
		families, err := w.metrics.Gather()
		if err != nil {
			return false, err
		}
		found := 0
		for _, f := range families {
			text := f.String()
			if strings.Contains(text, "hidden-pass") {
				t.Fatal("a password is among the metrics")
			}
			if value, ok := want[f.GetName()]; ok && strings.Contains(text, value) {
				found++
			}
		}
		return found == len(want), nil
	})
}
