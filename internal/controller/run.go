// Package controller runs Cyan's controllers against a cluster: Applications that follow git, and Rollouts that
// switch traffic.
package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/lru"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cluster"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/controller/application"
	"github.com/cyan-cd/cyan/internal/controller/install"
	"github.com/cyan-cd/cyan/internal/controller/rollout"
	"github.com/cyan-cd/cyan/internal/handover"
	"github.com/cyan-cd/cyan/internal/server"
	"github.com/cyan-cd/cyan/internal/source"
)

// Options say where the controllers keep what they can make again, and what they look after.
type Options struct {
	// MirrorDir holds bare mirrors of the git repositories; it may be deleted while nothing runs.
	MirrorDir string
	// RepositoryDirectories are on this machine; Applications may name repositories in them. None by default.
	RepositoryDirectories []string
	// DenyNetworks are networks that no repository is fetched from, besides those of single links.
	DenyNetworks []netip.Prefix
	// ControlNamespace is where Applications, AppProjects and their Secrets are: "argocd" when empty.
	ControlNamespace string
	// Programs are those that cluster Secrets may have run as this process; none when zero.
	Programs cluster.Programs
	// Render bounds what rendering one source costs.
	Render compare.RenderOptions
	// MetricLabels are the labels of Applications that metrics show.
	MetricLabels application.MetricLabels
	// PollEvery is the time between two looks at a repository. Zero: what timeout.reconciliation of ConfigMap argocd-cm
	// says, else 15 s.
	PollEvery time.Duration
	// RolloutInstanceID limits the Rollouts to those with this controller-instance-id label; empty: those without one.
	RolloutInstanceID string
	// Listener answers webhooks, metrics and probes. Nil: nothing is served.
	Listener net.Listener
	// API is where the page and the HTTP API are served; nowhere when its Listener is nil.
	API API
	// SkipInstall leaves the CustomResourceDefinitions as they are.
	SkipInstall bool
	// LeaderElection lets several copies of the program stand by for one another.
	LeaderElection bool
	// BesideOthers works although another program in the cluster works on the same objects.
	BesideOthers bool
	// Started is called once the caches are filled and the controllers work. It may be nil.
	Started func()
	Log     *slog.Logger
}

// DefaultControlNamespace is where existing manifests and tools expect Applications.
const DefaultControlNamespace = "argocd"

// Run runs the controllers until ctx ends.
func Run(ctx context.Context, config *rest.Config, o Options) error {
	if o.ControlNamespace == "" {
		o.ControlNamespace = DefaultControlNamespace
	}
	ctrl.SetLogger(logr.FromSlogHandler(libraryLog{o.Log.Handler()}))
	config = counted(config)
	c, err := client.New(config, client.Options{})
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	if !o.BesideOthers {
		if err := install.CheckOthers(ctx, c, o.RolloutInstanceID); err != nil {
			return err
		}
	}
	if !o.SkipInstall {
		if err := install.CRDs(ctx, config); err != nil {
			return err
		}
	}
	mgr, err := newManager(config, o)
	if err != nil {
		return err
	}
	if err := ensureNamespace(ctx, mgr.GetConfig(), o.ControlNamespace); err != nil {
		return err
	}
	git := application.NewGitMeters()
	mirrors, err := source.Open(o.MirrorDir, source.Options{LocalDirectories: o.RepositoryDirectories, DenyNetworks: o.DenyNetworks, Asked: git.Asked})
	if err != nil {
		return err
	}
	defer mirrors.Close()
	refPoller := source.NewRefPoller(mirrors, source.RefPollerOptions{Every: o.PollEvery})
	if err := addAll(ctx, mgr, o, mirrors, git, refPoller); err != nil {
		return err
	}
	if err := holdLease(ctx, mgr, install.NewLease(c, o.ControlNamespace, o.Log), o.LeaderElection); err != nil {
		return err
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running the controllers: %w", err)
	}
	return nil
}

// holdLease has the server that works hold a Lease, so that a second one notices. Copies that stand by for one another
// take it when they are elected; a server by itself takes it before anything else.
func holdLease(ctx context.Context, mgr manager.Manager, lease *install.Lease, elected bool) error {
	if !elected {
		if err := lease.Take(ctx); err != nil {
			return err
		}
		return mgr.Add(manager.RunnableFunc(lease.Keep))
	}
	return mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		if err := lease.Take(ctx); err != nil {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // the server ends
			}
			return err
		}
		return lease.Keep(ctx)
	}))
}

