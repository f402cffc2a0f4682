package live

import (
	"context"
	"math/rand/v2"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	// sweepFirst is the time from the first look at a cluster to the first sweep, and sweepEvery that between two, give or
	// take a third.
	sweepFirst = time.Second
	// sweepAgain is the time from a restart of all watches to the next sweep.
	sweepAgain = 100 * time.Millisecond
	sweepEvery = 10 * time.Minute
	// sweepPage is the number of objects that one request asks for.
	sweepPage = 500
)

// unswept are kinds of which a cluster has very many, that come and go by themselves, and that nobody deploys: those
// that are deployed all the same are watched, as any kind is that an Application has.
var unswept = map[schema.GroupKind]bool{
	{Kind: "Event"}: true, {Group: "events.k8s.io", Kind: "Event"}: true, {Group: "coordination.k8s.io", Kind: "Lease"}: true,
	{Kind: "Endpoints"}: true, {Group: "discovery.k8s.io", Kind: "EndpointSlice"}: true, {Group: "apps", Kind: "ControllerRevision"}: true,
	{Kind: "Node"}: true, {Group: "storage.k8s.io", Kind: "CSIStorageCapacity"}: true,
}

// alwaysWatched are kinds that most Applications have objects of. A marked one that somebody makes by hand is found at
// once, also by an Application that had none of its kind.
var alwaysWatched = map[schema.GroupKind]bool{
	{Kind: "ConfigMap"}: true, {Kind: "Secret"}: true, {Kind: "Service"}: true, {Kind: "ServiceAccount"}: true, {Kind: "PersistentVolumeClaim"}: true,
	{Group: "apps", Kind: "Deployment"}: true, {Group: "apps", Kind: "StatefulSet"}: true, {Group: "apps", Kind: "DaemonSet"}: true,
	{Group: "batch", Kind: "Job"}: true, {Group: "batch", Kind: "CronJob"}: true,
	{Group: "networking.k8s.io", Kind: "Ingress"}: true, {Group: "networking.k8s.io", Kind: "NetworkPolicy"}: true,
	{Group: "rbac.authorization.k8s.io", Kind: "Role"}: true, {Group: "rbac.authorization.k8s.io", Kind: "RoleBinding"}: true,
	{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}: true, {Group: "rbac.authorization.k8s.io", Kind: "ClusterRoleBinding"}: true,
}

// sweeper looks for marked objects of the kinds of a cluster that are not watched.
type sweeper struct {
	cluster *Cluster
	every   time.Duration
}

// run looks from time to time through the kinds that are not watched, and has those watched that have an object with
// a mark: what an Application has there is found though neither git nor its status names the kind.
func (s sweeper) run(ctx context.Context) {
	timer := time.NewTimer(sweepFirst)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.cluster.restarted:
			timer.Reset(sweepAgain)
			continue
		case <-timer.C:
		}
		if s.cluster.Away() == nil {
			s.once(ctx)
		}
		timer.Reset(s.every*2/3 + rand.N(s.every*2/3))
	}
}

func (s sweeper) once(ctx context.Context) {
	c := s.cluster
	kinds, err := c.Kinds(ctx, nil)
	if err != nil {
		return
	}
	for kind := range kinds.versions {
		preferred, _ := kinds.preferred(kind)
		where := kinds.byKind[preferred]
		if !where.watchable || unswept[kind] || c.watches.has(kind) || !where.namespaced && !c.spec.Uses("") {
			continue
		}
		switch {
		case alwaysWatched[kind]:
			if s.isReadable(ctx, where) {
				c.watches.ensure(kind, where)
			}
		case s.hasMarked(ctx, kind, where):
			c.log.Info("kind with marked objects found", "cluster", c.Name, "kind", kind.String())
			c.watches.ensure(kind, where)
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// isReadable reports whether objects of a kind can be listed.
func (s sweeper) isReadable(ctx context.Context, where served) bool {
	for _, namespace := range s.cluster.watches.namespaces(where) {
		if _, err := s.cluster.watches.metadata.Resource(where.resource).Namespace(namespace).List(ctx, metav1.ListOptions{Limit: 1}); err != nil {
			return false
		}
	}
	return true
}

// hasMarked reports whether an object of a kind is marked as an Application's, as far as it can be read.
func (s sweeper) hasMarked(ctx context.Context, kind schema.GroupKind, where served) bool {
	c := s.cluster
	for _, namespace := range c.watches.namespaces(where) {
		options := metav1.ListOptions{Limit: sweepPage}
		for {
			page, err := c.watches.metadata.Resource(where.resource).Namespace(namespace).List(ctx, options)
			if err != nil {
				// What can't be listed now may be listed next time.
				c.log.Debug("looking for marked objects", "cluster", c.Name, "kind", kind.String(), "err", err)
				break
			}
			for i := range page.Items {
				if c.marks.owner(kind, &page.Items[i]) != "" {
					return true
				}
			}
			if options.Continue = page.Continue; options.Continue == "" {
				break
			}
		}
	}
	return false
}
