package cluster

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
)

func TestAddressesOfClusters(t *testing.T) {
	for address, refused := range map[string]bool{
		"169.254.169.254:443": true, "169.254.0.1:80": true, "[fe80::1%eth0]:6443": true, "[febf::1]:6443": true, "[::ffff:169.254.169.254]:443": true,
		"[64:ff9b::a9fe:a9fe]:443": true, "[64:ff9b::7f00:1]:443": false, "127.0.0.1:6443": false, "10.0.0.1:443": false, "[fd00::1]:443": false, "[fec0::1]:443": false, "169.253.0.1:443": false,
	} {
		if err := refuseLinkLocal("tcp", address, nil); errors.Is(err, ErrLinkLocal) != refused || !refused && err != nil {
			t.Errorf("%s: got %v, want it refused: %t", address, err, refused)
		}
	}
	if err := refuseLinkLocal("tcp", "nowhere", nil); err == nil {
		t.Error("what is no address is connected to")
	}
}

// Every connection to a registered cluster is judged by the address that is connected to, also where its credentials
// are a program's.
func TestConnectionsToRegisteredClusters(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	programs := Programs{Allowed: []string{"/bin/true"}}
	for name, config := range map[string]string{
		"a token":   `{"bearerToken":"t","tlsClientConfig":{"insecure":true}}`,
		"a program": `{"execProviderConfig":{"command":"/bin/true","apiVersion":"client.authentication.k8s.io/v1"},"tlsClientConfig":{"insecure":true}}`,
	} {
		found, err := FromSecret(&corev1.Secret{Data: map[string][]byte{"server": []byte(server.URL), "config": []byte(config)}}, programs)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := rest.CopyConfig(found.Config).Dial(t.Context(), "tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		_, err = found.Config.Dial(t.Context(), "tcp", net.JoinHostPort("169.254.169.254", "443"))
		if !errors.Is(err, ErrLinkLocal) {
			t.Errorf("%s: got %v, want %v", name, err, ErrLinkLocal)
		}
	}
}

// Who asks a cluster by what its Secret says is told why it is not connected to.
func TestRequestsToALinkLocalAddress(t *testing.T) {
	found, err := FromSecret(&corev1.Secret{Data: map[string][]byte{"server": []byte("http://169.254.169.254"), "config": []byte(`{"bearerToken":"t"}`)}}, Programs{})
	if err != nil {
		t.Fatal(err)
	}
	// Nothing of the environment stands between.
	found.Config.Proxy = http.ProxyURL(nil)
	client, err := rest.HTTPClientFor(found.Config)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, found.Config.Host+"/version", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(request)
	if err == nil {
		err = answer.Body.Close()
		t.Fatalf("answered, %v", err)
	}
	if !errors.Is(err, ErrLinkLocal) {
		t.Errorf("got %v, want %v", err, ErrLinkLocal)
	}
}
