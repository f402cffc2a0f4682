package controller

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/server"
)

// givenCertificateName is the Secret that others, such as cert-manager, write a certificate for the server into; it
// goes before the one of Secret argocd-secret.
const givenCertificateName = "argocd-server-tls"

const (
	certificateKey = "tls.crt"
	privateKeyKey  = "tls.key"
)

// certificates are those of the control namespace.
type certificates struct {
	objects auth.ClusterObjects
	// address is where the server listens.
	address string
}

// current returns the certificate of now.
func (c certificates) current(ctx context.Context) (server.KeyPair, error) {
	for _, name := range []string{givenCertificateName, auth.SecretName} {
		secret, err := c.objects.Secret(ctx, name)
		if err != nil {
			return server.KeyPair{}, fmt.Errorf("reading the certificate, Secret %s: %w", name, err)
		}
		if pair := pairOf(secret.Data); len(pair.Certificate) > 0 && len(pair.Key) > 0 {
			return pair, nil
		}
	}
	return server.KeyPair{}, fmt.Errorf("certificate: neither Secret %s nor Secret %s has %s and %s", givenCertificateName, auth.SecretName, certificateKey, privateKeyKey)
}

func pairOf(data map[string][]byte) server.KeyPair {
	return server.KeyPair{Certificate: data[certificateKey], Key: data[privateKeyKey]}
}

// errThere ends an update that has nothing to write.
var errThere = errors.New("exists already")

// ensure makes a certificate where there is none, and makes a self-made one anew before it ends. Replicas that start
// together take the first one's.
func (c certificates) ensure(ctx context.Context, now time.Time) error {
	given, err := c.objects.Secret(ctx, givenCertificateName)
	if err != nil {
		return fmt.Errorf("reading Secret %s: %w", givenCertificateName, err)
	}
	if pair := pairOf(given.Data); len(pair.Certificate) > 0 && len(pair.Key) > 0 {
		return nil
	}
	err = c.objects.UpdateSecret(ctx, auth.SecretName, func(data map[string][]byte) error {
		if !pairOf(data).Remake(now) {
			return errThere
		}
		made, err := server.SelfMade(c.hosts(), now)
		if err != nil {
			return err
		}
		data[certificateKey], data[privateKeyKey] = made.Certificate, made.Key
		return nil
	})
	if err != nil && !errors.Is(err, errThere) {
		return fmt.Errorf("making a certificate in Secret %s: %w", auth.SecretName, err)
	}
	return nil
}

// hosts are the names by which the server is reached.
func (c certificates) hosts() []string {
	const service = "argocd-server"
	within := service + "." + c.objects.Namespace
	hosts := []string{"localhost", service, within, within + ".svc", within + ".svc.cluster.local", "127.0.0.1", "::1"}
	if host, _, err := net.SplitHostPort(c.address); err == nil {
		if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() && !ip.IsLoopback() {
			hosts = append(hosts, host)
		}
	}
	return hosts
}
