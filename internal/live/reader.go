package live

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Reader reads a cluster when it is asked, and watches nothing: for a command or a delivery, which look once. It is
// safe for concurrent use.
type Reader struct {
	// Client tries objects in the cluster.
	Client *apply.Client
	// Tracking is how objects are marked: by annotation unless set before the first Snapshot.
	Tracking plan.Tracking

	*kindCache
	dynamic  dynamic.Interface
	metadata metadata.Interface
}

// NewReader returns a Reader of the cluster that config names; nothing is asked of it yet.
func NewReader(config *rest.Config) (*Reader, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	if config.Timeout == 0 {
		config.Timeout = requestTimeout
	}
	r := &Reader{}
	asking, err := discovery.NewDiscoveryClientForConfig(config)
	if err == nil {
		r.dynamic, err = dynamic.NewForConfig(config)
	}
	if err == nil {
		r.metadata, err = metadata.NewForConfig(config)
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	r.kindCache = &kindCache{discovery: asking}
	r.Client = apply.NewClient(r.dynamic, r)
	return r, nil
}

// Kinds returns what the cluster serves, asked for anew when one of the wanted kinds is missing.
func (r *Reader) Kinds(ctx context.Context, wanted []schema.GroupVersionKind) (*Kinds, error) {
	return r.get(ctx, wanted)
}

// Definitions returns the CustomResourceDefinitions of the kinds that have one. Those that may not be read are left
// out.
func (r *Reader) Definitions(ctx context.Context, wanted []schema.GroupVersionKind) ([]apiextensionsv1.CustomResourceDefinition, error) {
	kinds, err := r.Kinds(ctx, wanted)
	if err != nil {
		return nil, err
	}
	where, ok := kinds.byKind[definitionKind]
	if !ok {
		return nil, nil
	}
	var found []apiextensionsv1.CustomResourceDefinition
	asked := map[string]bool{}
	for _, kind := range wanted {
		served, ok := kinds.byKind[kind]
		name := served.resource.Resource + "." + kind.Group
		if !ok || !strings.Contains(kind.Group, ".") || asked[name] {
			continue
		}
		asked[name] = true
		object, err := r.dynamic.Resource(where.resource).Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
			continue
		case err != nil:
			return nil, fmt.Errorf("reading CustomResourceDefinition %s: %w", name, err)
		}
		var crd apiextensionsv1.CustomResourceDefinition
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &crd); err != nil {
			return nil, fmt.Errorf("reading CustomResourceDefinition %s: %w", name, err)
		}
		found = append(found, crd)
	}
	return found, nil
}

// Snapshot finds an instance's live objects. Of kinds that may not be listed, those that the instance is known to
// have are read by name.
func (r *Reader) Snapshot(ctx context.Context, want Wanted) (Snapshot, error) {
	found := Snapshot{Objects: map[Key]*unstructured.Unstructured{}, Broken: map[schema.GroupKind]error{}}
	kinds, err := r.Kinds(ctx, nil)
	if err != nil {
		return found, err
	}
	refs := want.objects()
	for _, kind := range want.Kinds {
		more, err := r.tracked(ctx, kinds, kind, want)
		if err != nil {
			return found, err
		}
		refs = append(refs, more...)
	}
	seen := map[Key]bool{}
	var mu sync.Mutex
	reads, ctx := errgroup.WithContext(ctx)
	reads.SetLimit(maxReads)
	for _, ref := range refs {
		if _, _, served := kinds.Resource(ref.Kind); seen[keyOf(ref)] || !served {
			continue
		}
		seen[keyOf(ref)] = true
		reads.Go(problem.Guard(func() error {
			object, err := r.Client.Get(ctx, ref.Kind, ref.Namespace, ref.Name)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil && (apply.IsUnreachable(err) || ctx.Err() != nil):
				return err
			case err != nil:
				found.Broken[ref.Kind.GroupKind()] = err
			case object != nil:
				found.Objects[keyOf(ref)] = object
			}
			return nil
		}))
	}
	return found, reads.Wait()
}

// tracked names the objects of a kind that carry the instance's mark; those that it is known to have when the kind
// may not be listed.
func (r *Reader) tracked(ctx context.Context, kinds *Kinds, kind schema.GroupKind, want Wanted) ([]apply.Ref, error) {
	preferred, served := kinds.preferred(kind)
	if !served || want.Instance == "" {
		return nil, nil
	}
	var refs []apply.Ref
	where := kinds.byKind[preferred]
	list, err := r.metadata.Resource(where.resource).List(ctx, metav1.ListOptions{})
	switch {
	case apierrors.IsForbidden(err), apierrors.IsMethodNotSupported(err):
		for _, key := range want.Known {
			if key.Group == kind.Group && key.Kind == kind.Kind && want.allows(key) {
				refs = append(refs, apply.Ref{Kind: preferred, Namespace: key.Namespace, Name: key.Name})
			}
		}
		return refs, nil
	case err != nil:
		return nil, fmt.Errorf("listing %s: %w", kind, err)
	}
	for i := range list.Items {
		m := &list.Items[i]
		ref := apply.Ref{Kind: preferred, Namespace: m.Namespace, Name: m.Name}
		if r.Tracking.Owner(kind, m) == want.Instance && want.allows(keyOf(ref)) {
			refs = append(refs, ref)
		}
	}
	return refs, nil
}
