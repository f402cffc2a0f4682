package routing

import (
	"crypto/tls"
	"errors"

	corev1 "k8s.io/api/core/v1"
)

// checkPair returns why a certificate and key can't be served.
func checkPair(cert, key []byte) error {
	switch {
	case len(cert) == 0:
		return errors.New(corev1.TLSCertKey + ": missing")
	case len(key) == 0:
		return errors.New(corev1.TLSPrivateKeyKey + ": missing")
	}
	_, err := tls.X509KeyPair(cert, key)
	return err
}
