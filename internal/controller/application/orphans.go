package application

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/project"
)

const (
	// orphansStand is how long it is believed what was found of them, unless a refresh asks.
	orphansStand = 3 * time.Minute
	// maxOrphansNamed bounds those that the warning names, and maxOrphanLooks the Applications of which it is kept what
	// was found.
	maxOrphansNamed = 5
	maxOrphanLooks  = 1024
)

// orphanLooks is what the last look of each Application found: a look lists a whole namespace.
type orphanLooks struct{ byApp *lru.Cache }

type orphanLook struct {
	at time.Time
	// project is the version of the project that asked.
	project string
	found   []plan.Key
}

func newOrphanLooks() orphanLooks { return orphanLooks{lru.New(maxOrphanLooks)} }

// count returns how many were found of an Application, and whether it was looked for them.
func (l orphanLooks) count(app types.NamespacedName) (int, bool) {
	last, known := l.byApp.Get(app)
	if !known {
		return 0, false
	}
	return len(last.(orphanLook).found), true
}

// warnOfOrphans adds a warning of the objects in the destination's namespace that no Application has, where the
// project wants that.
func warnOfOrphans(ctx context.Context, o *observation, looks orphanLooks) error {
	if o.project == nil || !o.comparison.Complete || o.app.Spec.Destination.Namespace == "" {
		return nil
	}
	orphans, warns, err := project.OrphansOf(o.project)
	if err != nil {
		o.add(v1alpha1.ConditionOrphanedResourceWarning, err)
	}
	if !warns {
		looks.byApp.Remove(o.name)
		return nil
	}
	last, known := looks.byApp.Get(o.name)
	if !known || o.refresh != "" || last.(orphanLook).project != o.project.ResourceVersion || o.now.Sub(last.(orphanLook).at) >= orphansStand {
		found, err := orphansOf(ctx, o, orphans)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			o.add(v1alpha1.ConditionOrphanedResourceWarning, fmt.Errorf("looking for objects in namespace %s that no Application has: %w", o.app.Spec.Destination.Namespace, err))
			return nil
		}
		last = orphanLook{o.now, o.project.ResourceVersion, found}
		looks.byApp.Add(o.name, last)
	}
	if found := last.(orphanLook).found; len(found) > 0 {
		o.add(v1alpha1.ConditionOrphanedResourceWarning, errors.New(orphanWarning(found)))
	}
	return nil
}

// orphanWarning begins with the words that tools read.
func orphanWarning(found []plan.Key) string {
	names := make([]string, 0, maxOrphansNamed+1)
	for i, key := range found {
		if i == maxOrphansNamed {
			names = append(names, fmt.Sprintf("and %d more", len(found)-i))
			break
		}
		names = append(names, key.String())
	}
	return fmt.Sprintf("Application has %d orphaned resources: %s; delete them, add them to git, or ignore them in the project's spec.orphanedResources", len(found), strings.Join(names, ", "))
}

// orphansOf lists the objects in the destination's namespace that no Application has and that the project's bounds let
// this one see.
func orphansOf(ctx context.Context, o *observation, orphans project.Orphans) ([]plan.Key, error) {
	served, err := o.cluster.Kinds(ctx, nil)
	if err != nil {
		return nil, err
	}
	bounds, kinds := o.bounds(), map[schema.GroupKind]bool{}
	for kind, namespaced := range served.All() {
		if gk := kind.GroupKind(); namespaced && !bounds.Exclude(gk) && !project.ComesByItself(gk) {
			kinds[gk] = true
		}
	}
	reader, err := o.cluster.As("")
	if err != nil {
		return nil, err
	}
	listed := make([]schema.GroupKind, 0, len(kinds))
	for kind := range kinds {
		listed = append(listed, kind)
	}
	objects, err := reader.Occupants(ctx, o.app.Spec.Destination.Namespace, listed)
	if err != nil {
		return nil, err
	}
	own := map[plan.Key]bool{}
	for _, r := range o.comparison.Plan.Resources {
		own[r.Key] = true
	}
	var found []plan.Key
	for _, object := range objects {
		key := plan.KeyOf(object)
		if plan.Occupies(object) && !own[key] && o.tracking().OwnerOf(object) == "" && !orphans.Ignores(key) {
			found = append(found, key)
		}
	}
	slices.SortFunc(found, func(x, y plan.Key) int { return strings.Compare(x.String(), y.String()) })
	return found, nil
}
