package repo

import (
	"context"
	"os"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/source"
)

// WithMirrors opens mirrors in a folder that is gone afterwards.
func WithMirrors(use func(*source.Mirrors) error) (err error) {
	dir, err := os.MkdirTemp("", "cyan-git-")
	if err != nil {
		return err
	}
	defer func() {
		if removed := os.RemoveAll(dir); err == nil {
			err = removed
		}
	}()
	mirrors, err := source.Open(dir, source.Options{OwnConfiguration: true, LocalDirectories: []string{"/"}})
	if err != nil {
		return err
	}
	defer func() { _ = mirrors.Close() }()
	return use(mirrors)
}

// Book returns what opens a repository, from what is kept beside the Applications and, before it, from new Secrets.
func Book(ctx context.Context, a *kit.Control, c client.Client, fresh ...corev1.Secret) (source.CredentialStore, error) {
	var secrets []corev1.Secret
	for _, kind := range []string{v1alpha1.SecretTypeRepository, v1alpha1.SecretTypeRepoCredentials} {
		of, err := a.Secrets(ctx, c, kind)
		if err != nil {
			return source.CredentialStore{}, err
		}
		secrets = append(secrets, of...)
	}
	var trust source.Trust
	for name, data := range map[string]*map[string]string{source.KnownHostsName: &trust.KnownHosts, source.CertificatesName: &trust.Certificates} {
		found := &corev1.ConfigMap{}
		if err := c.Get(ctx, client.ObjectKey{Namespace: a.Namespace, Name: name}, found); client.IgnoreNotFound(err) != nil {
			return source.CredentialStore{}, a.Explain(err, "reading ConfigMap "+name)
		}
		*data = found.Data
	}
	return source.NewCredentialStore(append(secrets, fresh...), trust), nil
}
