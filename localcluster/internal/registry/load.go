package registry

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Archives name their images in these annotations of an OCI index.
var nameAnnotations = []string{"io.containerd.image.name", "org.opencontainers.image.ref.name"}

// HoldsImages reports whether a path is one for Load: a file, or a folder with an OCI layout. Any other folder has the
// name of an image by chance.
func HoldsImages(path string) bool {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() && !isLayout(path) {
		return false
	}
	return true
}

func isLayout(path string) bool {
	_, err := os.Stat(filepath.Join(path, "oci-layout"))
	return err == nil
}

// Load pushes every named image of a docker or OCI archive, or of the folder of an OCI layout, into the registry at
// address, and returns the names as they can be used in a pod. as names the image of an archive that holds one without
// a name; it may be empty.
func Load(ctx context.Context, address string, account Account, archive, as string) ([]string, error) {
	to := at{address, account}
	if isLayout(archive) {
		return loadLayout(ctx, to, archive, archive, as)
	}
	kind, err := archiveKind(archive)
	if err != nil {
		return nil, err
	}
	if kind == "docker" {
		return loadDocker(ctx, to, archive, as)
	}
	return loadOCI(ctx, to, archive, as)
}

// at is where a registry is, and who may push to it.
type at struct {
	address string
	account Account
}

