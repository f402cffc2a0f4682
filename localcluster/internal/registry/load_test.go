package registry

import (
	"archive/tar"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// archive writes an OCI archive of an image for two platforms, named, without the parts in leave.
func archive(t *testing.T, tag string, images map[string]v1.Image, leave ...v1.Image) string {
	t.Helper()
	all := v1.ImageIndex(empty.Index)
	for architecture, image := range images {
		all = mutate.AppendManifests(all, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: architecture}}})
	}
	dir := t.TempDir()
	path, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = path.AppendIndex(all, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": tag}))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, image := range leave {
		digest, err := image.Digest()
		if err == nil {
			err = os.Remove(filepath.Join(dir, "blobs", digest.Algorithm, digest.Hex))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return packed(t, dir)
}

// packed writes an archive of the files of a folder.
func packed(t *testing.T, dir string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "image.tar")
	to, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	out := tar.NewWriter(to)
	if err := out.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestAnArchiveWithoutAllOfItsPlatforms: engines list the images of platforms that they have never fetched; what is
// there is loaded.
func TestAnArchiveWithoutAllOfItsPlatforms(t *testing.T) {
	s := newShelf(t)
	images := map[string]v1.Image{"amd64": s.image(1), "arm64": s.image(2)}
	for _, c := range []struct {
		leave []v1.Image
		want  int
		says  string
	}{
		{nil, 2, ""},
		{[]v1.Image{images["arm64"]}, 1, ""},
		{[]v1.Image{images["arm64"], images["amd64"]}, 0, "none of the images that it lists is in it"},
	} {
		loaded, err := Load(t.Context(), s.address, Account{}, archive(t, "team/app:1", images, c.leave...), "")
		if c.says != "" {
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("without both: got %v, %v; want %q", loaded, err, c.says)
			}
			continue
		}
		if err != nil || len(loaded) != 1 || loaded[0] != "team/app:1" {
			t.Fatalf("without %d: got %v, %v", len(c.leave), loaded, err)
		}
		index, err := remote.Index(s.ref("team/app:1"))
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := index.IndexManifest()
		if err != nil || len(manifest.Manifests) != c.want {
			t.Fatalf("without %d: got %v, %v; want %d images", len(c.leave), manifest, err, c.want)
		}
		if _, err := index.Image(manifest.Manifests[0].Digest); err != nil {
			t.Error(err)
		}
	}
}

// TestAFolderOfImages: a folder with an OCI layout is loaded as its archive is; another one with the name of an image
// is none of images.
func TestAFolderOfImages(t *testing.T) {
	s := newShelf(t)
	folder, other := t.TempDir(), t.TempDir()
	path, err := layout.Write(folder, empty.Index)
	if err == nil {
		err = path.AppendImage(s.image(1), layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "team/app:1"}))
	}
	if err != nil {
		t.Fatal(err)
	}
	file := packed(t, folder)
	for path, want := range map[string]bool{folder: true, file: true, other: false, filepath.Join(other, "none"): false} {
		if got := HoldsImages(path); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
	for _, from := range []string{folder, file} {
		loaded, err := Load(t.Context(), s.address, Account{}, from, "")
		if err != nil || len(loaded) != 1 || loaded[0] != "team/app:1" {
			t.Errorf("%s: got %v, %v", from, loaded, err)
		}
	}
	if _, err := remote.Image(s.ref("team/app:1")); err != nil {
		t.Error(err)
	}
}
