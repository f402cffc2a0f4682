package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cluster"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Registry holds the clusters that Applications can name: the one of the control plane, and those that Secrets
// register.
type Registry struct {
	// Programs are those that cluster Secrets may have run here; none unless set before the first Update.
	Programs cluster.Programs
	// SweepEvery is the time between two looks for marked objects of kinds that are not watched; ten minutes when zero.
	SweepEvery time.Duration

	ctx    context.Context //nolint:containedctx // connections live as long as the controller runs
	home   *rest.Config
	log    *slog.Logger
	notify func(instance string)

	mu       sync.Mutex
	tracking plan.Tracking
	clusters map[string]*entry
	// refused are the clusters whose Secrets cannot be used, and why.
	refused []refusal
}

// ErrSkipped is what the refusal of a cluster comes from that is left alone for as long as its Secret asks for that.
var ErrSkipped = errors.New("cluster skipped")

// refusal is a registered cluster that must not be connected as its Secret says.
type refusal struct {
	server, name string
	err          error
}

// entry is a registered cluster; it is connected when an Application asks for it.
type entry struct {
	spec    cluster.Cluster
	version string
	cluster *Cluster
}

// NewRegistry knows the control plane's own cluster. notify is told the instance of every change that concerns one;
// it must not block.
func NewRegistry(ctx context.Context, home *rest.Config, log *slog.Logger, notify func(instance string)) *Registry {
	r := &Registry{ctx: ctx, home: home, log: log, notify: notify, clusters: map[string]*entry{}}
	r.clusters[v1alpha1.InClusterServer] = &entry{spec: r.homeSpec()}
	return r
}

func (r *Registry) homeSpec() cluster.Cluster {
	return cluster.Cluster{Server: v1alpha1.InClusterServer, Name: v1alpha1.InClusterName, Config: r.home}
}

// Update takes all cluster Secrets as they are now. A cluster whose Secret changed is connected anew; one whose
// Secret is gone is left.
func (r *Registry) Update(secrets []*corev1.Secret) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := map[string]bool{v1alpha1.InClusterServer: true}
	r.refused = nil
	for _, secret := range secrets {
		spec, err := cluster.FromSecret(secret, r.Programs)
		if secret.Annotations[v1alpha1.SkipReconcileAnnotation] == "true" {
			err = &problem.Error{
				Kind: problem.Refused, Object: "cluster " + cmp.Or(spec.Name, spec.Server), Cause: "not contacted, as annotation " + v1alpha1.SkipReconcileAnnotation + " of its Secret asks",
				Remedy: "remove the annotation", Err: ErrSkipped,
			}
		}
		if err != nil {
			r.refused = append(r.refused, refusal{spec.Server, spec.Name, err})
			continue
		}
		if spec.Server == v1alpha1.InClusterServer {
			// Its credentials are the program's own; the Secret gives the name and the limits.
			spec.Config = r.home
		}
		now[spec.Server] = true
		version := string(secret.UID) + "/" + secret.ResourceVersion
		if have, ok := r.clusters[spec.Server]; ok {
			if have.version == version {
				continue
			}
			have.close()
		}
		r.clusters[spec.Server] = &entry{spec: spec, version: version}
	}
	for server, e := range r.clusters {
		if !now[server] {
			e.close()
			delete(r.clusters, server)
		}
	}
	if e := r.clusters[v1alpha1.InClusterServer]; e.version != "" && !registered(secrets, v1alpha1.InClusterServer) {
		e.close()
		r.clusters[v1alpha1.InClusterServer] = &entry{spec: r.homeSpec()}
	}
}

func registered(secrets []*corev1.Secret, server string) bool {
	return slices.ContainsFunc(secrets, func(s *corev1.Secret) bool { return strings.TrimRight(string(s.Data["server"]), "/") == server })
}

func (e *entry) close() {
	if e.cluster != nil {
		e.cluster.end()
	}
}

// Track has objects found by these marks from now on, in all clusters.
func (r *Registry) Track(tracking plan.Tracking) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tracking = tracking
	for _, e := range r.clusters {
		if e.cluster != nil {
			e.cluster.follow(tracking)
		}
	}
}

