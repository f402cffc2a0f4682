package controller

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/lru"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/view"
)

// mostCommits bounds the commits that are kept.
const mostCommits = 20000

// commits reads commits of the repositories of Applications.
type commits struct {
	mirrors *source.Mirrors
	// kept reads what opens repositories, from a cache.
	kept      client.Reader
	namespace string
	read      *lru.Cache
}

type commitKey struct{ project, repo, sha string }

// commit reads a commit with what the project has that opens the repository.
func (c commits) commit(ctx context.Context, project, repo, sha string) (source.Commit, error) {
	key := commitKey{project, repo, sha}
	if known, ok := c.read.Get(key); ok {
		k := known.(readCommit) //nolint:forcetypeassert // nothing else is kept
		if k.err == nil || time.Since(k.at) < askAgain {
			return k.Commit, k.err
		}
	}
	credentials, err := c.credentials(ctx)
	if err != nil {
		return source.Commit{}, err
	}
	found, err := c.mirrors.Commit(ctx, credentials.Repository(repo, project), sha)
	c.read.Add(key, readCommit{found, err, time.Now()})
	return found, err
}

// readCommit is a commit as it was read, or why it was not.
type readCommit struct {
	source.Commit
	err error
	at  time.Time
}

// askAgain is how long a commit that could not be read is not asked for again: a host is not asked for each view.
const askAgain = time.Minute

// tree returns what a repository has at a revision.
func (c commits) tree(ctx context.Context, project, repo, revision string) (view.RepositoryTree, error) {
	credentials, err := c.credentials(ctx)
	if err != nil {
		return view.RepositoryTree{}, err
	}
	from := credentials.Repository(repo, project)
	names, err := c.mirrors.Names(ctx, from)
	if err != nil {
		return view.RepositoryTree{}, err
	}
	sha, err := c.mirrors.Resolve(ctx, from, revision)
	if err != nil {
		return view.RepositoryTree{}, err
	}
	files, err := c.mirrors.Tree(ctx, from, sha)
	if err != nil {
		return view.RepositoryTree{}, err
	}
	return view.RepositoryTreeOf(names.Branches, names.Tags, files), nil
}

// names returns the branches and tags of a repository.
func (c commits) names(ctx context.Context, project, repo string) (source.Names, error) {
	credentials, err := c.credentials(ctx)
	if err != nil {
		return source.Names{}, err
	}
	return c.mirrors.Names(ctx, credentials.Repository(repo, project))
}

// reach asks a repository whether it answers. What a Secret has that is not kept is forgotten again.
func (c commits) reach(ctx context.Context, project, repo string, with *corev1.Secret) error {
	if with == nil {
		credentials, err := c.credentials(ctx)
		if err != nil {
			return err
		}
		return c.mirrors.Refresh(ctx, credentials.Repository(repo, project))
	}
	credentials, err := c.credentials(ctx, *with)
	if err != nil {
		return err
	}
	return c.mirrors.Reach(ctx, credentials.Repository(repo, project))
}

// credentials are those of the Secrets that are kept, and of others that come before them.
func (c commits) credentials(ctx context.Context, others ...corev1.Secret) (source.CredentialStore, error) {
	var secrets corev1.SecretList
	if err := c.kept.List(ctx, &secrets, client.InNamespace(c.namespace), client.HasLabels{v1alpha1.SecretTypeLabel}); err != nil {
		return source.CredentialStore{}, fmt.Errorf("reading the Secrets of repositories: %w", err)
	}
	trust := map[string]map[string]string{}
	for _, name := range []string{source.KnownHostsName, source.CertificatesName} {
		written := &corev1.ConfigMap{}
		if err := c.kept.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: name}, written); client.IgnoreNotFound(err) != nil {
			return source.CredentialStore{}, fmt.Errorf("reading ConfigMap %s: %w", name, err)
		}
		trust[name] = written.Data
	}
	return source.NewCredentialStore(append(secrets.Items, others...), source.Trust{KnownHosts: trust[source.KnownHostsName], Certificates: trust[source.CertificatesName]}), nil
}
