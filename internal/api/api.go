package api

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/informer"
	"github.com/cyan-cd/cyan/internal/page"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/view"
)

// Options are what the API needs. All but Log are.
type Options struct {
	Auth *auth.Authenticator
	// Policies are who may do what.
	Policies *Policies
	// Reader reads Applications from a cache.
	Reader client.Reader
	// Writer writes.
	Writer client.Client
	// Namespace is the control namespace.
	Namespace string
	// Version is that of the program.
	Version string
	// Root is the path that all is below, such as /cd; "" for none.
	Root string
	// Config reads ConfigMaps, Secrets and AppProjects of the control namespace, from a cache.
	Config client.Reader
	// Clusters are those that Applications go to, and Informers watch what is looked at there.
	Clusters  *informer.Clusters
	Informers *informer.Informers
	// Commits reads a commit of a repository, with what a project has that opens it; nil: there are none to read.
	Commits func(ctx context.Context, project, repo, sha string) (source.Commit, error)
	// Repository returns what a repository has at a revision, with what a project has that opens it; nil: nothing does.
	Repository func(ctx context.Context, project, repo, revision string) (view.RepositoryTree, error)
	// Names returns the branches and tags of a repository, with what a project has that opens it; nil: nothing does.
	Names func(ctx context.Context, project, repo string) (source.Names, error)
	// Reach asks a repository whether it answers now, with what a project has that opens it, or with what a Secret has
	// that is kept nowhere; nil: nothing does.
	Reach func(ctx context.Context, project, repo string, with *corev1.Secret) error
	// Compare compares an Application, which need not be there yet, with git and the revision of its operation; nil:
	// nothing does.
	Compare func(ctx context.Context, app *v1alpha1.Application) (view.Compared, error)
	// JudgeEvery is the time between two looks at whether who reads a stream still may: 5 s when zero.
	JudgeEvery time.Duration
	// Log gets the audit lines, and may be nil.
	Log *slog.Logger
	// Page are the files of the page; nil: there is none.
	Page *page.Page
	// Feed knows what changes; nil: nothing does.
	Feed *Feed
	// Hooks answers POST /api/webhook and GET /healthz; nil: they are answered elsewhere.
	Hooks http.Handler
}

// service is what the calls share.
type service struct {
	Options
	auth *auth.Authenticator
	log  *slog.Logger
	api  huma.API
	// refusals bounds the lines about what is refused.
	refusals *refusals
	// snapshots are the details of the Applications that somebody looks at, and readers counts those who read streams.
	snapshots *snapshots
	readers   *readers
	// connections are the answers of repositories.
	connections *connections
}

// Handler serves the API below /api and the page elsewhere, with the headers that guard browsers. What another site has
// a browser send is refused.
func Handler(o Options) http.Handler {
	s, calls := assemble(o)
	calls.HandleFunc("/api/", absent)
	refuse(calls, unserved)
	own := http.NewServeMux()
	refuse(own, unservedPaths)
	own.Handle("/api/", calls)
	own.HandleFunc("/auth/", absent)
	flows{s}.register(own)
	var scripts []string
	if o.Page != nil {
		own.Handle("/", o.Page)
		scripts = o.Page.Scripts
	}
	site := http.NewServeMux()
	site.Handle("/", auth.SameOrigin(own, s.refusedUnread))
	if o.Hooks != nil {
		// git hosts are no browsers: what they send is believed by its signature.
		site.Handle("/api/webhook", o.Hooks)
		site.Handle("/healthz", o.Hooks)
	}
	return auth.Headers(refuseGRPC(site), scripts...)
}

// absent answers for a call that there is not, as a call answers.
func absent(w http.ResponseWriter, r *http.Request) {
	writeError(w, newError(http.StatusNotFound, codeNotFound, "path "+strconv.Quote(r.URL.Path)+": not found; see /api/openapi.json for the calls"))
}

// Document returns the OpenAPI document of the calls, as JSON.
func Document() ([]byte, error) {
	return build().OpenAPI().MarshalJSON()
}

// build registers all calls, of a server that has nothing.
func build() huma.API {
	s, _ := assemble(Options{})
	return s.api
}

// assemble registers all calls.
func assemble(o Options) (*service, *http.ServeMux) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Feed == nil {
		o.Feed = NewFeed()
	}
	huma.NewError = invalid
	// Lists are never null.
	huma.DefaultArrayNullable = false
	mux := http.NewServeMux()
	config := huma.DefaultConfig("Cyan", "v1")
	config.DocsPath, config.SchemasPath, config.CreateHooks, config.OpenAPIPath = "", "", nil, "/api/openapi"
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "a token of an account, of a project's role, or of the issuer"},
		"cookie": {Type: "apiKey", In: "cookie", Name: "argocd.token", Description: "the session of a browser"},
	}
	config.Info.License = &huma.License{Name: "Apache License 2.0", Identifier: "Apache-2.0"}
	config.Servers = []*huma.Server{{URL: cmp.Or(o.Root, "/"), Description: "where `cyan server` is, with its --root-path"}}
	config.Security = []map[string][]string{{"bearer": {}}, {"cookie": {}}}
	s := &service{Options: o, auth: o.Auth, log: o.Log, api: humago.New(mux, config), refusals: newRefusals(o.Log), readers: &readers{of: map[string]int{}}}
	s.snapshots = &snapshots{viewed: viewed{s}, of: map[subject]*snapshot{}}
	s.connections = newConnections(nil)
	if o.Reach != nil {
		s.connections.reach = func(ctx context.Context, project, repo string) error { return o.Reach(ctx, project, repo, nil) }
	}
	s.api.UseMiddleware(s.admit)
	sessions{s}.register()
	accountCalls{s}.register()
	settingsCalls{s}.register()
	applications{s}.register()
	operations{s}.register()
	handOvers{s}.register()
	viewed{s}.register()
	rollouts{viewed{s}}.register()
	details{viewed{s}}.register()
	deliveries{viewed{s}}.register()
	compared := newComparisons(s)
	compared.register()
	managed{compared}.register()
	configurations{s, &examined{}}.register()
	explanations{s}.register()
	repositoryTrees{looked{s}}.register()
	streams{viewed{s}, newRowMemo(), newOverviews()}.register()
	registerLooks(s)
	plainPaths(s.api.OpenAPI())
	return s, mux
}

// plainPaths writes a parameter that takes the rest of a path as OpenAPI has parameters: it knows none that does.
func plainPaths(document *huma.OpenAPI) {
	for path, item := range document.Paths {
		if plain := strings.ReplaceAll(path, "...}", "}"); plain != path {
			delete(document.Paths, path)
			document.Paths[plain] = item
		}
	}
}