// For finds the cluster that a destination names. An unknown one is an error that lists those that are known; one
// whose Secret cannot be used, that error.
func (r *Registry) For(d v1alpha1.ApplicationDestination) (*Cluster, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.refusal(strings.TrimRight(d.Server, "/"), d.Name); err != nil {
		return nil, err
	}
	e, err := r.find(d)
	if err != nil {
		return nil, err
	}
	if err := r.refusal(e.spec.Server, e.spec.Name); err != nil {
		return nil, err
	}
	if e.cluster == nil {
		connected, err := connect(r.ctx, e.spec, r.log, r.notify)
		if err != nil {
			return nil, err
		}
		connected.follow(r.tracking)
		go sweeper{cluster: connected, every: cmp.Or(r.SweepEvery, sweepEvery)}.run(connected.life)
		e.cluster = connected
	}
	return e.cluster, nil
}

func (r *Registry) find(d v1alpha1.ApplicationDestination) (*entry, error) {
	switch {
	case d.Server != "" && d.Name != "":
		return nil, fmt.Errorf("spec.destination has server %q and name %q; keep one of them", d.Server, d.Name)
	case d.Server == "" && d.Name == "":
		return nil, fmt.Errorf("spec.destination names no cluster; set server to %s for the cluster of this control plane, or name to one of: %s", v1alpha1.InClusterServer, r.names())
	case d.Server != "":
		if e, ok := r.clusters[strings.TrimRight(d.Server, "/")]; ok {
			return e, nil
		}
		return nil, fmt.Errorf("spec.destination.server %q is not a registered cluster; register it with cyan cluster add, or use one of: %s%s", d.Server, r.names(), r.trouble())
	}
	var found []*entry
	for _, e := range r.clusters {
		if e.spec.Name == d.Name {
			found = append(found, e)
		}
	}
	if len(found) == 0 && d.Name == v1alpha1.InClusterName {
		return r.clusters[v1alpha1.InClusterServer], nil
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, fmt.Errorf("spec.destination.name %q is not a registered cluster; register it with cyan cluster add, or use one of: %s%s", d.Name, r.names(), r.trouble())
	}
	return nil, fmt.Errorf("spec.destination.name %q is the name of %d clusters; use server", d.Name, len(found))
}

func (r *Registry) names() string {
	var all []string
	for _, e := range r.clusters {
		all = append(all, e.spec.Name+" ("+e.spec.Server+")")
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// refusal is why a cluster must not be used, by its server or name; nil when nothing speaks against it.
func (r *Registry) refusal(server, name string) error {
	for _, no := range r.refused {
		if server != "" && no.server == server || name != "" && no.name == name {
			return no.err
		}
	}
	return nil
}

// trouble lists the Secrets of which not even the server is known.
func (r *Registry) trouble() string {
	said := ""
	for _, no := range r.refused {
		if no.server == "" {
			said += "; " + no.err.Error()
		}
	}
	return said
}

// Release ends an instance's claims in all clusters.
func (r *Registry) Release(instance string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.clusters {
		if e.cluster != nil {
			e.cluster.Release(instance)
		}
	}
}

// state is how the cluster fares.
func (e *entry) state() State {
	s := State{Server: e.spec.Server, Name: e.spec.Name}
	if c := e.cluster; c != nil {
		s.Used, s.Away, s.Events = true, c.Away() != nil, c.events.all()
		s.Kinds, s.Objects = c.watches.size()
	}
	return s
}

// State is how a registered cluster fares.
type State struct {
	Server, Name string
	// Used is set once an Application has asked for the cluster; of others, nothing is known.
	Used bool
	// Away is set while the cluster does not answer, and when its Secret cannot be used.
	Away bool
	// Kinds are watched, and Objects of them known.
	Kinds, Objects int
	// Events are what the watches have brought since the cluster was connected.
	Events []Events
}

// States returns how all registered clusters fare, by server.
func (r *Registry) States() []State {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []State
	for _, e := range r.clusters {
		all = append(all, e.state())
	}
	for _, no := range r.refused {
		if no.server != "" && !errors.Is(no.err, ErrSkipped) && r.clusters[no.server] == nil {
			all = append(all, State{Server: no.server, Name: no.name, Used: true, Away: true})
		}
	}
	slices.SortFunc(all, func(a, b State) int { return strings.Compare(a.Server, b.Server) })
	return slices.CompactFunc(all, func(a, b State) bool { return a.Server == b.Server })
}
