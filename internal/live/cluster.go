package live

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/cluster"
	"github.com/cyan-cd/cyan/internal/plan"
)

// requestTimeout bounds a request where the cluster's own configuration does not.
const requestTimeout = 30 * time.Second

// Key names a live object.
type Key = plan.Key

// Cluster is one destination, watched. It is safe for concurrent use.
type Cluster struct {
	Server, Name string

	*kindCache
	*identities
	spec    cluster.Cluster
	log     *slog.Logger
	life    context.Context //nolint:containedctx // the cluster is looked for as long as it is registered
	end     context.CancelFunc
	dynamic dynamic.Interface

	marks       *marks
	events      eventCounts
	reach       *reach
	watches     *watches
	claims      *claims
	concerned   concerned
	objects     *objects
	definitions definitions
	// restarted has a value when all watches were ended, since the last sweep.
	restarted chan struct{}
}

// connect makes a Cluster; nothing is asked of it yet.
func connect(ctx context.Context, spec cluster.Cluster, log *slog.Logger, notify func(instance string)) (*Cluster, error) {
	config := rest.CopyConfig(spec.Config)
	// The server's own fairness bounds us; a limit here would only add to the time from push to traffic.
	config.QPS = -1
	if config.Timeout == 0 {
		config.Timeout = requestTimeout
	}
	shared, err := cluster.Share(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to cluster %s: %w", spec.Name, err)
	}
	c := &Cluster{Server: spec.Server, Name: spec.Name, spec: spec, log: log, marks: &marks{}, claims: newClaims(), restarted: make(chan struct{}, 1)}
	asking, err := discovery.NewDiscoveryClientForConfigAndClient(shared.As(""))
	if err == nil {
		c.dynamic, err = dynamic.NewForConfigAndClient(shared.Streaming())
	}
	var watching metadata.Interface
	if err == nil {
		watching, err = metadata.NewForConfigAndClient(shared.Streaming())
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to cluster %s: %w", spec.Name, err)
	}
	c.life, c.end = context.WithCancel(ctx)
	c.kindCache = &kindCache{discovery: asking}
	c.identities = newIdentities(spec, shared, c.dynamic, c.kindCache)
	c.objects = newObjects(c.client)
	c.marks.replace(plan.Tracking{})
	c.concerned = concerned{claims: c.claims, notify: notify}
	c.reach = &reach{cluster: spec.Name, server: spec.Server, discovery: asking, log: log, changed: c.concerned.all}
	c.watches = &watches{
		metadata: watching, spec: spec, log: log.With("cluster", spec.Name), life: c.life, heard: c.heard, keeper: c.keeper,
		reachable: c.reach.get, recovered: c.recovered, ended: c.concerned.byKind, byKind: map[schema.GroupKind]*watched{},
	}
	c.reach.back = c.restart
	c.renewed = c.watches.endUnserved
	return c, nil
}

// Spec returns how the cluster is registered.
func (c *Cluster) Spec() cluster.Cluster { return c.spec }

// Away returns why the cluster can't be reached, or nil.
func (c *Cluster) Away() error { return c.reach.get() }

// Kinds returns what the cluster serves. It asks again when one of the wanted kinds is missing.
func (c *Cluster) Kinds(ctx context.Context, wanted []schema.GroupVersionKind) (*Kinds, error) {
	kinds, err := c.get(ctx, wanted)
	if err != nil {
		c.reach.doubt(c.life, err)
		return nil, c.reach.explain(err)
	}
	return kinds, nil
}

// heard notes how a list or watch went.
func (c *Cluster) heard(ctx context.Context, w *watched, err error) {
	if ctx.Err() == nil && apierrors.IsNotFound(err) {
		// The kind itself is not found where it was.
		c.Forget()
	}
	switch {
	case ctx.Err() != nil, c.reach.doubt(c.life, err):
	case c.watches.note(w, err):
		c.log.Info("kind of a cluster can't be read", "cluster", c.Name, "kind", w.kind.String(), "err", err)
		c.concerned.byKind(w.kind)
	}
}

// recovered is called when a kind can be read again.
func (c *Cluster) recovered(kind schema.GroupKind) {
	c.log.Info("kind of a cluster can be read again", "cluster", c.Name, "kind", kind.String())
	c.concerned.byKind(kind)
}

// follow has objects found by other marks from now on.
func (c *Cluster) follow(tracking plan.Tracking) {
	if c.marks.replace(tracking) {
		// What was not marked before may be now.
		c.restart()
		c.concerned.all()
	}
}

// restart ends every watch. Those that somebody needs begin anew when they look, the others with the next sweep.
func (c *Cluster) restart() {
	c.watches.stopAll()
	select {
	case c.restarted <- struct{}{}:
	default:
	}
}

// keeper returns what is kept of a kind: of definitions everything, since all of them are asked for.
func (c *Cluster) keeper(kind schema.GroupKind) keeper {
	return keeper{
		owner: func(m *metav1.PartialObjectMetadata) string { return c.marks.owner(kind, m) },
		wanted: func(name types.NamespacedName) bool {
			return kind == definitionKind.GroupKind() || c.claims.has(keyOfName(kind, name))
		},
		changed: func(name types.NamespacedName, isNew bool, instances ...string) {
			c.changed(keyOfName(kind, name), isNew, instances)
		},
		answered: func(name types.NamespacedName, now seen) bool {
			return answered(c.objects, c.claims, keyOfName(kind, name), now)
		},
		events: c.events.of(kind),
		gone:   func(name types.NamespacedName, uid types.UID) { c.objects.gone(keyOfName(kind, name), uid) },
		relisted: func() {
			// One that came and went in the gap, no list shows.
			for _, key := range c.objects.doubt(kind) {
				c.concerned.byChange(key, false, nil)
			}
		},
	}
}

func keyOfName(kind schema.GroupKind, name types.NamespacedName) Key {
	return Key{Group: kind.Group, Kind: kind.Kind, Namespace: name.Namespace, Name: name.Name}
}

// changed notifies those whom an object concerns; of a definition, everybody.
func (c *Cluster) changed(key Key, isNew bool, marked []string) {
	if !isNew && key.Group == definitionKind.Group && key.Kind == definitionKind.Kind {
		c.Forget()
		c.concerned.all()
	}
	c.concerned.byChange(key, isNew, marked)
}

// Wrote notes an object that was just written, so that the next snapshot has it though the watch may not have brought
// it yet. after is nil for a deletion.
func (c *Cluster) Wrote(ref apply.Ref, after *unstructured.Unstructured) {
	c.objects.wrote(keyOf(ref), after)
}

// Release ends an instance's claims.
func (c *Cluster) Release(instance string) { c.unclaimed(c.claims.remove(instance)) }

// unclaimed forgets objects that nobody wants to hear of any more.
func (c *Cluster) unclaimed(keys []Key) {
	c.objects.drop(keys...)
	c.watches.release(keys...)
}
