package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/cyan-cd/cyan/localcluster/internal/config"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

const (
	dialTimeout = 5 * time.Second
	// unreachableFor is how long a registry that could not be reached is not asked again.
	unreachableFor = 10 * time.Second
)

// mirror fetches images from other registries and keeps them. What it keeps is found by digest; a tag is asked for anew
// every time, and its last answer is used when the registry cannot be reached.
type mirror struct {
	root      string
	transport http.RoundTripper
	// others say where to fetch from, and as whom.
	others config.Settings

	mu          sync.Mutex
	unreachable map[string]time.Time
}

func newMirror(root string, others config.Settings) *mirror {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{Timeout: dialTimeout}).DialContext
	transport.TLSHandshakeTimeout = dialTimeout
	transport.ResponseHeaderTimeout = 30 * time.Second
	return &mirror{root: root, transport: transport, others: others, unreachable: map[string]time.Time{}}
}

// serve answers from another registry, and reports whether it could.
func (m *mirror) serve(w http.ResponseWriter, r *http.Request, host string, want read) bool {
	repo, err := name.NewRepository(host+"/"+want.name, m.insecureOption(host)...)
	if err != nil {
		return false
	}
	if want.kind == "manifests" {
		err = m.serveManifest(w, r, repo, want.reference)
	} else {
		err = m.serveBlob(w, r, repo, want.reference)
	}
	if err != nil {
		slog.Warn("image is not here and could not be fetched", "image", repo.Name(), "reference", want.reference, "cause", err.Error())
	}
	return err == nil
}

// insecureOption allows plain HTTP to registries of this machine, and to those of which the settings say so.
func (m *mirror) insecureOption(host string) []name.Option {
	if m.others.Registries[host].PlainHTTP {
		return []name.Option{name.Insecure}
	}
	h, _, err := net.SplitHostPort(host)
	if err != nil {
		h = host
	}
	if ip := net.ParseIP(h); h == "localhost" || ip != nil && ip.IsLoopback() {
		return []name.Option{name.Insecure}
	}
	return nil
}

// manifest is a manifest as it is kept.
type manifest struct {
	MediaType types.MediaType `json:"mediaType"`
	Digest    string          `json:"digest"`
	Body      []byte          `json:"body"`
}

func (m *mirror) serveManifest(w http.ResponseWriter, r *http.Request, repo name.Repository, reference string) error {
	found, err := m.manifest(r.Context(), repo, reference)
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", string(found.MediaType))
	header.Set("Docker-Content-Digest", found.Digest)
	header.Set("Content-Length", strconv.Itoa(len(found.Body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(found.Body)
	}
	return nil
}

func (m *mirror) manifest(ctx context.Context, repo name.Repository, reference string) (manifest, error) {
	var ref name.Reference = repo.Tag(reference)
	if strings.Contains(reference, ":") {
		ref = repo.Digest(reference)
	}
	kept := m.manifestFile(repo, reference)
	if _, byDigest := ref.(name.Digest); byDigest {
		if found, err := readManifest(kept); err == nil {
			return found, nil
		}
	}
	var fetched *remote.Descriptor
	err := m.askAll(repo, func(from name.Repository) (err error) {
		var wanted name.Reference = from.Tag(reference)
		if _, byDigest := ref.(name.Digest); byDigest {
			wanted = from.Digest(reference)
		}
		fetched, err = remote.Get(wanted, m.options(ctx)...)
		return err
	})
	if err != nil {
		if found, reading := readManifest(kept); reading == nil {
			return found, nil
		}
		return manifest{}, err
	}
	found := manifest{MediaType: fetched.MediaType, Digest: fetched.Digest.String(), Body: fetched.Manifest}
	for _, file := range []string{kept, m.manifestFile(repo, found.Digest)} {
		if err := keepManifest(file, found); err != nil {
			return manifest{}, err
		}
	}
	return found, nil
}

func (m *mirror) serveBlob(w http.ResponseWriter, r *http.Request, repo name.Repository, digest string) error {
	hash, err := v1.NewHash(digest)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Docker-Content-Digest", digest)
	file := filepath.Join(m.root, "blobs", hash.Algorithm, hash.Hex)
	if m.sendFile(w, r, file) {
		return nil
	}
	var layer v1.Layer
	var size int64
	err = m.askAll(repo, func(from name.Repository) (err error) {
		if layer, err = remote.Layer(from.Digest(digest), m.options(r.Context())...); err == nil {
			size, err = layer.Size()
		}
		return err
	})
	if err != nil {
		return err
	}
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		return nil
	}
	content, err := layer.Compressed() // checks the digest at its end
	if err != nil {
		return err
	}
	defer content.Close()
	if r.Header.Get("Range") != "" {
		if err := keepBlob(file, content, io.Discard); err != nil {
			return err
		}
		m.sendFile(w, r, file)
		return nil
	}
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	if err := keepBlob(file, content, w); err != nil {
		slog.Warn("fetching a layer broke off", "image", repo.Name(), "layer", digest, "cause", err.Error())
		panic(http.ErrAbortHandler) // part of it is sent: the client has to notice
	}
	return nil
}

func (m *mirror) sendFile(w http.ResponseWriter, r *http.Request, file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	http.ServeContent(w, r, "", time.Time{}, f)
	return true
}

// keepBlob copies content to w and to file; the file appears only when it is whole.
func keepBlob(file string, content io.Reader, w io.Writer) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("keeping a layer: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".new-*")
	if err != nil {
		return fmt.Errorf("keeping a layer: %w", err)
	}
	defer os.Remove(tmp.Name()) // fails once it has been renamed
	_, err = io.Copy(io.MultiWriter(w, tmp), content)
	if closing := tmp.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("keeping a layer: %w", err)
	}
	return nil
}

