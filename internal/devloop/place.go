package devloop

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// place is where a loop works, and by which names it is known there.
type place struct {
	namespace, loop, lease string
	own                    bool
	// makes is set when the manifests have the namespace itself.
	makes bool
}

// placeOf returns where a loop works.
func placeOf(o *Options, p skaffold.Project, m *manifests) (place, error) {
	if o.Namespace == "" {
		namespace := desired.NamespaceFor(o.User, p.Name)
		return place{namespace: namespace, loop: namespace, lease: leaseName, own: true}, nil
	}
	at := place{namespace: o.Namespace}
	rendered, _, err := m.render(p, render.Options{Namespace: o.Namespace, Keys: o.Keys})
	switch {
	case err != nil && o.WhereManifestsGo:
		return at, err
	case o.WhereManifestsGo:
		at.namespace = namespaceOf(rendered, o.Namespace)
	}
	for _, r := range rendered {
		at.makes = at.makes || r.Object.GroupVersionKind() == namespaceKind && r.Object.GetName() == at.namespace
	}
	at.loop = desired.LoopFor(at.namespace, p.Name)
	at.lease = leaseName + "-" + at.loop
	return at, nil
}

var namespaceKind = corev1.SchemeGroupVersion.WithKind("Namespace")

// namespaceOf returns the namespace that all workloads go to, where there is one such; otherwise that of the rest.
func namespaceOf(rendered []render.Rendered, otherwise string) string {
	found := ""
	for _, r := range rendered {
		if !workloadKinds[r.Object.GroupVersionKind().GroupKind()] {
			continue
		}
		at := r.Object.GetNamespace()
		if at == "" || found != "" && found != at {
			return otherwise
		}
		found = at
	}
	if found == "" {
		return otherwise
	}
	return found
}

// find makes sure that a namespace is there that is not the loop's own. One that the manifests have is made, and is an
// object of the loop like others.
func (c *claim) find(ctx context.Context, makes bool) error {
	namespaces := c.clients.CoreV1().Namespaces()
	_, err := namespaces.Get(ctx, c.namespace, metav1.GetOptions{})
	switch {
	case err == nil, apierrors.IsForbidden(err):
		return nil
	case !apierrors.IsNotFound(err):
		return fmt.Errorf("finding namespace %s: %w", c.namespace, err)
	case !makes:
		return &problem.Error{Kind: problem.Absent, Object: "namespace " + c.namespace, Cause: "not found", Remedy: "create it with `kubectl create namespace " + c.namespace + "`, or write its manifest"}
	}
	made, err := namespaces.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: c.namespace, Labels: map[string]string{desired.LoopLabel: c.loop}}}, metav1.CreateOptions{FieldManager: "cyan"})
	if err != nil {
		return fmt.Errorf("making namespace %s: %w", c.namespace, err)
	}
	c.note.Made = append(c.note.Made, madeOf(apply.Ref{Kind: namespaceKind, Name: c.namespace}, string(made.UID)))
	return c.note.write()
}
