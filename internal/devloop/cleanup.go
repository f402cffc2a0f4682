package devloop

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/live"
)

// Left is what loops have left that do not run any more.
type Left struct {
	// Removed is what was removed, and Kept what stays, each with the reason.
	Removed, Kept []string
}

// CleanUp removes what loops have left in a cluster that do not run any more on this machine.
func CleanUp(ctx context.Context, config *rest.Config, folder string) (Left, error) {
	var found Left
	notes, err := Notes(folder)
	if err != nil {
		return found, err
	}
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return found, fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	var failed []error
	for _, n := range notes {
		if n.Host != config.Host || n.Alive() {
			continue
		}
		other, err := n.takenBy(ctx, clients)
		if err == nil && other != "" {
			found.Kept = append(found.Kept, fmt.Sprintf("namespace %s is left: %s works in it by now", n.Namespace, other))
			failed = append(failed, n.remove())
			continue
		}
		var kept []string
		if err == nil {
			kept, err = n.cleanUp(ctx, clients, config)
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		found.Removed = append(found.Removed, n.describe())
		found.Kept = append(found.Kept, kept...)
	}
	return found, errors.Join(failed...)
}

// takenBy returns which other loop works by now where that of a note did; "" for none.
func (n RunNote) takenBy(ctx context.Context, clients kubernetes.Interface) (other string, err error) {
	if n.leased() {
		return "", nil
	}
	lease := &namespaceLease{clients: clients, namespace: n.Namespace, name: n.leaseName(), holder: n.Holder}
	return lease.takenBy(ctx)
}

func (n RunNote) describe() string {
	if n.leased() {
		return fmt.Sprintf("the hold on Application %s, of %s", n.Application, n.Root)
	}
	if n.Own {
		return fmt.Sprintf("namespace %s, of %s, which is gone once its pods have ended", n.Namespace, n.Root)
	}
	return fmt.Sprintf("%d objects in namespace %s, of %s", len(n.Made), n.Namespace, n.Root)
}

// cleanUp removes what a loop has made, and the note of it. It returns what stays.
func (n RunNote) cleanUp(ctx context.Context, clients kubernetes.Interface, config *rest.Config) (kept []string, err error) {
	reader, err := live.NewReader(config)
	if err == nil {
		_, err = reader.Kinds(ctx, nil)
	}
	if err != nil {
		return nil, err
	}
	if n.leased() {
		return nil, n.cleanUpHandOver(ctx, clients.CoordinationV1().Leases, reader)
	}
	all := newApplier(reader, asOwn{reader: reader, loop: cmp.Or(n.Loop, n.Namespace)}, n.Made)
	all.left = func(ref apply.Ref, why string) { kept = append(kept, ref.String()+" is left: "+why) }
	if err := all.remove(ctx, func(apply.Ref) bool { return true }); err != nil {
		return nil, err
	}
	if n.Own {
		if err := removeNamespace(ctx, clients, n.Namespace, n.Namespace); err != nil {
			return nil, err
		}
	}
	return kept, n.remove()
}
