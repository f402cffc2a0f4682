package registry

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/cyan-cd/cyan/localcluster/internal/config"
)

// shelf is a registry under test.
type shelf struct {
	t       *testing.T
	root    string
	address string
	server  *Server
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	s := &shelf{t: t, root: t.TempDir()}
	s.server = New(t.Context(), s.root, config.Settings{})
	http := httptest.NewServer(s.server)
	t.Cleanup(http.Close)
	s.address = strings.TrimPrefix(http.URL, "http://")
	return s
}

func (s *shelf) image(layers int64) v1.Image {
	s.t.Helper()
	image, err := random.Image(100_000, layers)
	if err != nil {
		s.t.Fatal(err)
	}
	return image
}

func (s *shelf) ref(text string) name.Reference {
	s.t.Helper()
	ref, err := name.ParseReference(s.address+"/"+text, name.Insecure)
	if err != nil {
		s.t.Fatal(err)
	}
	return ref
}

func (s *shelf) push(text string, image v1.Image) {
	s.t.Helper()
	if err := remote.Write(s.ref(text), image); err != nil {
		s.t.Fatalf("pushing %s: %v", text, err)
	}
}

// pulls reports whether every layer of an image can be read.
func (s *shelf) pulls(ref name.Reference) error {
	image, err := remote.Image(ref)
	if err != nil {
		return err
	}
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	for _, layer := range layers {
		content, err := layer.Compressed()
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return err
		}
	}
	return nil
}

func (s *shelf) list() []Image {
	s.t.Helper()
	images, err := Images(context.Background(), s.address, Account{})
	if err != nil {
		s.t.Fatal(err)
	}
	return images
}

// names are all names of what is there.
func (s *shelf) names() string {
	s.t.Helper()
	var all []string
	for _, image := range s.list() {
		all = append(all, image.Names()...)
	}
	return strings.Join(all, " ")
}

// find returns the image of a name.
func (s *shelf) find(name string) Image {
	s.t.Helper()
	for _, image := range s.list() {
		for _, n := range image.Names() {
			if n == name {
				return image
			}
		}
	}
	s.t.Fatalf("%s is not listed; there are %s", name, s.names())
	return Image{}
}

func (s *shelf) remove(name string) int64 {
	s.t.Helper()
	image := s.find(name)
	freed, err := Remove(context.Background(), s.address, Account{}, []Removal{{Repository: image.Repository, Digest: image.Digest, Fetched: image.Fetched}})
	if err != nil {
		s.t.Fatalf("removing %s: %v", name, err)
	}
	return freed
}