// newManager makes the manager. Its cache holds only the ReplicaSets, pods and events that belong to a Rollout, and the
// Leases of hand-overs, and drops what is read by nobody.
func newManager(config *rest.Config, o Options) (manager.Manager, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	ofRollouts, err := labels.NewRequirement(v1alpha1.PodHashLabel, selection.Exists, nil)
	if err != nil {
		return nil, err
	}
	handedOver, err := labels.NewRequirement(handover.Label, selection.Exists, nil)
	if err != nil {
		return nil, err
	}
	only := cache.ByObject{Label: labels.NewSelector().Add(*ofRollouts)}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme,
		Cache: cache.Options{
			DefaultTransform: cache.TransformStripManagedFields(),
			ByObject: map[client.Object]cache.ByObject{
				&appsv1.ReplicaSet{}: only, &corev1.Pod{}: only,
				&coordinationv1.Lease{}: {Label: labels.NewSelector().Add(*handedOver)},
				&corev1.Event{}:         {Field: fields.OneTermEqualSelector("involvedObject.kind", v1alpha1.RolloutKind)},
			},
		},
		// Metrics and probes are answered by the server package, together with webhooks.
		Metrics:                       metricsserver.Options{BindAddress: "0"},
		LeaderElection:                o.LeaderElection,
		LeaderElectionID:              "cyan.dev",
		LeaderElectionNamespace:       o.ControlNamespace,
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	return mgr, nil
}

// ensureNamespace makes the control namespace if it is missing.
func ensureNamespace(ctx context.Context, config *rest.Config, name string) error {
	c, err := client.New(config, client.Options{})
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	err = c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating namespace %s, where Applications live: %w", name, err)
	}
	return nil
}

// addAll adds the controllers and what they stand on to the manager.
func addAll(ctx context.Context, mgr manager.Manager, o Options, mirrors *source.Mirrors, git *application.GitMeters, refPoller *source.RefPoller) error {
	heard, err := newNotices(mgr, o, refPoller)
	if err != nil {
		return err
	}
	if err := mgr.Add(heard); err != nil {
		return err
	}
	if err := rollout.Setup(mgr, rollout.Options{InstanceID: o.RolloutInstanceID}); err != nil {
		return err
	}
	watchdog, looks := application.NewWatchdog(nil), &application.Looks{}
	err = application.Setup(mgr, application.Options{
		Mirrors: mirrors, Git: git, MetricLabels: o.MetricLabels, RefPoller: refPoller, ControlNamespace: o.ControlNamespace, Programs: o.Programs, Render: o.Render, Watchdog: watchdog, Looks: looks, Log: o.Log.With("controller", "application"),
	})
	if err != nil {
		return err
	}
	if err := mgr.Add(manager.RunnableFunc(refPoller.Run)); err != nil {
		return err
	}
	if err := mgr.Add(everywhere(func(ctx context.Context) error { return cleanMirrors(ctx, mirrors, o.Log) })); err != nil {
		return err
	}
	if err := mgr.Add(everywhere(ReturnMemory)); err != nil {
		return err
	}
	hooks := handler(mgr, o, heard, watchdog)
	if o.Listener != nil {
		if err := mgr.Add(everywhere(func(ctx context.Context) error { return server.Serve(ctx, o.Listener, hooks, o.Log) })); err != nil {
			return err
		}
	}
	if o.API.Listener != nil {
		if err := addAPI(ctx, mgr, o, hooks, mirrors, looks); err != nil {
			return err
		}
	}
	return mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		if mgr.GetCache().WaitForCacheSync(ctx) && o.Started != nil {
			o.Started()
		}
		return nil
	}))
}

// cleanMirrors removes the mirrors that nobody uses any more, once in a while.
func cleanMirrors(ctx context.Context, mirrors *source.Mirrors, log *slog.Logger) error {
	const every = time.Hour
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			removed, err := mirrors.Clean(ctx, now)
			if err != nil && ctx.Err() == nil {
				log.Warn("mirrors that nobody uses cannot be removed", "err", err)
			}
			if removed > 0 {
				log.Info("mirrors removed that nobody uses", "number", removed)
			}
		}
	}
}

// everywhere is a runnable that runs on copies that are not the leader as well.
type everywhere func(context.Context) error

func (f everywhere) Start(ctx context.Context) error { return f(ctx) }
func (everywhere) NeedLeaderElection() bool          { return false }

func handler(mgr manager.Manager, o Options, heard *notices, watchdog *application.Watchdog) http.Handler {
	secrets := &webhookSecrets{from: mgr.GetAPIReader(), namespace: o.ControlNamespace}
	seen := lru.New(maxDeliveries)
	return server.Handler(server.Options{
		Metrics: metrics.Registry,
		Open: func(header http.Header) (server.Webhook, error) {
			current, err := secrets.read()
			if err != nil {
				return nil, fmt.Errorf("%w: %w", server.ErrUnavailable, err)
			}
			hook, err := source.OpenWebhook(header, current)
			if err != nil {
				return nil, explained(err)
			}
			return &push{Webhook: hook, seen: seen, heard: heard}, nil
		},
		Alive: watchdog.Check,
		Ready: func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			if !mgr.GetCache().WaitForCacheSync(ctx) {
				return errors.New("the caches are not filled yet")
			}
			return nil
		},
		Log: o.Log,
	})
}
