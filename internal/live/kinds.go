package live

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// served is where objects of a kind are.
type served struct {
	resource   schema.GroupVersionResource
	namespaced bool
	watchable  bool
}

// Kinds are what a cluster serves. It is never changed once it is made.
type Kinds struct {
	byKind   map[schema.GroupVersionKind]served
	versions map[schema.GroupKind][]string
	// broken are groups whose server does not answer; what was known of them before still stands.
	broken map[schema.GroupVersion]error

	once sync.Once
	// all and clusterScoped are what All and ClusterScoped return.
	all           map[schema.GroupVersionKind]bool
	clusterScoped map[schema.GroupKind]bool
}

// Resource returns the resource that serves a kind and whether it lives in namespaces.
func (k *Kinds) Resource(kind schema.GroupVersionKind) (resource schema.GroupVersionResource, namespaced, ok bool) {
	s, ok := k.byKind[kind]
	return s.resource, s.namespaced, ok
}

// Served lists the versions of a kind, the preferred one first.
func (k *Kinds) Served(kind schema.GroupKind) []string { return k.versions[kind] }

// All reports of each kind whether it lives in namespaces. It is shared, and not to be changed.
func (k *Kinds) All() map[schema.GroupVersionKind]bool {
	k.once.Do(k.summarize)
	return k.all
}

// ClusterScoped are the kinds without a namespace. They are shared, and not to be changed: every Application has them.
func (k *Kinds) ClusterScoped() map[schema.GroupKind]bool {
	k.once.Do(k.summarize)
	return k.clusterScoped
}

func (k *Kinds) summarize() {
	k.all, k.clusterScoped = make(map[schema.GroupVersionKind]bool, len(k.byKind)), map[schema.GroupKind]bool{}
	for kind, s := range k.byKind {
		if k.all[kind] = s.namespaced; !s.namespaced {
			k.clusterScoped[kind.GroupKind()] = true
		}
	}
}

// have reports whether all of these kinds are served.
func (k *Kinds) have(kinds []schema.GroupVersionKind) bool {
	for _, kind := range kinds {
		if _, ok := k.byKind[kind]; !ok {
			return false
		}
	}
	return true
}

// preferred returns a kind in the version that the server prefers.
func (k *Kinds) preferred(kind schema.GroupKind) (schema.GroupVersionKind, bool) {
	versions := k.versions[kind]
	if len(versions) == 0 {
		return schema.GroupVersionKind{}, false
	}
	return kind.WithVersion(versions[0]), true
}

// at reports whether a kind is where it was.
func (k *Kinds) at(kind schema.GroupKind, where served) bool {
	now, ok := k.byKind[kind.WithVersion(where.resource.Version)]
	return ok && now == where
}

// discover asks a cluster for its kinds. Of groups that don't answer, what before knew is kept.
func discover(ctx context.Context, client discovery.DiscoveryInterfaceWithContext, before *Kinds) (*Kinds, error) {
	groups, lists, err := client.ServerGroupsAndResourcesWithContext(ctx)
	failed, partly := errors.AsType[*discovery.ErrGroupDiscoveryFailed](err)
	if err != nil && !partly {
		return nil, fmt.Errorf("asking for the kinds it serves: %w", err)
	}
	k := &Kinds{byKind: map[schema.GroupVersionKind]served{}, versions: map[schema.GroupKind][]string{}}
	for _, list := range lists {
		k.add(list)
	}
	if partly {
		k.keep(before, failed.Groups)
	}
	k.order(groups)
	return k, nil
}

func (k *Kinds) add(list *metav1.APIResourceList) {
	gv, err := schema.ParseGroupVersion(list.GroupVersion)
	if err != nil {
		return
	}
	for _, r := range list.APIResources {
		if strings.Contains(r.Name, "/") {
			continue
		}
		kind := gv.WithKind(r.Kind)
		if _, twice := k.byKind[kind]; twice && !slices.Contains(r.Verbs, "list") {
			continue
		}
		k.byKind[kind] = served{gv.WithResource(r.Name), r.Namespaced, slices.Contains(r.Verbs, "list") && slices.Contains(r.Verbs, "watch")}
	}
}

func (k *Kinds) keep(before *Kinds, failed map[schema.GroupVersion]error) {
	k.broken = maps.Clone(failed)
	if before == nil {
		return
	}
	for kind, s := range before.byKind {
		if _, lost := failed[kind.GroupVersion()]; lost {
			k.byKind[kind] = s
		}
	}
}

// order lists the versions of each kind as the server prefers them.
func (k *Kinds) order(groups []*metav1.APIGroup) {
	rank := map[schema.GroupVersion]int{}
	for _, g := range groups {
		for i, v := range g.Versions {
			rank[schema.GroupVersion{Group: g.Name, Version: v.Version}] = i + 1
		}
		rank[schema.GroupVersion{Group: g.Name, Version: g.PreferredVersion.Version}] = 0
	}
	for kind := range k.byKind {
		gk := kind.GroupKind()
		k.versions[gk] = append(k.versions[gk], kind.Version)
	}
	for gk, versions := range k.versions {
		slices.SortFunc(versions, func(a, b string) int {
			ra, rb := rank[schema.GroupVersion{Group: gk.Group, Version: a}], rank[schema.GroupVersion{Group: gk.Group, Version: b}]
			if ra != rb {
				return ra - rb
			}
			return strings.Compare(a, b)
		})
	}
}
