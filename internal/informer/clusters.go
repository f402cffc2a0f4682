package informer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/lru"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cluster"
	"github.com/cyan-cd/cyan/internal/problem"
)

// requestTimeout bounds a request where the cluster's own configuration does not.
const requestTimeout = 30 * time.Second

// Clusters are those that Applications can name: the one of the control plane, and those that Secrets register.
type Clusters struct {
	// Reader reads the Secrets of Namespace, from a cache.
	Reader    client.Reader
	Namespace string
	// Home is how the control plane's own cluster is reached.
	Home *rest.Config
	// Programs are those that cluster Secrets may have run here.
	Programs cluster.Programs
	Scheme   *runtime.Scheme
	// Connect reaches a cluster in another way than by its configuration; nil for that.
	Connect func(cluster.Cluster) (*Cluster, error)

	mu   sync.Mutex
	open map[string]*Cluster
}

// Cluster is a cluster that is reached with the rights of the program.
type Cluster struct {
	cluster.Cluster
	client.Client
	// Core asks for what a Client does not have: logs.
	Core corev1client.CoreV1Interface

	version string
	shared  cluster.Shared
	// Dynamic watches.
	Dynamic   dynamic.Interface
	discovery discovery.DiscoveryInterfaceWithContext
	scheme    *runtime.Scheme
	users     *lru.Cache
	asking    sync.Mutex
	answer    Answer
}

// Registered is a cluster as its Secret has it.
type Registered struct {
	cluster.Cluster
	// Secret is nil for the control plane's own cluster where none registers it.
	Secret *corev1.Secret
	// Err is why the Secret cannot be used.
	Err error
}

// List returns all clusters: the control plane's own, and then the others in the order of their Secrets.
func (c *Clusters) List(ctx context.Context) ([]Registered, error) {
	var secrets corev1.SecretList
	if err := c.Reader.List(ctx, &secrets, client.InNamespace(c.Namespace), client.MatchingLabels{v1alpha1.SecretTypeLabel: v1alpha1.SecretTypeCluster}); err != nil {
		return nil, fmt.Errorf("reading the Secrets of clusters: %w", err)
	}
	all := []Registered{{Cluster: cluster.Cluster{Server: v1alpha1.InClusterServer, Name: v1alpha1.InClusterName, Config: c.Home}}}
	slices.SortFunc(secrets.Items, func(a, b corev1.Secret) int { return strings.Compare(a.Name, b.Name) })
	for i := range secrets.Items {
		secret := &secrets.Items[i]
		spec, err := cluster.FromSecret(secret, c.Programs)
		if spec.Server == v1alpha1.InClusterServer {
			// Its credentials are the program's own; the Secret gives the name and the limits.
			spec.Config, all[0] = c.Home, Registered{Cluster: spec, Secret: secret, Err: err}
			all[0].Config = c.Home
			continue
		}
		all = append(all, Registered{Cluster: spec, Secret: secret, Err: err})
	}
	return all, nil
}

// Find returns the cluster that a destination names, as it is registered.
func (c *Clusters) Find(ctx context.Context, d v1alpha1.ApplicationDestination) (Registered, error) {
	all, err := c.List(ctx)
	if err != nil {
		return Registered{}, err
	}
	server := strings.TrimRight(d.Server, "/")
	var found []Registered
	for i, r := range all {
		home := i == 0 && d.Name == v1alpha1.InClusterName
		if server != "" && r.Server == server || server == "" && d.Name != "" && (r.Name == d.Name || home) {
			found = append(found, r)
		}
	}
	if len(found) != 1 || d.Server != "" && d.Name != "" {
		return Registered{}, &problem.Error{
			Kind: problem.Absent, Object: "spec.destination", Cause: fmt.Sprintf("cluster %q not registered, or not the only one of that name", cmp.Or(d.Server, d.Name)),
			Remedy: "register it with cyan cluster add, or name it by its server",
		}
	}
	return found[0], nil
}

// For reaches the cluster that a destination names.
func (c *Clusters) For(ctx context.Context, d v1alpha1.ApplicationDestination) (*Cluster, error) {
	r, err := c.Find(ctx, d)
	if err != nil {
		return nil, err
	}
	if r.Err != nil {
		return nil, &problem.Error{Kind: problem.Refused, Object: "cluster " + cmp.Or(r.Name, r.Server), Cause: r.Err.Error(), Remedy: "correct its Secret", Err: r.Err}
	}
	return c.Reach(r)
}

