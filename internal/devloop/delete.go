package devloop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/problem"
)

// listsAtOnce bounds how many kinds are listed at the same time.
const listsAtOnce = 16

// Delete deletes what was made of a project in a namespace that is not its own, and nothing else. With dry, it only
// reports what that is.
func Delete(ctx context.Context, o Options, dry bool) error {
	root, err := os.OpenRoot(o.Root)
	if err != nil {
		return &problem.Error{Kind: problem.Usage, Object: "folder " + o.Root, Cause: err.Error(), Err: err}
	}
	defer func() { _ = root.Close() }()
	project, err := o.Read(root.FS())
	if err != nil {
		return err
	}
	at, err := placeOf(&o, project, newManifests(root.FS()))
	if err != nil {
		return err
	}
	r := &remover{reporter: newReporter(o.Report), place: at, user: o.User}
	if r.reader, err = live.NewReader(o.Config); err != nil {
		return err
	}
	if r.clients, err = kubernetes.NewForConfig(o.Config); err != nil {
		return fmt.Errorf("connecting to %s: %w", o.Config.Host, err)
	}
	if r.metadata, err = metadata.NewForConfig(o.Config); err != nil {
		return fmt.Errorf("connecting to %s: %w", o.Config.Host, err)
	}
	made, err := r.made(ctx)
	if err != nil {
		return err
	}
	if len(made) == 0 {
		r.report(Event{Kind: Removed, Text: fmt.Sprintf("nothing of %s is in namespace %s", project.Name, at.namespace)})
		return nil
	}
	return r.remove(ctx, made, dry)
}

// remover removes what was made of a project.
type remover struct {
	*reporter
	place
	user     string
	reader   *live.Reader
	clients  kubernetes.Interface
	metadata metadata.Interface
}

// remove deletes objects, unless a loop works with them.
func (r *remover) remove(ctx context.Context, made []Made, dry bool) error {
	all := newApplier(r.reader, asOwn{reader: r.reader, loop: r.loop}, made)
	all.left = r.left
	if !dry {
		hold := &namespaceLease{clients: r.clients, namespace: r.namespace, loop: r.loop, name: r.lease, holder: holderName(r.user)}
		if err := hold.hold(ctx); err != nil {
			return err
		}
		if err := errors.Join(all.remove(ctx, func(apply.Ref) bool { return true }), hold.release(ctx)); err != nil {
			return err
		}
	}
	for _, m := range made {
		r.report(Event{Kind: Removed, Text: m.ref().String()})
	}
	return nil
}

// made returns the objects that carry the mark of the loop, of the namespace and of those that live in none.
func (r *remover) made(ctx context.Context) ([]Made, error) {
	kinds, err := r.reader.Kinds(ctx, nil)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	found := map[string]Made{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(listsAtOnce)
	for kind, namespaced := range kinds.All() {
		if apply.IsMeasured(kind.Group) {
			continue
		}
		resource, _, _ := kinds.Resource(kind)
		group.Go(guarded(func() error {
			var lister metadata.ResourceInterface = r.metadata.Resource(resource)
			if namespaced {
				lister = r.metadata.Resource(resource).Namespace(r.namespace)
			}
			list, err := lister.List(ctx, metav1.ListOptions{LabelSelector: desired.LoopLabel + "=" + r.loop})
			if err != nil {
				return unlessUnlisted(kind, err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, item := range list.Items {
				// What another object owns goes with it, and the Lease is the loop's hold.
				if len(item.OwnerReferences) > 0 || kind.Kind == "Endpoints" || kind.Kind == "Lease" && item.Name == r.lease {
					continue
				}
				m := madeOf(apply.Ref{Kind: kind, Namespace: item.Namespace, Name: item.Name}, string(item.UID))
				if other, there := found[m.UID]; !there || other.Group+other.Version > m.Group+m.Version {
					found[m.UID] = m
				}
			}
			return nil
		}))
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all := make([]Made, 0, len(found))
	for _, m := range found {
		all = append(all, m)
	}
	slices.SortFunc(all, func(x, y Made) int { return cmp.Or(strings.Compare(x.Kind, y.Kind), strings.Compare(x.Name, y.Name)) })
	return all, nil
}

// unlessUnlisted is nil where a kind cannot be listed, so that nothing of it can have been made.
func unlessUnlisted(kind schema.GroupVersionKind, err error) error {
	if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
		return nil
	}
	return fmt.Errorf("listing %s: %w", kind.Kind, err)
}