// disk is how many bytes of blobs are on the disk.
func (s *shelf) disk() (bytes int64) {
	s.t.Helper()
	err := filepath.WalkDir(s.root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.Contains(file, "/blobs/") {
			return err
		}
		info, err := entry.Info()
		bytes += info.Size()
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return bytes
}

// TestRemovalFreesTheDisk: what no other image shares goes, and nothing else; what was removed can be pushed again.
func TestRemovalFreesTheDisk(t *testing.T) {
	s := newShelf(t)
	first := s.image(2)
	second, err := mutate.Append(first, mutate.Addendum{Layer: layerOf(t, s.image(1))})
	if err != nil {
		t.Fatal(err)
	}
	s.push("team/app:1", first)
	s.push("team/app:2", second)
	if got := s.names(); got != "team/app:1 team/app:2" {
		t.Fatalf("list: got %s", got)
	}
	if size := s.find("team/app:2").Size; size < 300_000 || size > 310_000 {
		t.Errorf("size of three layers of 100,000 bytes: got %d", size)
	}
	before := s.disk()
	freed := s.remove("team/app:2")
	if after := s.disk(); freed < 100_000 || freed > 110_000 || before-after != freed {
		t.Errorf("freed: got %d, on the disk %d; want one layer of 100,000 bytes", freed, before-after)
	}
	if err := s.pulls(s.ref("team/app:1")); err != nil || s.names() != "team/app:1" {
		t.Errorf("the other image: %v; there are %s", err, s.names())
	}
	if err := s.pulls(s.ref("team/app:2")); err == nil {
		t.Error("the removed image is still there")
	}
	s.push("team/app:2", second)
	if err := s.pulls(s.ref("team/app:2")); err != nil {
		t.Errorf("pushed again: %v", err)
	}
	s.remove("team/app:1")
	s.remove("team/app:2")
	if left := s.disk(); left != 0 || len(s.list()) != 0 {
		t.Errorf("after removing everything: %d bytes, %s", left, s.names())
	}
}

func layerOf(t *testing.T, image v1.Image) v1.Layer {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	return layers[0]
}

// TestTagsAreOfOneImage: a tag goes alone, and with its image; an image that lost its tag is known by its digest.
func TestTagsAreOfOneImage(t *testing.T) {
	s := newShelf(t)
	image, newer := s.image(1), s.image(1)
	s.push("app:1", image)
	s.push("app:latest", image)
	s.push("other:1", image)
	if got := s.names(); got != "app:1 app:latest other:1" {
		t.Fatalf("list: got %s", got)
	}
	if _, err := Remove(context.Background(), s.address, Account{}, []Removal{{Repository: "app", Digest: s.find("app:1").Digest, Tag: "latest"}}); err != nil {
		t.Fatal(err)
	}
	if got := s.names(); got != "app:1 other:1" {
		t.Errorf("without a tag: got %s", got)
	}
	digest := s.find("app:1").Digest
	s.push("app:1", newer)
	if got := s.names(); !strings.Contains(got, "app@"+digest) || !strings.Contains(got, "app:1") {
		t.Errorf("after its tag went to another: got %s; want app@%s as well", got, digest)
	}
	if old, now := s.find("app@"+digest), s.find("app:1"); fmt.Sprint(old.Former, now.Former) != "[1] []" || old.Pushed.IsZero() || now.Pushed.Before(old.Pushed) {
		t.Errorf("tags that they had, and when they were pushed: got %v %v, then %v %v", old.Former, old.Pushed, now.Former, now.Pushed)
	}
	if freed := s.remove("app@" + digest); freed > 10_000 {
		t.Errorf("freed: got %d; another repository has the same layer", freed)
	}
	if err := s.pulls(s.ref("other:1")); err != nil {
		t.Errorf("the same image elsewhere: %v", err)
	}
}

// TestAnIndexGoesWithItsParts, but for those that have a tag of their own.
func TestAnIndexGoesWithItsParts(t *testing.T) {
	s := newShelf(t)
	index, err := random.Index(50_000, 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(s.ref("multi:1"), index); err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	part, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	s.push("multi:one", part)
	if got := s.names(); got != "multi:1 multi:one" {
		t.Fatalf("list: got %s; parts are not images of their own", got)
	}
	if found := s.find("multi:1"); len(found.Parts) != 3 || found.Size < 150_000 {
		t.Errorf("index: got %+v; want three parts of 50,000 bytes", found)
	}
	if freed := s.remove("multi:1"); freed < 100_000 || freed > 120_000 {
		t.Errorf("freed: got %d; want two parts of 50,000 bytes", freed)
	}
	if err := s.pulls(s.ref("multi:one")); err != nil {
		t.Errorf("the part with a tag: %v", err)
	}
}

// TestAPushThatGoesOnIsNotDisturbed: its layers have no manifest yet, and a layer that it was told of is not pushed
// again.
func TestAPushThatGoesOnIsNotDisturbed(t *testing.T) {
	s := newShelf(t)
	old, next := s.image(1), s.image(1)
	s.push("old:1", old)
	both, err := mutate.Append(next, mutate.Addendum{Layer: layerOf(t, old)})
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range []v1.Layer{layerOf(t, next), layerOf(t, old)} { // the second is there: it is only asked for
		if err := remote.WriteLayer(s.ref("old:1").Context(), layer); err != nil {
			t.Fatal(err)
		}
	}
	s.remove("old:1")
	s.push("old:2", both)
	if err := s.pulls(s.ref("old:2")); err != nil {
		t.Errorf("pushed after a removal: %v", err)
	}
	s.remove("old:2")
	if left := s.disk(); left != 0 {
		t.Errorf("when the push is over: %d bytes are left", left)
	}
}

// TestAPushThatIsGivenUp is swept, later.
func TestAPushThatIsGivenUp(t *testing.T) {
	s := newShelf(t)
	if err := remote.WriteLayer(s.ref("app:1").Context(), layerOf(t, s.image(1))); err != nil {
		t.Fatal(err)
	}
	for _, later := range []struct {
		after time.Duration
		freed bool
	}{{time.Minute, false}, {time.Hour, true}} {
		answer, err := s.server.remove(t.Context(), nil, time.Now().Add(later.after))
		if err != nil || (answer.Freed > 0) != later.freed {
			t.Errorf("after %s: freed %d, %v; want anything: %v", later.after, answer.Freed, err, later.freed)
		}
	}
}

// TestFetchedImages are listed by the registry that they are of, and removed like others.
func TestFetchedImages(t *testing.T) {
	far, s := newShelf(t), newShelf(t)
	far.push("far/away:1", far.image(2))
	far.push("far/away:2", far.image(1))
	for _, tag := range []string{"1", "2"} {
		url := "http://" + s.address + "/v2/far/away/"
		image, err := remote.Image(far.ref("far/away:" + tag))
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := image.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		paths := []string{"manifests/" + tag, "blobs/" + manifest.Config.Digest.String()}
		for _, layer := range manifest.Layers {
			paths = append(paths, "blobs/"+layer.Digest.String())
		}
		for _, path := range paths {
			response, err := http.Get(url + path + "?ns=" + far.address)
			if err != nil || response.StatusCode != http.StatusOK {
				t.Fatalf("fetching %s: %v, %v", path, response, err)
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
	}
	one := far.address + "/far/away:1"
	if found := s.find(one); !found.Fetched || found.Size < 200_000 {
		t.Errorf("got %+v; want two layers of 100,000 bytes that were fetched", found)
	}
	before := s.disk()
	if freed := s.remove(one); freed < 200_000 || before-s.disk() != freed {
		t.Errorf("freed: got %d, on the disk %d; want two layers", freed, before-s.disk())
	}
	if got, want := s.names(), far.address+"/far/away:2"; got != want {
		t.Errorf("left: got %s, want %s", got, want)
	}
}

func TestRefusalsOfTheAdministration(t *testing.T) {
	s := newShelf(t)
	for _, test := range []struct {
		method, path, body string
		want               int
	}{
		{http.MethodGet, "/cyan/", "", http.StatusNotFound},
		{http.MethodDelete, "/cyan/images", "", http.StatusNotFound},
		{http.MethodPost, "/cyan/removals", "nonsense", http.StatusInternalServerError},
		{http.MethodPost, "/cyan/removals", `[{"repository":"../../etc","digest":"sha256:x"}]`, http.StatusInternalServerError},
		{http.MethodPost, "/cyan/removals", `[{"repository":"../../etc","digest":"x","fetched":true}]`, http.StatusOK},
		{http.MethodPost, "/cyan/removals", fmt.Sprintf("[%s]", strings.Repeat(" ", maxRemoval)), http.StatusInternalServerError},
	} {
		w := httptest.NewRecorder()
		s.server.ServeHTTP(w, httptest.NewRequest(test.method, test.path, strings.NewReader(test.body)))
		if w.Code != test.want {
			t.Errorf("%s %s %.40s: got %d %s, want %d", test.method, test.path, test.body, w.Code, w.Body, test.want)
		}
	}
}
