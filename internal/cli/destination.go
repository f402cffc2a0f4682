package cli

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cluster"
	"github.com/cyan-cd/cyan/internal/source"
)

// destinationClient reaches the cluster that an Application is deployed to, with the rights that Cyan has there.
func (a *apps) destinationClient(ctx context.Context, c client.Client, app *v1alpha1.Application) (client.Client, error) {
	d := app.Spec.Destination
	if d.Server == v1alpha1.InClusterServer || d.Name == v1alpha1.InClusterName {
		return c, nil
	}
	registered, err := a.findCluster(ctx, c, orWords(d.Server, d.Name))
	if err != nil {
		return nil, err
	}
	config, err := registered.restConfig()
	if err != nil {
		return nil, err
	}
	at, err := client.New(config, client.Options{Scheme: scheme()})
	if err != nil {
		return nil, a.explain(err, "reaching the cluster "+registered.Name)
	}
	return at, nil
}

func (r registeredCluster) restConfig() (*rest.Config, error) {
	// A Secret's program would run as the person who typed the command.
	found, err := cluster.FromSecret(r.secret, cluster.Programs{Remedy: "commands run no program that a Secret names: register the cluster with a token, or ask the server, which may be allowed to"})
	if err != nil {
		return nil, &Trouble{Problem: err.Error(), Code: codeGeneric, cause: err}
	}
	found.Config.QPS, found.Config.WarningHandler = -1, rest.NoWarnings{}
	return found.Config, nil
}

// book gives what opens a repository, from what is kept beside the Applications and, before it, from new Secrets.
func (a *apps) book(ctx context.Context, c client.Client, fresh ...corev1.Secret) (source.Book, error) {
	var secrets []corev1.Secret
	for _, kind := range []string{v1alpha1.SecretTypeRepository, v1alpha1.SecretTypeRepoCredentials} {
		of, err := a.secrets(ctx, c, kind)
		if err != nil {
			return source.Book{}, err
		}
		secrets = append(secrets, of...)
	}
	var trust source.Trust
	for name, data := range map[string]*map[string]string{source.KnownHostsName: &trust.KnownHosts, source.CertificatesName: &trust.Certificates} {
		found := &corev1.ConfigMap{}
		if err := c.Get(ctx, client.ObjectKey{Namespace: a.namespace, Name: name}, found); client.IgnoreNotFound(err) != nil {
			return source.Book{}, a.explain(err, "reading ConfigMap "+name)
		}
		*data = found.Data
	}
	return source.NewBook(append(secrets, fresh...), trust), nil
}

// fingerprintKey makes fingerprints worth nothing outside this run of the program.
var fingerprintKey = sync.OnceValue(func() []byte {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key)
	return key
})

// fingerprint tells two values apart without telling anything about them.
func fingerprint(value string) string {
	mac := hmac.New(sha256.New, fingerprintKey())
	mac.Write([]byte(value))
	return "fingerprint " + hex.EncodeToString(mac.Sum(nil))[:8]
}
