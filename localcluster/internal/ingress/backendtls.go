package ingress

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

// backendTLS is how a backend that speaks TLS is asked. Where no policy says how it proves who it is, it need not: such
// backends have certificates of their own making, and are reached within this machine.
func backendTLS(proof *routing.BackendTLS) *tls.Config {
	// What Go would verify is verified below, because a certificate may have other names than the one that is asked
	// for.
	config := &tls.Config{InsecureSkipVerify: true} //nolint:gosec // as said above, and as ingress-nginx does
	if proof == nil {
		return config
	}
	config.ServerName = proof.Name
	config.VerifyConnection = func(state tls.ConnectionState) error { return verify(proof, state.PeerCertificates) }
	return config
}

// verify returns why certificates do not prove that a backend is who it is to be.
func verify(proof *routing.BackendTLS, certificates []*x509.Certificate) error {
	if len(certificates) == 0 {
		return errors.New("the backend has shown no certificate")
	}
	options := x509.VerifyOptions{Intermediates: x509.NewCertPool()}
	if proof.Roots != "" {
		options.Roots = x509.NewCertPool()
		options.Roots.AppendCertsFromPEM([]byte(proof.Roots))
	}
	for _, between := range certificates[1:] {
		options.Intermediates.AddCert(between)
	}
	leaf := certificates[0]
	if _, err := leaf.Verify(options); err != nil {
		return fmt.Errorf("verifying the backend's certificate: %w", err)
	}
	if len(proof.Names)+len(proof.URIs) == 0 {
		return leaf.VerifyHostname(proof.Name)
	}
	for _, name := range proof.Names {
		if slices.ContainsFunc(leaf.DNSNames, func(own string) bool { return strings.EqualFold(own, name) }) || leaf.VerifyHostname(name) == nil {
			return nil
		}
	}
	for _, uri := range leaf.URIs {
		if slices.Contains(proof.URIs, uri.String()) {
			return nil
		}
	}
	return fmt.Errorf("the backend's certificate has none of the names %s", strings.Join(slices.Concat(proof.Names, proof.URIs), ", "))
}
