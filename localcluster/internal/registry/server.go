// Package registry is the cluster's image registry: it keeps what is pushed to it in files, and fetches what it does
// not hold from the registry that an image's name points to. Whatever host a name carries, its path is looked up here
// first.
package registry

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem" // the only storage that is used
	"github.com/sirupsen/logrus"

	"github.com/cyan-cd/cyan/localcluster/internal/config"
)

// Server answers the registry API.
type Server struct {
	// gate is held while images are removed: no other request is answered meanwhile.
	gate sync.RWMutex
	// open makes local, which remembers what it has seen: anew when images were removed. What it does by the way ends
	// with close.
	open   func() (http.Handler, context.CancelFunc)
	local  http.Handler
	close  context.CancelFunc
	pushed pushed
	pushes pushes
	mirror *mirror
}

// New makes a registry that keeps its files under root, and fetches from others as their settings say. It serves
// everybody: Serve asks for credentials before it.
func New(ctx context.Context, root string, others config.Settings) *Server {
	config := &configuration.Configuration{
		Version: configuration.CurrentVersion,
		Storage: configuration.Storage{
			"filesystem": configuration.Parameters{"rootdirectory": pushedDir(root)},
			"delete":     configuration.Parameters{"enabled": true},
			"cache":      configuration.Parameters{"blobdescriptor": "inmemory"},
		},
	}
	config.Log.AccessLog.Disabled = true
	config.HTTP.Secret = rand.Text() // signs the state of uploads, which end with this process
	config.Log.Level = "warn"
	config.Catalog.MaxEntries = 1000
	// An archive often holds one platform of an index that lists many.
	config.Validation.Manifests.Indexes.Platforms = "none"
	logrus.SetLevel(logrus.WarnLevel)
	logrus.SetFormatter(withoutNotFound{&logrus.TextFormatter{DisableColors: true}})
	open := func() (http.Handler, context.CancelFunc) {
		ctx, end := context.WithCancel(ctx)
		return handlers.NewApp(ctx, config), end
	}
	local, end := open()
	return &Server{open: open, local: local, close: end, pushed: openPushed(ctx, root), mirror: newMirror(filepath.Join(root, "fetched"), others)}
}

// withoutNotFound leaves out what is no error: clients ask for what may not be here all the time.
type withoutNotFound struct{ logrus.Formatter }

func (q withoutNotFound) Format(entry *logrus.Entry) ([]byte, error) {
	if entry.Data["http.response.status"] == http.StatusNotFound {
		return nil, nil
	}
	return q.Formatter.Format(entry)
}

// ServeHTTP answers a read from the first name under which the image is held here; then from where its name points to.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, adminPath) {
		s.serveAdmin(w, r)
		return
	}
	s.gate.RLock()
	defer s.gate.RUnlock()
	s.pushes.note(r, time.Now())
	defer s.pushes.arrived(r)()
	read, ok := parseRead(r)
	if !ok {
		s.local.ServeHTTP(w, r)
		return
	}
	for _, name := range LocalNames(read.name) {
		if s.holds(r, read.under(name)) {
			s.local.ServeHTTP(w, withPath(r, read.under(name)))
			return
		}
	}
	if host := r.URL.Query().Get("ns"); host != "" && s.mirror.serve(w, r, host, read) {
		return
	}
	s.local.ServeHTTP(w, r)
}

// holds asks the local registry without telling the client.
func (s *Server) holds(r *http.Request, path string) bool {
	probe := withPath(r, path)
	probe.Method = http.MethodHead
	var answer statusRecorder
	s.local.ServeHTTP(&answer, probe)
	return answer.code == http.StatusOK || answer.code == http.StatusTemporaryRedirect
}

func withPath(r *http.Request, path string) *http.Request {
	clone := r.Clone(r.Context())
	clone.URL.Path, clone.URL.RawPath = path, ""
	clone.RequestURI = clone.URL.RequestURI()
	return clone
}

// statusRecorder keeps the status of an answer and forgets the rest.
type statusRecorder struct {
	header http.Header
	code   int
}

func (s *statusRecorder) Header() http.Header {
	if s.header == nil {
		s.header = http.Header{}
	}
	return s.header
}

func (s *statusRecorder) WriteHeader(code int) {
	if s.code == 0 {
		s.code = code
	}
}

func (s *statusRecorder) Write(b []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	return len(b), nil
}

// read is a request for a manifest or a blob.
type read struct {
	name string
	// kind is "manifests" or "blobs".
	kind string
	// reference is a tag or a digest.
	reference string
}

func (r read) under(name string) string { return "/v2/" + name + "/" + r.kind + "/" + r.reference }

func parseRead(r *http.Request) (read, bool) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return read{}, false
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/v2/")
	if !ok {
		return read{}, false
	}
	for _, kind := range []string{"manifests", "blobs"} {
		at := strings.LastIndex(path, "/"+kind+"/")
		if at <= 0 {
			continue
		}
		reference := path[at+len(kind)+2:]
		if reference == "" || strings.Contains(reference, "/") {
			continue // an upload
		}
		return read{name: path[:at], kind: kind, reference: reference}, true
	}
	return read{}, false
}

// LocalNames are the names under which an image may have been pushed: short names are those of Docker Hub's library.
func LocalNames(name string) []string {
	if short, ok := strings.CutPrefix(name, "library/"); ok {
		return []string{name, short}
	}
	if !strings.Contains(name, "/") {
		return []string{name, "library/" + name}
	}
	return []string{name}
}

// Serve answers on all listeners, and whoever has the account, until it is told to stop by SIGTERM or SIGINT.
func Serve(root string, account Account, others config.Settings, listeners []net.Listener) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	server := &http.Server{Handler: account.guard(New(ctx, root, others)), ReadHeaderTimeout: 30 * time.Second}
	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { ended <- server.Serve(l) }()
	}
	select {
	case err := <-ended:
		return fmt.Errorf("serving images: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = server.Shutdown(drain) // who still downloads tries again
	return nil
}
