// Package gitserver serves bare git repositories over HTTP: git's own http-backend does the work, this package stands
// in front of it with names, authentication and a notice of each push. The demo and the tests use it.
package gitserver

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Options of New. The zero value lets everybody read and push, which is meant for 127.0.0.1.
type Options struct {
	// Users are names → passwords. When there are any, a push needs one of them, and so does reading unless PublicRead
	// is set.
	Users      map[string]string
	PublicRead bool
	// OnPush is told after each push that changed something; it must not block for long. It may be nil.
	OnPush func(Push)
	// MaxRequest bounds the size of a push, in bytes; 1 GiB when zero.
	MaxRequest int64
	// Log may be nil.
	Log *slog.Logger
}

// Push is what one push changed.
type Push struct {
	// Repository is the name that it was created under, without .git.
	Repository string
	// Refs are ref names → new commits, "" for a ref that was deleted.
	Refs map[string]string
}

// Server is an http.Handler. Repositories are at /NAME.git, or /NAME.
type Server struct {
	dir     string
	opts    Options
	git     string
	backend string

	mu   sync.Mutex
	seen map[string]map[string]string
}

// New serves the bare repositories in dir, which is made when it is missing.
func New(dir string, opts Options) (*Server, error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, errors.New("the git program is needed and not on the PATH: install git")
	}
	out, err := exec.Command(git, "--exec-path").Output()
	if err != nil {
		return nil, fmt.Errorf("asking git where its programs are: %w", err)
	}
	backend := filepath.Join(strings.TrimSpace(string(out)), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		return nil, fmt.Errorf("git's HTTP server %s is missing: install the whole of git", backend)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("opening the repositories: %w", err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("opening the repositories: %w", err)
	}
	if opts.MaxRequest <= 0 {
		opts.MaxRequest = 1 << 30
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{dir: dir, opts: opts, git: git, backend: backend, seen: map[string]map[string]string{}}, nil
}

var (
	repositoryName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$`)
	// request is a path of git's smart protocol; the dumb one, which would hand out files, is not served.
	request = regexp.MustCompile(`^/(.+?)(?:\.git)?/(info/refs|git-upload-pack|git-receive-pack)$`)
)

// Path is where the bare repository of that name is, or will be.
func (s *Server) Path(name string) string {
	return filepath.Join(s.dir, filepath.FromSlash(strings.TrimSuffix(name, ".git"))+".git")
}

// Create makes an empty bare repository whose HEAD is main, unless it exists, and returns its path.
func (s *Server) Create(name string) (string, error) {
	name = strings.TrimSuffix(name, ".git")
	if !repositoryName.MatchString(name) {
		return "", fmt.Errorf("creating the repository %q: a name has letters, digits, '.', '_', '-' and '/'", name)
	}
	path := s.Path(name)
	if _, err := os.Stat(filepath.Join(path, "HEAD")); err == nil {
		return path, nil
	}
	cmd := exec.Command(s.git, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", "--", path)
	cmd.Env = environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("creating the repository %q: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return path, nil
}

// ServeHTTP answers git clients.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m := request.FindStringSubmatch(r.URL.Path)
	if m == nil || !repositoryName.MatchString(m[1]) {
		http.Error(w, "git repositories are at /NAME.git", http.StatusNotFound)
		return
	}
	name, service := m[1], m[2]
	if service == "info/refs" {
		service = r.URL.Query().Get("service")
	}
	user, ok := s.allowed(r, service)
	if !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="git", charset="UTF-8"`)
		http.Error(w, "user name and password are needed", http.StatusUnauthorized)
		return
	}
	if service != "git-upload-pack" && service != "git-receive-pack" {
		http.Error(w, "only git's smart protocol is served: use a git of 2010 or later", http.StatusForbidden)
		return
	}
	if _, err := os.Stat(filepath.Join(s.Path(name), "HEAD")); err != nil {
		http.Error(w, "repository "+name+": not found", http.StatusNotFound)
		return
	}
	push := m[2] == "git-receive-pack"
	if push {
		s.remember(name)
	}
	done, err := spool(w, r, s.opts.MaxRequest)
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	defer done()
	s.handler(name, m[2], user, r).ServeHTTP(w, r)
	if push {
		s.notify(name)
	}
}

