package metrics

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/localcluster/internal/pki"
)

// TestNoMetricsAreForTheAPIServerAlone: only kube-apiserver, by its certificate, is told anything.
func TestNoMetricsAreForTheAPIServerAlone(t *testing.T) {
	dir := t.TempDir()
	authority := func(name string) *pki.Authority {
		a, err := pki.OpenAuthority(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	serving, front, other := authority("serving"), authority("front"), authority("other")
	issue := func(by *pki.Authority, name, subject string, hosts ...string) pki.Pair {
		pair, err := by.Issue(dir, name, pki.Subject{Name: subject, Hosts: hosts})
		if err != nil {
			t.Fatal(err)
		}
		return pair
	}
	port, stop, err := ServeNone(issue(serving, "server", "metrics", Host), front.CertFile, "proxy")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for _, test := range []struct {
		name, path string
		client     *pki.Pair
		status     int
		says       string
	}{
		{"the list of resources", "/apis/metrics.k8s.io/v1beta1", ptr(issue(front, "a", "proxy")), http.StatusOK, `"nodes"`},
		{"nodes", "/apis/metrics.k8s.io/v1beta1/nodes", ptr(issue(front, "b", "proxy")), http.StatusNotImplemented, "pods are simulated"},
		{"a pod", "/apis/metrics.k8s.io/v1beta1/namespaces/a/pods/b", ptr(issue(front, "c", "proxy")), http.StatusNotImplemented, "pods are simulated"},
		{"another path", "/openapi/v2", ptr(issue(front, "d", "proxy")), http.StatusNotFound, ""},
		{"nobody", "/apis/metrics.k8s.io/v1beta1", nil, http.StatusUnauthorized, ""},
		{"another name", "/apis/metrics.k8s.io/v1beta1", ptr(issue(front, "e", "admin")), http.StatusUnauthorized, ""},
		{"another authority", "/apis/metrics.k8s.io/v1beta1", ptr(issue(other, "f", "proxy")), 0, ""},
	} {
		status, text := ask(t, serving, test.client, fmt.Sprintf("https://127.0.0.1:%d%s", port, test.path))
		if status != test.status || !strings.Contains(text, test.says) {
			t.Errorf("%s: got status %d, %q; want %d, %q", test.name, status, text, test.status, test.says)
		}
	}
}

func ptr(p pki.Pair) *pki.Pair { return &p }

// ask returns status 0 where no connection is made.
func ask(t *testing.T, by *pki.Authority, as *pki.Pair, url string) (int, string) {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(by.Certificate())
	settings := &tls.Config{RootCAs: pool, ServerName: Host}
	if as != nil {
		certificate, err := tls.LoadX509KeyPair(as.CertFile, as.KeyFile)
		if err != nil {
			t.Fatal(err)
		}
		// Whether the server asks for one of its authority or not.
		settings.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificate, nil }
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: settings, DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
