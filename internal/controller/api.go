package controller

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/utils/lru"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/api"
	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/controller/application"
	"github.com/cyan-cd/cyan/internal/page"
	"github.com/cyan-cd/cyan/internal/server"
	"github.com/cyan-cd/cyan/internal/settings"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/view"
	"github.com/cyan-cd/cyan/ui"
)

// API is where the page and the HTTP API are served.
type API struct {
	Listener net.Listener
	// Certificate is the one to be served with, read anew for each connection. Nil: that of the control namespace, which
	// is made when there is none, unless the listener is reached from this machine alone.
	Certificate func() (server.KeyPair, error)
	// Insecure serves plain HTTP although others reach the listener: a proxy in front of it ends TLS.
	Insecure bool
	// Root is where the server is below its address, such as /cd; "" for what ConfigMap argocd-cmd-params-cm says.
	Root string
	// Proxies are those whose word is believed on who is behind them.
	Proxies server.Proxies
	// Version is that of the program.
	Version string
	// Serving is called once it is served, with the address and, where the first password of admin still is in force,
	// that it is. It may be nil.
	Serving func(address string, first bool)
}

// apiServer is what the API is served with.
type apiServer struct {
	API
	kept auth.ClusterObjects
	// direct reads and writes past every cache.
	direct    client.Client
	namespace string
	log       *slog.Logger
	looks     looks
	// commits reads commits of repositories; nil where there are none.
	commits func(ctx context.Context, project, repo, sha string) (source.Commit, error)
	// repository reads what a repository has.
	repository func(ctx context.Context, project, repo, revision string) (view.RepositoryTree, error)
	// names reads the branches and tags of a repository, and reach asks whether it answers.
	names func(ctx context.Context, project, repo string) (source.Names, error)
	reach func(ctx context.Context, project, repo string, with *corev1.Secret) error
	// compare compares an Application with git.
	compare func(ctx context.Context, app *v1alpha1.Application) (view.Compared, error)
	// plain is set where it is plain HTTP.
	plain bool
}

// addAPI serves the page and the HTTP API, on copies that stand by as well.
func addAPI(ctx context.Context, mgr manager.Manager, o Options, hooks http.Handler, mirrors *source.Mirrors, looks *application.Looks) error {
	config := rest.CopyConfig(mgr.GetConfig())
	config.UserAgent = v1alpha1.APIFieldManager
	direct, err := client.New(config, client.Options{Scheme: mgr.GetScheme()})
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", mgr.GetConfig().Host, err)
	}
	// Accounts, policies and their Secrets are read for each call, of the control namespace alone.
	kept, err := cache.New(mgr.GetConfig(), cache.Options{
		Mapper: &knownMappings{RESTMapper: mgr.GetRESTMapper()}, Scheme: mgr.GetScheme(), DefaultNamespaces: map[string]cache.Config{o.ControlNamespace: {}}, DefaultTransform: cache.TransformStripManagedFields(),
	})
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", mgr.GetConfig().Host, err)
	}
	if err := mgr.Add(everywhere(kept.Start)); err != nil {
		return err
	}
	s := &apiServer{API: o.API, namespace: o.ControlNamespace, log: o.Log.With("server", "api"), direct: direct}
	s.kept = auth.ClusterObjects{Client: ownWrites{direct, mgr.GetClient(), kept, o.ControlNamespace}, Cache: kept, Namespace: o.ControlNamespace}
	if err := s.configure(ctx, direct); err != nil {
		return err
	}
	feed := api.NewFeed()
	ask, err := asking(mgr.GetConfig())
	if err != nil {
		return err
	}
	if err := mgr.Add(everywhere(feeder{mgr.GetCache(), mgr.GetClient(), feed, ask}.run)); err != nil {
		return err
	}
	if s.looks, err = addLooks(mgr, o, kept); err != nil {
		return err
	}
	if mirrors != nil {
		s.compare = comparer{looks}.compare
		of := commits{mirrors, kept, o.ControlNamespace, lru.New(mostCommits)}
		s.commits, s.repository, s.names, s.reach = of.commit, of.tree, of.names, of.reach
	}
	handler, err := s.handler(mgr.GetClient(), kept, hooks, feed)
	if err != nil {
		return err
	}
	return mgr.Add(everywhere(func(ctx context.Context) error {
		if !s.prepare(ctx) {
			return nil
		}
		for _, kind := range []client.Object{&corev1.ConfigMap{}, &corev1.Secret{}, &v1alpha1.AppProject{}} {
			if _, err := kept.GetInformer(ctx, kind); err != nil {
				return fmt.Errorf("reading the accounts and policies of namespace %s: %w", o.ControlNamespace, err)
			}
		}
		return s.serve(ctx, handler)
	}))
}

// knownMappings keeps what it was asked for before. Kinds that a cache holds are asked about at each read.
type knownMappings struct {
	meta.RESTMapper
	known sync.Map
}

// RESTMapping returns how a kind is asked for.
func (m *knownMappings) RESTMapping(kind schema.GroupKind, versions ...string) (*meta.RESTMapping, error) {
	name := kind.String() + "/" + strings.Join(versions, "/")
	if known, ok := m.known.Load(name); ok {
		return known.(*meta.RESTMapping), nil //nolint:forcetypeassert // nothing else is kept
	}
	found, err := m.RESTMapper.RESTMapping(kind, versions...)
	if err == nil {
		m.known.Store(name, found)
	}
	return found, err
}