// allowed reports whether the request may use the service, and as whom.
func (s *Server) allowed(r *http.Request, service string) (user string, ok bool) {
	if len(s.opts.Users) == 0 {
		return "anonymous", true
	}
	user, password, given := r.BasicAuth()
	if given {
		want, known := s.opts.Users[user]
		if subtle.ConstantTimeCompare([]byte(want), []byte(password)) == 1 && known {
			return user, true
		}
		return "", false
	}
	return "anonymous", s.opts.PublicRead && service == "git-upload-pack"
}

// handler runs git http-backend for one request.
func (s *Server) handler(name, action, user string, r *http.Request) http.Handler {
	env := append(environment(),
		"GIT_PROJECT_ROOT="+s.dir, "GIT_HTTP_EXPORT_ALL=1", "PATH_INFO=/"+name+".git/"+action, "REMOTE_USER="+user,
		"GIT_PROTOCOL="+r.Header.Get("Git-Protocol"))
	settings := [][2]string{
		{"http.receivepack", "true"}, {"http.uploadpack", "true"}, {"safe.directory", "*"}, {"core.hooksPath", os.DevNull}, {"gc.auto", "0"}, {"receive.autogc", "false"},
		{"transfer.advertiseObjectInfo", "false"}, {"uploadpack.allowFilter", "true"}, {"uploadpack.allowAnySHA1InWant", "true"},
	}
	env = append(env, "GIT_CONFIG_COUNT="+strconv.Itoa(len(settings)))
	for i, kv := range settings {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, kv[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, kv[1]))
	}
	return &cgi.Handler{Path: s.backend, Dir: s.dir, Root: "/", Env: env, Stderr: &logWriter{s.opts.Log, name}}
}

func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.DevNull, "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull}
}

// spool stores a body of unknown length, because CGI needs its length.
func spool(w http.ResponseWriter, r *http.Request, limit int64) (done func(), err error) {
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	if r.ContentLength >= 0 {
		return func() {}, nil
	}
	f, err := os.CreateTemp("", "cyan-push-")
	if err != nil {
		return nil, fmt.Errorf("taking the push: %w", err)
	}
	done = func() {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}
	size, err := io.Copy(f, r.Body)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		done()
		return nil, fmt.Errorf("taking the push: %w", err)
	}
	r.Body, r.ContentLength, r.TransferEncoding = f, size, nil
	return done, nil
}

// remember notes the refs before a push, so that its notice can tell what changed.
func (s *Server) remember(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[name] == nil {
		s.seen[name] = s.refs(name)
	}
}

// notify reports what changed since the last call.
func (s *Server) notify(name string) {
	s.mu.Lock()
	now := s.refs(name)
	changed := map[string]string{}
	for ref, sha := range now {
		if s.seen[name][ref] != sha {
			changed[ref] = sha
		}
	}
	for ref := range s.seen[name] {
		if _, ok := now[ref]; !ok {
			changed[ref] = ""
		}
	}
	s.seen[name] = now
	s.mu.Unlock()
	if len(changed) > 0 && s.opts.OnPush != nil {
		s.opts.OnPush(Push{Repository: name, Refs: changed})
	}
}

func (s *Server) refs(name string) map[string]string {
	cmd := exec.Command(s.git, "--git-dir", s.Path(name), "for-each-ref", "--format=%(objectname) %(refname)")
	cmd.Env = environment()
	out, err := cmd.Output()
	if err != nil {
		s.opts.Log.Warn("refs cannot be listed", "repository", name, "err", err)
		return nil
	}
	refs := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if sha, ref, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			refs[ref] = sha
		}
	}
	return refs
}

// logWriter passes on what the backend complains of.
type logWriter struct {
	log  *slog.Logger
	name string
}

func (l *logWriter) Write(p []byte) (int, error) {
	l.log.Debug("git http-backend", "repository", l.name, "said", string(bytes.TrimSpace(p)))
	return len(p), nil
}