// askAll runs a request for a repository at the mirrors of its registry, in their order, and at the registry itself,
// until one answers.
func (m *mirror) askAll(repo name.Repository, request func(from name.Repository) error) error {
	var errs []error
	for _, url := range m.others.Mirrors[repo.RegistryStr()] {
		scheme, host, _ := strings.Cut(url, "://")
		options := m.insecureOption(host)
		if scheme == "http" {
			options = []name.Option{name.Insecure}
		}
		from, err := name.NewRepository(host+"/"+repo.RepositoryStr(), options...)
		if err == nil {
			err = m.ask(from, func() error { return request(from) })
		}
		if err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("mirror %s: %w", url, err))
	}
	err := m.ask(repo, func() error { return request(repo) })
	if err == nil {
		return nil
	}
	return errors.Join(append(errs, err)...)
}

// ask runs a request unless the registry could not be reached a moment ago.
func (m *mirror) ask(repo name.Repository, request func() error) error {
	host := repo.RegistryStr()
	m.mu.Lock()
	since, bad := m.unreachable[host]
	m.mu.Unlock()
	if bad && time.Since(since) < unreachableFor {
		return fmt.Errorf("%s: not reached a moment ago", host)
	}
	err := request()
	var network *net.OpError
	var dns *net.DNSError
	m.mu.Lock()
	defer m.mu.Unlock()
	if errors.As(err, &network) || errors.As(err, &dns) {
		m.unreachable[host] = time.Now()
	} else {
		delete(m.unreachable, host)
	}
	return err
}

func (m *mirror) options(ctx context.Context) []remote.Option {
	return []remote.Option{
		remote.WithContext(ctx), remote.WithTransport(m.transport), remote.WithAuthFromKeychain(m.others),
		remote.WithRetryPredicate(func(error) bool { return false }),
	}
}

func (m *mirror) manifestFile(repo name.Repository, reference string) string {
	return filepath.Join(m.root, "manifests", strings.ReplaceAll(repo.Name(), ":", "_"), strings.ReplaceAll(reference, ":", "_")+".json")
}

func readManifest(file string) (manifest, error) {
	var found manifest
	data, err := os.ReadFile(file)
	if err != nil {
		return found, err
	}
	return found, json.Unmarshal(data, &found)
}

func keepManifest(file string, found manifest) error {
	data, err := json.Marshal(found)
	if err != nil {
		return fmt.Errorf("keeping a manifest: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("keeping a manifest: %w", err)
	}
	return state.WriteFile(file, data, 0o600)
}
