package devloop

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/live"
)

// CleanUp removes what loops have left in a cluster that do not run any more on this machine, and returns it by name.
func CleanUp(ctx context.Context, config *rest.Config, folder string) (map[string]bool, error) {
	removed := map[string]bool{}
	notes, err := Notes(folder)
	if err != nil {
		return removed, err
	}
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return removed, fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	var failed []error
	for _, n := range notes {
		if n.Host != config.Host || n.Alive() {
			continue
		}
		if err := n.cleanUp(ctx, clients, config); err != nil {
			failed = append(failed, err)
			continue
		}
		removed[n.describe()] = true
	}
	return removed, errors.Join(failed...)
}

func (n RunNote) describe() string {
	if n.Own {
		return fmt.Sprintf("namespace %s, of %s", n.Namespace, n.Root)
	}
	return fmt.Sprintf("%d objects in namespace %s, of %s", len(n.Made), n.Namespace, n.Root)
}

// cleanUp removes what a loop has made, and the note of it.
func (n RunNote) cleanUp(ctx context.Context, clients kubernetes.Interface, config *rest.Config) error {
	reader, err := live.NewReader(config)
	if err == nil {
		_, err = reader.Kinds(ctx, nil)
	}
	if err != nil {
		return err
	}
	all := newApplier(reader, n.Namespace, "", n.Made)
	if err := all.remove(ctx, func(apply.Ref) bool { return true }); err != nil {
		return err
	}
	if n.Own {
		if err := removeNamespace(ctx, clients, n.Namespace, n.Namespace); err != nil {
			return err
		}
	}
	return n.remove()
}
