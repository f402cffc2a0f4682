package registry

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
)

const (
	// adminPath is where the registry lists and removes images, which its API for clients cannot.
	adminPath   = "/cyan/"
	imagesPath  = adminPath + "images"
	removalPath = adminPath + "removals"
	// underWayFor is how long a blob counts as part of a push that has not come to its manifest.
	underWayFor = 15 * time.Minute
	// mostPushes is how many blobs of such pushes are remembered.
	mostPushes = 10_000
	maxRemoval = 1 << 20
	// maxManifest is what the registry itself takes for a manifest at most.
	maxManifest = 4 << 20
	// lockLimit is how long a removal waits for a moment without requests.
	lockLimit = 20 * time.Second
)

// pushes are the blobs that clients have pushed, or asked for in order not to push them, lately.
type pushes struct {
	mu   sync.Mutex
	seen map[digest.Digest]time.Time
}

// note remembers the blob that a request of a push is about.
func (p *pushes) note(r *http.Request, now time.Time) {
	var text string
	switch {
	case r.Method == http.MethodHead && strings.Contains(r.URL.Path, "/blobs/"):
		text = r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	case r.Method == http.MethodPut || r.Method == http.MethodPost:
		text = cmp.Or(r.URL.Query().Get("digest"), r.URL.Query().Get("mount"))
	}
	d, err := digest.Parse(text)
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil || len(p.seen) >= mostPushes {
		p.seen = map[digest.Digest]time.Time{}
	}
	p.seen[d] = now
}

// arrived reads the manifest that a request brings, and returns what forgets the blobs that it refers to.
func (p *pushes) arrived(r *http.Request) func() {
	if r.Method != http.MethodPut || !strings.Contains(r.URL.Path, "/manifests/") {
		return func() {}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxManifest))
	rest := r.Body
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), rest), rest}
	if err != nil {
		return func() {}
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, reference := range describe("", manifest{Body: body}).references {
			delete(p.seen, reference.Digest)
		}
	}
}

// underWay returns the blobs of pushes that may still come to their manifest.
func (p *pushes) underWay(now time.Time) map[digest.Digest]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := map[digest.Digest]bool{}
	for d, at := range p.seen {
		if now.Sub(at) > underWayFor {
			delete(p.seen, d)
			continue
		}
		found[d] = true
	}
	return found
}

// serveAdmin lists images, and removes them.
func (s *Server) serveAdmin(w http.ResponseWriter, r *http.Request) {
	var answer any
	var err error
	switch r.Method + " " + r.URL.Path {
	case "GET " + imagesPath:
		s.gate.RLock()
		answer, err = s.images(r.Context())
		s.gate.RUnlock()
	case "POST " + removalPath:
		var removals []Removal
		if err = json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRemoval)).Decode(&removals); err == nil {
			answer, err = s.remove(r.Context(), removals, time.Now())
		}
	default:
		http.NotFound(w, r)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// images are those that were pushed, and those that were fetched from elsewhere.
func (s *Server) images(ctx context.Context) ([]Image, error) {
	all, err := s.pushed.manifests(ctx)
	if err != nil {
		return nil, err
	}
	images := imagesOf(all)
	fetched, err := s.mirror.manifests()
	if err != nil {
		return nil, err
	}
	var list []held
	for _, k := range s.mirror.present(fetched) {
		list = append(list, k.held)
	}
	for _, image := range imagesOf(list) {
		image.Fetched = true
		images = append(images, image)
	}
	return images, nil
}

// removedAnswer is what a removal has come to.
type removedAnswer struct {
	Freed int64 `json:"freed"`
}

// lock waits until no request is answered. It lets others begin meanwhile: some last for minutes.
func (s *Server) lock(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lockLimit)
	defer cancel()
	for !s.gate.TryLock() {
		select {
		case <-ctx.Done():
			return errors.New("images are being pulled or pushed all the time; try again when that is over")
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// remove takes images away, and then every blob that no image refers to.
func (s *Server) remove(ctx context.Context, removals []Removal, now time.Time) (removedAnswer, error) {
	if err := s.lock(ctx); err != nil {
		return removedAnswer{}, err
	}
	defer s.gate.Unlock()
	before, err := s.pushed.manifests(ctx)
	if err != nil {
		return removedAnswer{}, err
	}
	underWay := s.pushes.underWay(now)
	for _, what := range removals {
		if what.Fetched {
			err = s.mirror.remove(what)
		} else {
			err = s.pushed.remove(ctx, what, before)
		}
		if err != nil {
			return removedAnswer{}, err
		}
	}
	// What it remembers of blobs may be gone after this.
	defer func() {
		s.close()
		s.local, s.close = s.open()
	}()
	pushed, err := s.pushed.sweep(ctx, underWay)
	if err != nil {
		return removedAnswer{pushed}, err
	}
	fetched, err := s.mirror.sweep()
	return removedAnswer{pushed + fetched}, err
}

// Images returns what the registry at address holds.
func Images(ctx context.Context, address string, account Account) ([]Image, error) {
	var images []Image
	err := ask(ctx, address, account, http.MethodGet, imagesPath, nil, &images)
	return images, err
}

// Remove has the registry at address remove images, and returns how many bytes of disk that has freed.
func Remove(ctx context.Context, address string, account Account, removals []Removal) (freed int64, err error) {
	body, err := json.Marshal(removals)
	if err != nil {
		return 0, fmt.Errorf("encoding what is to be removed: %w", err)
	}
	var answer removedAnswer
	err = ask(ctx, address, account, http.MethodPost, removalPath, body, &answer)
	return answer.Freed, err
}

func ask(ctx context.Context, address string, account Account, method, path string, body []byte, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+address+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	account.Authorize(request)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking the registry: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
		return fmt.Errorf("asking the registry: %w", errors.New(cmp.Or(strings.TrimSpace(string(text)), response.Status)))
	}
	return json.NewDecoder(response.Body).Decode(into)
}

// Names are those by which people know an image: each tag, or the digest where there is none.
func (i Image) Names() []string {
	var names []string
	for _, tag := range i.Tags {
		names = append(names, i.Repository+":"+tag)
	}
	if len(names) == 0 {
		names = []string{i.Repository + "@" + i.Digest}
	}
	slices.Sort(names)
	return names
}
