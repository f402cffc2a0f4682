package api

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Policies has the policy of now, which is made anew when what it is made of has changed.
type Policies struct {
	reader    client.Reader
	namespace string
	log       *slog.Logger

	mu     sync.Mutex
	of     string
	policy access.Policy
	// found is what of the policy is not understood.
	found []*problem.Error
}

// NewPolicies returns the policies that a namespace has, read from a cache.
func NewPolicies(reader client.Reader, namespace string, log *slog.Logger) *Policies {
	return &Policies{reader: reader, namespace: namespace, log: log}
}

// Scopes returns the claims whose values are groups, as the last policy that was read has them.
func (p *Policies) Scopes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == "" {
		return []string{"groups"}
	}
	return p.policy.Scopes()
}

// findings returns what of the last policy that was read is not understood.
func (p *Policies) findings() []*problem.Error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.found
}

// current returns the policy of now, and what distinguishes it from those before.
func (p *Policies) current(ctx context.Context) (policy access.Policy, version string, err error) {
	var versions strings.Builder
	written := access.Written{}
	for _, part := range []struct {
		name string
		into *map[string]string
	}{{access.ConfigMapName, &written.Policies}, {auth.ConfigName, &written.Settings}} {
		found := &corev1.ConfigMap{}
		if err := p.reader.Get(ctx, client.ObjectKey{Namespace: p.namespace, Name: part.name}, found, client.UnsafeDisableDeepCopy); client.IgnoreNotFound(err) != nil {
			return access.Policy{}, "", fmt.Errorf("reading ConfigMap %s: %w", part.name, err)
		}
		*part.into = found.Data
		fmt.Fprintln(&versions, found.UID, found.ResourceVersion)
	}
	var projects v1alpha1.AppProjectList
	if err := p.reader.List(ctx, &projects, client.InNamespace(p.namespace), client.UnsafeDisableDeepCopy); err != nil {
		return access.Policy{}, "", fmt.Errorf("reading AppProjects: %w", err)
	}
	for i := range projects.Items {
		written.Projects = append(written.Projects, &projects.Items[i])
		fmt.Fprintln(&versions, projects.Items[i].UID, projects.Items[i].ResourceVersion)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == versions.String() {
		return p.policy, p.of, nil
	}
	policy, problems := access.Parse(written)
	for _, found := range problems {
		p.log.Warn("policy not understood", "err", found)
	}
	p.of, p.policy, p.found = versions.String(), policy, problems
	return policy, p.of, nil
}
