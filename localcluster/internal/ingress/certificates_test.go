package ingress

import (
	"crypto/x509"
	"fmt"
	"testing"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

// TestCertificates: hosts below localhost get a certificate of the authority, which nobody's other names can have; a
// Secret's goes before it.
func TestCertificates(t *testing.T) {
	w := newWorld(t)
	w.serve(routing.Action{}, w.echo())
	for url, fine := range map[string]bool{"https://a.localhost/": true, "https://a.b.localhost/": true, "https://localhost/": true, "https://example.com/": false, "https://notlocalhost/": false} {
		response, err := w.client.Get(url) //nolint:noctx // a test's own server
		if err == nil {
			_ = response.Body.Close()
		}
		if (err == nil) != fine {
			t.Errorf("%s: got %v", url, err)
		}
	}
	// Even signed by it, another name is not taken.
	outside, err := w.authority.Serving("example.com")
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(outside.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.authority.Certificate())
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "example.com"}); err == nil {
		t.Error("the authority can sign for example.com")
	}
	if _, err := w.proxy.certs.issue("a.localhost"); err != nil {
		t.Error(err)
	}
	for i := range mostIssued + 10 {
		if _, err := w.proxy.certs.issue(fmt.Sprintf("n%d.localhost", i)); err != nil {
			t.Fatal(err)
		}
	}
	if kept := w.proxy.certs.issued.Len(); kept > mostIssued {
		t.Errorf("%d certificates are kept, want at most %d", kept, mostIssued)
	}
}