// Reach reaches a registered cluster. The connection is kept for as long as its Secret stays as it is.
func (c *Clusters) Reach(r Registered) (*Cluster, error) {
	version := ""
	if r.Secret != nil {
		version = string(r.Secret.UID) + "/" + r.Secret.ResourceVersion
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if open, ok := c.open[r.Server]; ok && open.version == version {
		return open, nil
	}
	way := c.Connect
	if way == nil {
		way = func(spec cluster.Cluster) (*Cluster, error) { return connect(spec, c.Scheme) }
	}
	connected, err := way(r.Cluster)
	if err != nil {
		return nil, fmt.Errorf("connecting to cluster %s: %w", r.Name, err)
	}
	connected.version = version
	if c.open == nil {
		c.open = map[string]*Cluster{}
	}
	c.open[r.Server] = connected
	return connected, nil
}

// mostUsers bounds the users whose clients are kept, those that were used last.
const mostUsers = 256

func connect(spec cluster.Cluster, scheme *runtime.Scheme) (*Cluster, error) {
	config := rest.CopyConfig(spec.Config)
	// The server's own fairness bounds us.
	config.QPS = -1
	// What is written without the name of a field manager has this one: what people change is not the applier's, which
	// would take it back.
	config.UserAgent = v1alpha1.APIFieldManager
	if config.Timeout == 0 {
		config.Timeout = requestTimeout
	}
	shared, err := cluster.Share(config)
	if err != nil {
		return nil, err
	}
	c := &Cluster{Cluster: spec, shared: shared, scheme: scheme, users: lru.New(mostUsers)}
	own, over := shared.As("")
	if c.Client, err = client.New(own, client.Options{HTTPClient: over, Scheme: scheme}); err != nil {
		return nil, err
	}
	if c.Core, err = corev1client.NewForConfigAndClient(shared.Streaming()); err != nil {
		return nil, err
	}
	if c.Dynamic, err = dynamic.NewForConfigAndClient(shared.Streaming()); err != nil {
		return nil, err
	}
	c.discovery, err = discovery.NewDiscoveryClientForConfigAndClient(own, over)
	return c, err
}

// As returns what reads and writes in the cluster as a user, for whom the program stands in; as itself for "".
func (c *Cluster) As(user string) (client.Client, error) {
	if user == "" {
		return c.Client, nil
	}
	if known, ok := c.users.Get(user); ok {
		return known.(client.Client), nil
	}
	config, over := c.shared.As(user)
	as, err := client.New(config, client.Options{HTTPClient: over, Scheme: c.scheme, Mapper: c.RESTMapper()})
	if err != nil {
		return nil, fmt.Errorf("connecting to cluster %s as %s: %w", c.Name, user, err)
	}
	c.users.Add(user, as)
	return as, nil
}

// Answer is whether a cluster answers.
type Answer struct {
	// Version is that of the API server.
	Version string
	At      time.Time
	Err     error
}

const (
	// answerHolds is how long an answer is believed, and answerTimeout how long it may take.
	answerHolds   = 30 * time.Second
	answerTimeout = 3 * time.Second
)

// Answer asks the cluster for its version; one that was asked a moment ago is not asked again.
func (c *Cluster) Answer(ctx context.Context) Answer {
	c.asking.Lock()
	defer c.asking.Unlock()
	if time.Since(c.answer.At) < answerHolds {
		return c.answer
	}
	a := Answer{At: time.Now()}
	if c.discovery != nil {
		ctx, cancel := context.WithTimeout(ctx, answerTimeout)
		defer cancel()
		v, err := c.discovery.ServerVersionWithContext(ctx)
		if a.Err = err; err == nil {
			a.Version = v.Major + "." + v.Minor
		}
	}
	c.answer = a
	return a
}

// Watching connects to a cluster that is reached in a way of its own, and keeps nothing of the connection.
func (c *Clusters) Watching(config *rest.Config) (client.WithWatch, error) {
	return client.NewWithWatch(config, client.Options{Scheme: c.Scheme})
}

// Forget has a cluster connected anew by who looks at it next.
func (c *Clusters) Forget(server string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, server)
}

// Try asks a cluster that need not be registered for its version, and keeps nothing of it.
func (c *Clusters) Try(ctx context.Context, spec cluster.Cluster) Answer {
	way := c.Connect
	if way == nil {
		way = func(spec cluster.Cluster) (*Cluster, error) { return connect(spec, c.Scheme) }
	}
	reached, err := way(spec)
	if err != nil {
		return Answer{At: time.Now(), Err: err}
	}
	return reached.Answer(ctx)
}
