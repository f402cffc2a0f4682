package cluster

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
)

// However many users a cluster is asked as, it has one connection to hold.
func TestAClusterIsAskedOverOneConnection(t *testing.T) {
	var held sync.Mutex
	connections, asked := map[net.Conn]bool{}, map[string]bool{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		held.Lock()
		asked[r.Header.Get("Impersonate-User")+" with "+r.Header.Get("Authorization")+" by "+strconv.FormatBool(r.UserAgent() != "")] = true
		held.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"apiVersion":"v1","kind":"NamespaceList"}`))
	}))
	server.EnableHTTP2 = true
	server.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		held.Lock()
		defer held.Unlock()
		if state == http.StateNew {
			connections[conn] = true
		}
	}
	server.StartTLS()
	defer server.Close()
	found, err := FromSecret(&corev1.Secret{Data: map[string][]byte{"server": []byte(server.URL), "config": []byte(`{"bearerToken":"t","tlsClientConfig":{"insecure":true}}`)}}, Programs{})
	if err != nil {
		t.Fatal(err)
	}
	found.Config.QPS = -1
	shared, err := Share(found.Config)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, user := range []string{"", "ada", "ben", "eve"} {
		for range 2 {
			core, err := corev1client.NewForConfigAndClient(shared.As(user))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := core.Namespaces().List(t.Context(), metav1.ListOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		want[user+" with Bearer t by true"] = true
	}
	held.Lock()
	defer held.Unlock()
	if len(connections) != 1 {
		t.Errorf("%d connections, want one", len(connections))
	}
	for who := range want {
		if !asked[who] || len(asked) != len(want) {
			t.Errorf("asked as %v, want %v", asked, want)
		}
	}
}

// What waits for an answer is bounded, and what streams is not.
func TestTimesOfASharedConnection(t *testing.T) {
	waits := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-waits }))
	defer server.Close()
	defer close(waits)
	found, err := FromSecret(&corev1.Secret{Data: map[string][]byte{"server": []byte(server.URL), "config": []byte(`{}`)}}, Programs{})
	if err != nil {
		t.Fatal(err)
	}
	found.Config.Timeout = 1
	shared, err := Share(found.Config)
	if err != nil {
		t.Fatal(err)
	}
	core, err := corev1client.NewForConfigAndClient(shared.As("ada"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := core.Namespaces().List(t.Context(), metav1.ListOptions{}); !errors.Is(err, os.ErrDeadlineExceeded) && !os.IsTimeout(err) {
		t.Errorf("got %v, want that it takes too long", err)
	}
	if config, over := shared.Streaming(); config.Timeout != 0 || over.Timeout != 0 {
		t.Errorf("a stream ends after %v, %v", config.Timeout, over.Timeout)
	}
}