// archiveKind is "docker" or "oci". Docker writes archives that are both: those are read as docker archives.
func archiveKind(archive string) (string, error) {
	kind := ""
	err := eachFile(archive, func(header *tar.Header, _ io.Reader) error {
		switch filepath.Clean(header.Name) {
		case "manifest.json":
			kind = "docker"
		case "index.json":
			if kind == "" {
				kind = "oci"
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, tar.ErrHeader) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", fmt.Errorf("reading the image archive %s: %w", archive, err)
	}
	if err != nil || kind == "" {
		return "", fmt.Errorf("%s: no image archive: neither manifest.json (docker save) nor index.json (OCI) found", archive)
	}
	return kind, nil
}

func loadDocker(ctx context.Context, to at, archive, as string) ([]string, error) {
	opener := func() (io.ReadCloser, error) { return openArchive(archive) }
	manifest, err := tarball.LoadManifest(opener)
	if err != nil {
		return nil, fmt.Errorf("reading the image archive %s: %w", archive, err)
	}
	var loaded []string
	for _, entry := range manifest {
		tags := entry.RepoTags
		if as != "" && len(manifest) == 1 {
			tags = []string{as}
		}
		if len(tags) == 0 {
			return loaded, unnamed(archive)
		}
		img, err := dockerImage(opener, entry)
		if err != nil {
			return loaded, fmt.Errorf("reading the image archive %s: %w", archive, err)
		}
		for _, tag := range tags {
			if err := push(ctx, to, tag, img); err != nil {
				return loaded, err
			}
			loaded = append(loaded, tag)
		}
	}
	return loaded, nil
}

func dockerImage(opener tarball.Opener, entry tarball.Descriptor) (v1.Image, error) {
	if len(entry.RepoTags) == 0 {
		return tarball.Image(opener, nil)
	}
	tag, err := name.NewTag(entry.RepoTags[0])
	if err != nil {
		return nil, err
	}
	return tarball.Image(opener, &tag)
}

func loadOCI(ctx context.Context, to at, archive, as string) ([]string, error) {
	dir, err := os.MkdirTemp(filepath.Dir(archive), ".cyan-load-*")
	if err != nil {
		dir, err = os.MkdirTemp("", "cyan-load-*") // the archive lies where nothing can be written
	}
	if err != nil {
		return nil, fmt.Errorf("unpacking %s: %w", archive, err)
	}
	defer os.RemoveAll(dir)
	if err := unpack(archive, dir); err != nil {
		return nil, fmt.Errorf("unpacking %s: %w", archive, err)
	}
	return loadLayout(ctx, to, archive, dir, as)
}

// loadLayout pushes the images of a folder, which is what an archive holds.
func loadLayout(ctx context.Context, to at, archive, dir, as string) ([]string, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the image archive %s: %w", archive, err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("reading the image archive %s: %w", archive, err)
	}
	var loaded []string
	for _, d := range manifest.Manifests {
		tag := as
		if tag == "" {
			tag = annotatedName(d.Annotations)
		}
		if tag == "" {
			return loaded, unnamed(archive)
		}
		var what remote.Taggable
		if d.MediaType.IsIndex() {
			what, err = presentOf(index, d.Digest, dir)
		} else {
			what, err = index.Image(d.Digest)
		}
		if err != nil {
			return loaded, fmt.Errorf("reading the image archive %s: %w", archive, err)
		}
		if err := push(ctx, to, tag, what); err != nil {
			return loaded, err
		}
		loaded = append(loaded, tag)
	}
	return loaded, nil
}

// presentOf returns the images of an index that an archive has: it may list those of other platforms and not have them.
func presentOf(index v1.ImageIndex, digest v1.Hash, dir string) (v1.ImageIndex, error) {
	all, err := index.ImageIndex(digest)
	if err != nil {
		return nil, err
	}
	present := mutate.RemoveManifests(all, func(d v1.Descriptor) bool {
		_, err := os.Stat(filepath.Join(dir, "blobs", d.Digest.Algorithm, d.Digest.Hex))
		return errors.Is(err, fs.ErrNotExist)
	})
	manifest, err := present.IndexManifest()
	if err == nil && len(manifest.Manifests) == 0 {
		err = errors.New("none of the images that it lists is in it; save it with the platform of this machine")
	}
	return present, err
}

func annotatedName(annotations map[string]string) string {
	for _, key := range nameAnnotations {
		if value := annotations[key]; strings.ContainsAny(value, "/:") {
			return value
		}
	}
	return ""
}

func unnamed(archive string) error {
	return fmt.Errorf("an image in %s has no name: give it one with --name NAME:TAG", archive)
}

// push writes an image under the path that its name has, whatever its host.
func push(ctx context.Context, to at, tag string, what remote.Taggable) error {
	original, err := name.NewTag(tag)
	if err != nil {
		return fmt.Errorf("reading the image name %q: %w", tag, err)
	}
	target, err := name.NewTag(to.address+"/"+original.RepositoryStr()+":"+original.TagStr(), name.Insecure)
	if err != nil {
		return fmt.Errorf("reading the image name %q: %w", tag, err)
	}
	switch what := what.(type) {
	case v1.ImageIndex:
		err = remote.WriteIndex(target, what, remote.WithContext(ctx), remote.WithAuth(to.account.Auth()))
	case v1.Image:
		err = remote.Write(target, what, remote.WithContext(ctx), remote.WithAuth(to.account.Auth()))
	default:
		err = errors.New("neither an image nor an index")
	}
	if err != nil {
		return fmt.Errorf("loading %s into the registry: %w", tag, err)
	}
	return nil
}

func openArchive(archive string) (io.ReadCloser, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewReader(f)
	if magic, _ := buffered.Peek(2); string(magic) != "\x1f\x8b" {
		return wrapped{buffered, f}, nil
	}
	unzipped, err := gzip.NewReader(buffered)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return wrapped{unzipped, f}, nil
}

type wrapped struct {
	io.Reader
	io.Closer
}

func eachFile(archive string, visit func(*tar.Header, io.Reader) error) error {
	in, err := openArchive(archive)
	if err != nil {
		return err
	}
	defer in.Close()
	for r := tar.NewReader(in); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := visit(header, r); err != nil {
			return err
		}
	}
}

// unpack writes the regular files of an archive below dir; a root keeps names like ../x inside.
func unpack(archive, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return eachFile(archive, func(header *tar.Header, content io.Reader) error {
		if header.Typeflag != tar.TypeReg {
			return nil
		}
		name := filepath.Clean(header.Name)
		if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		f, err := root.Create(name)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, content)
		if closing := f.Close(); err == nil {
			err = closing
		}
		return err
	})
}