// configure takes what ConfigMap argocd-cmd-params-cm says where no flag does.
func (s *apiServer) configure(ctx context.Context, direct client.Reader) error {
	written := &corev1.ConfigMap{}
	err := direct.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: settings.ParametersName}, written)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("reading ConfigMap %s: %w", settings.ParametersName, err)
	}
	w := settings.ParseWebServer(written.Data)
	if s.Root == "" {
		s.Root = w.Root
	}
	if s.Root, err = server.CheckRoot(s.Root); err != nil {
		return fmt.Errorf("path that the page is served below: %w", err)
	}
	s.plain = s.Certificate == nil && (s.onLoopback() || s.Insecure || w.Insecure)
	if s.plain && !s.onLoopback() {
		s.log.Warn("the API is served in plain HTTP where others reach it; a proxy in front has to end TLS", "listening", s.Listener.Addr().String())
	}
	return nil
}

func (s *apiServer) onLoopback() bool {
	at, err := netip.ParseAddrPort(s.Listener.Addr().String())
	return err == nil && at.Addr().Unmap().IsLoopback()
}

func (s *apiServer) handler(applications client.Reader, kept client.Reader, hooks http.Handler, feed *api.Feed) (http.Handler, error) {
	files, err := page.New(ui.Files, s.Root+"/")
	if err != nil {
		return nil, fmt.Errorf("reading the page: %w", err)
	}
	policies := api.NewPolicies(kept, s.namespace, s.log)
	authenticator := auth.New(auth.Options{
		Objects: s.kept, Now: time.Now, Cookies: auth.Cookies{Path: s.Root + "/", Insecure: s.plain, Secure: s.Proxies.Secure}, Scopes: policies.Scopes,
	})
	authenticator.Address = func(r *http.Request) string { return auth.AddressOf(s.Proxies.Client(r)) }
	handler := api.Handler(api.Options{
		Auth: authenticator, Policies: policies, Reader: applications, Writer: s.kept.Client, Namespace: s.namespace, Version: s.Version, Root: s.Root, Log: s.log,
		Page: files, Hooks: hooks, Feed: feed, Commits: s.commits, Compare: s.compare, Repository: s.repository, Names: s.names, Reach: s.reach, Config: kept, Clusters: s.looks.clusters, Informers: s.looks.informers,
	})
	handler = server.Below(s.Root, handler)
	if s.onLoopback() {
		handler = server.OnlyHosts(handler, s.isKnown)
	}
	return handler, nil
}

// isKnown reports whether a host is that of an address that settings name.
func (s *apiServer) isKnown(r *http.Request, host string) bool {
	known, _, err := auth.Accounts{Objects: s.kept, Now: time.Now}.Settings(r.Context())
	if err != nil {
		return false
	}
	for _, written := range known.URLs {
		if u, err := url.Parse(written); err == nil && strings.EqualFold(u.Hostname(), host) {
			return true
		}
	}
	return false
}

// prepareAgain is how long it takes until what a first start needs is tried again.
const prepareAgain = 10 * time.Second

// prepare makes what a first start needs, and returns whether it has: without rights for that the controllers work all
// the same, and the log has what is missing.
func (s *apiServer) prepare(ctx context.Context) bool {
	// Nothing has filled the cache yet.
	objects := auth.ClusterObjects{Client: s.direct, Namespace: s.namespace}
	failed := ""
	return wait.PollUntilContextCancel(ctx, prepareAgain, true, func(ctx context.Context) (bool, error) {
		err := (auth.Accounts{Objects: objects, Now: time.Now}).Ensure(ctx)
		if err == nil && !s.plain && s.Certificate == nil {
			err = certificates{objects, s.Listener.Addr().String()}.ensure(ctx, time.Now())
		}
		if err != nil && ctx.Err() == nil && err.Error() != failed {
			failed = err.Error()
			s.log.Error("page and API are not served yet: what accounts need cannot be made", "namespace", s.namespace, "err", err)
		}
		return err == nil, nil
	}) == nil
}

// serve answers until ctx ends.
func (s *apiServer) serve(ctx context.Context, handler http.Handler) error {
	listener := server.Limit(s.Listener, s.Proxies)
	if !s.plain {
		current := s.Certificate
		if current == nil {
			kept := certificates{s.kept, s.Listener.Addr().String()}
			current = func() (server.KeyPair, error) { return kept.current(ctx) }
		}
		listener = server.WithTLS(listener, current)
	}
	s.warn(ctx)
	if s.Serving != nil {
		_, err := auth.Accounts{Objects: s.kept, Now: time.Now}.InitialPassword(ctx)
		s.Serving(s.address(), err == nil)
	}
	return server.Serve(ctx, listener, handler, s.log)
}

// warn names what settings have about log-ins that is invalid or not served.
func (s *apiServer) warn(ctx context.Context) {
	_, found, err := auth.Accounts{Objects: s.kept, Now: time.Now}.Settings(ctx)
	if err != nil {
		s.log.Error("settings of accounts cannot be read", "err", err)
	}
	for _, f := range found {
		s.log.Warn("settings of accounts", "problem", f)
	}
}

// address returns where people open the page.
func (s *apiServer) address() string {
	scheme, at := "https", s.Listener.Addr().String()
	if s.plain {
		scheme = "http"
	}
	if host, port, err := net.SplitHostPort(at); err == nil {
		if address, err := netip.ParseAddr(host); err == nil && address.IsUnspecified() {
			at = net.JoinHostPort("localhost", port)
		}
	}
	return scheme + "://" + at + s.Root + "/"
}
