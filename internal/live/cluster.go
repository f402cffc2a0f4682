package live

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/utils/lru"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/cluster"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
)

// requestTimeout bounds a request where the cluster's own configuration does not.
const requestTimeout = 30 * time.Second

// Key names a live object.
type Key = plan.Key

// Cluster is one destination, watched. It is safe for concurrent use.
type Cluster struct {
	Server, Name string

	*kindCache
	spec    cluster.Cluster
	log     *slog.Logger
	notify  func(instance string)
	life    context.Context //nolint:containedctx // the cluster is looked for as long as it is registered
	end     context.CancelFunc
	dynamic dynamic.Interface
	// config is how the cluster is asked by those who wait for an answer; client does so with the program's own rights.
	config *rest.Config
	client *apply.Client
	// users has the *apply.Client of each user as whom objects are written.
	users *lru.Cache

	// tracking is how objects are marked.
	tracking   atomic.Pointer[plan.Tracking]
	sweepEvery time.Duration

	reach       *reach
	watches     *watches
	claims      *claims
	objects     *objects
	definitions definitions
}

// connect makes a Cluster; nothing is asked of it yet.
func connect(ctx context.Context, spec cluster.Cluster, log *slog.Logger, notify func(instance string)) (*Cluster, error) {
	config := rest.CopyConfig(spec.Config)
	// The server's own fairness bounds us; a limit here would only add to the time from push to traffic.
	config.QPS = -1
	if config.Timeout == 0 {
		config.Timeout = requestTimeout
	}
	streaming := rest.CopyConfig(config)
	streaming.Timeout = 0
	c := &Cluster{Server: spec.Server, Name: spec.Name, spec: spec, log: log, notify: notify, claims: newClaims(), sweepEvery: sweepEvery}
	asking, err := discovery.NewDiscoveryClientForConfig(config)
	if err == nil {
		c.dynamic, err = dynamic.NewForConfig(streaming)
	}
	var watching metadata.Interface
	if err == nil {
		watching, err = metadata.NewForConfig(streaming)
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to cluster %s: %w", spec.Name, err)
	}
	c.life, c.end = context.WithCancel(ctx)
	c.kindCache = &kindCache{discovery: asking}
	c.config, c.users = config, lru.New(maxUsers)
	c.client = apply.NewClient(c.dynamic, c).Within(c.limit)
	c.objects = newObjects(c.client)
	c.follow(plan.Tracking{})
	c.reach = &reach{cluster: spec.Name, server: spec.Server, discovery: asking, log: log, changed: c.notifyAll}
	c.watches = &watches{
		metadata: watching, spec: spec, log: log.With("cluster", spec.Name), life: c.life, heard: c.heard, keeper: c.keeper,
		reachable: c.reach.get, recovered: c.recovered, byKind: map[schema.GroupKind]*watched{},
	}
	c.reach.back = c.watches.stopAll
	return c, nil
}

// Spec returns how the cluster is registered.
func (c *Cluster) Spec() cluster.Cluster { return c.spec }

// maxUsers bounds the users whose clients are kept, those that were used last.
const maxUsers = 1024

// As returns what writes in the cluster as a user, for whom the program stands in; as itself for "".
func (c *Cluster) As(user string) (*apply.Client, error) {
	if user == "" {
		return c.client, nil
	}
	if known, ok := c.users.Get(user); ok {
		return known.(*apply.Client), nil
	}
	config := rest.CopyConfig(c.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user}
	connection, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to cluster %s as %s: %w", c.Name, user, err)
	}
	client := apply.NewClient(connection, c).Within(c.limit)
	c.users.Add(user, client)
	return client, nil
}

// limit is why an object is not one that the cluster is used for; nil when it is.
func (c *Cluster) limit(ref apply.Ref) error {
	if c.spec.Uses(ref.Namespace) {
		return nil
	}
	return &problem.Error{
		Kind: problem.Refused, Object: ref.String(), Cause: fmt.Sprintf("cluster %s is limited to namespaces %s", c.Name, strings.Join(c.spec.Namespaces, ", ")),
		Remedy: "change namespaces or clusterResources in the cluster's Secret, or remove the object",
	}
}

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
	switch {
	case ctx.Err() != nil, c.reach.doubt(c.life, err):
	case c.watches.note(w, err):
		c.log.Info("kind of a cluster can't be read", "cluster", c.Name, "kind", w.kind.String(), "err", err)
		c.notifyConcerned(w.kind)
	}
}

// recovered is called when a kind can be read again.
func (c *Cluster) recovered(kind schema.GroupKind) {
	c.log.Info("kind of a cluster can be read again", "cluster", c.Name, "kind", kind.String())
	c.notifyConcerned(kind)
}

// notifyConcerned notifies those who have looked for objects of a kind.
func (c *Cluster) notifyConcerned(kind schema.GroupKind) {
	for _, instance := range c.claims.ofKind(kind) {
		c.notify(instance)
	}
}

// owner returns whose marks an object of a kind carries; "" for nobody's.
func (c *Cluster) owner(kind schema.GroupKind, o metav1.Object) string {
	return c.tracking.Load().Owner(kind, o)
}

// follow has objects found by other marks from now on.
func (c *Cluster) follow(tracking plan.Tracking) {
	if before := c.tracking.Swap(&tracking); before != nil && *before != tracking {
		// What was not marked before may be now.
		c.watches.stopAll()
		c.notifyAll()
	}
}

// keeper returns what is kept of a kind: of definitions everything, since all of them are asked for.
func (c *Cluster) keeper(kind schema.GroupKind) keeper {
	return keeper{
		owner: func(m *metav1.PartialObjectMetadata) string { return c.owner(kind, m) },
		wanted: func(name types.NamespacedName) bool {
			return kind == definitionKind.GroupKind() || c.claims.has(keyOfName(kind, name))
		},
		changed: func(name types.NamespacedName, isNew bool, instances ...string) {
			c.changed(keyOfName(kind, name), isNew, instances)
		},
	}
}

func keyOfName(kind schema.GroupKind, name types.NamespacedName) Key {
	return Key{Group: kind.Group, Kind: kind.Kind, Namespace: name.Namespace, Name: name.Name}
}

// changed notifies those whom an object concerns. What a first list brings is news only to those who have looked and
// have not found it.
func (c *Cluster) changed(key Key, isNew bool, marked []string) {
	if !isNew && key.Group == definitionKind.Group && key.Kind == definitionKind.Kind {
		c.Forget()
		c.notifyAll()
	}
	claiming := c.claims.of(key)
	concerned := map[string]bool{}
	for _, instance := range marked {
		if instance != "" && (!isNew || c.claims.hasLooked(instance) && !slices.Contains(claiming, instance)) {
			concerned[instance] = true
		}
	}
	for _, instance := range claiming {
		if !isNew {
			concerned[instance] = true
		}
	}
	for instance := range concerned {
		c.notify(instance)
	}
}

func (c *Cluster) notifyAll() {
	for _, instance := range c.claims.all() {
		c.notify(instance)
	}
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
