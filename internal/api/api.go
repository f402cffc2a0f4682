package api

import (
	"log/slog"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/page"
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
	// Log gets the audit lines, and may be nil.
	Log *slog.Logger
	// Page are the files of the page; nil: there is none.
	Page *page.Page
}

// service is what the calls share.
type service struct {
	Options
	auth *auth.Authenticator
	log  *slog.Logger
	api  huma.API
}

// Handler serves the API below /api and the page elsewhere, with the headers that guard browsers. What another site has
// a browser send is refused.
func Handler(o Options) http.Handler {
	calls, _ := build(o)
	site := http.NewServeMux()
	site.Handle("/api/", calls)
	calls.HandleFunc("/api/", absent)
	site.HandleFunc("/auth/", absent)
	site.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	var scripts []string
	if o.Page != nil {
		site.Handle("/", o.Page)
		scripts = o.Page.Scripts
	}
	return auth.Headers(auth.SameOrigin(site), scripts...)
}

// absent answers for a call that there is not, as a call answers.
func absent(w http.ResponseWriter, r *http.Request) {
	writeError(w, newError(http.StatusNotFound, codeNotFound, "path "+strconv.Quote(r.URL.Path)+": not found; see /api/openapi.json for the calls"))
}

// Document returns the OpenAPI document of the calls, as JSON.
func Document() ([]byte, error) {
	_, api := build(Options{})
	return api.OpenAPI().MarshalJSON()
}

func build(o Options) (*http.ServeMux, huma.API) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	huma.NewError = invalid
	mux := http.NewServeMux()
	config := huma.DefaultConfig("Cyan", "v1")
	config.DocsPath, config.SchemasPath, config.CreateHooks, config.OpenAPIPath = "", "", nil, "/api/openapi"
	s := &service{Options: o, auth: o.Auth, log: o.Log, api: humago.New(mux, config)}
	s.api.UseMiddleware(withRequest)
	sessions{s}.register()
	applications{s}.register()
	operations{s}.register()
	return mux, s.api
}
