package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/distribution/distribution/v3"
	"github.com/distribution/distribution/v3/registry/storage"
	"github.com/distribution/distribution/v3/registry/storage/driver"
	"github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Image is an image, or an index of images, that a registry holds.
type Image struct {
	// Repository is without the registry's own host; of an image that was fetched it begins with the host of the other.
	Repository string   `json:"repository"`
	Tags       []string `json:"tags,omitempty"`
	Digest     string   `json:"digest"`
	// Size is that of the manifests, configurations and layers that are here, in bytes. Other images may share some.
	Size int64 `json:"size"`
	// Fetched is set for what the registry has from another.
	Fetched bool `json:"fetched,omitempty"`
	// Parts are the digests of the images of an index.
	Parts []string `json:"parts,omitempty"`
	// Pushed is when it was pushed last; zero for what was fetched.
	Pushed time.Time `json:"pushed,omitzero"`
	// Former are the tags that it had, and others have now.
	Former []string `json:"former,omitempty"`
}

// Removal is an image to remove, or a tag of it.
type Removal struct {
	Repository string `json:"repository"`
	Digest     string `json:"digest"`
	Fetched    bool   `json:"fetched,omitempty"`
	// Tag is set when only a tag is to go.
	Tag string `json:"tag,omitempty"`
}

// pushed is what has been pushed to a registry, as it is in its files.
type pushed struct {
	driver    driver.StorageDriver
	namespace distribution.Namespace
}

func openPushed(ctx context.Context, root string) pushed {
	files := filesystem.New(filesystem.DriverParameters{RootDirectory: pushedDir(root), MaxThreads: 100})
	namespace, err := storage.NewRegistry(ctx, files, storage.EnableDelete)
	if err != nil {
		panic(err) // of options alone, and these are right
	}
	return pushed{driver: files, namespace: namespace}
}

func pushedDir(root string) string { return filepath.Join(root, "pushed") }

// held is a manifest of a repository, and what it refers to.
type held struct {
	repository string
	digest     digest.Digest
	tags       []string
	size       int64
	references []ocispec.Descriptor
	index      bool
	pushed     time.Time
	former     []string
}

// manifests returns all manifests that are here, those of platforms as well.
func (p pushed) manifests(ctx context.Context) ([]held, error) {
	var all []held
	repositories, ok := p.namespace.(distribution.RepositoryEnumerator)
	if !ok {
		return nil, errors.New("listing the images: the storage cannot list repositories")
	}
	err := repositories.Enumerate(ctx, func(name string) error {
		found, err := p.manifestsOf(ctx, name)
		all = append(all, found...)
		return err
	})
	if err != nil && !notThere(err) {
		return nil, fmt.Errorf("listing the images: %w", err)
	}
	return all, nil
}

// notThere reports whether an error is that nothing was pushed yet.
func notThere(err error) bool {
	var missing driver.PathNotFoundError
	var repository distribution.ErrRepositoryUnknown
	return errors.As(err, &missing) || errors.As(err, &repository)
}

func (p pushed) manifestsOf(ctx context.Context, name string) ([]held, error) {
	repository, err := p.repository(ctx, name)
	if err != nil {
		return nil, err
	}
	tags, former, err := tagsByDigest(ctx, repository)
	if err != nil {
		return nil, err
	}
	service, err := repository.Manifests(ctx)
	if err != nil {
		return nil, err
	}
	enumerator, ok := service.(distribution.ManifestEnumerator)
	if !ok {
		return nil, errors.New("the storage cannot list manifests")
	}
	var all []held
	err = enumerator.Enumerate(ctx, func(d digest.Digest) error {
		manifest, err := service.Get(ctx, d)
		if err != nil {
			return fmt.Errorf("reading %s@%s: %w", name, d, err)
		}
		kind, body, err := manifest.Payload()
		if err != nil {
			return fmt.Errorf("reading %s@%s: %w", name, d, err)
		}
		all = append(all, held{
			repository: name, digest: d, tags: tags[d], size: int64(len(body)), references: manifest.References(),
			index: isIndex(kind), pushed: p.pushedAt(ctx, name, d), former: former[d],
		})
		return nil
	})
	if notThere(err) { // an upload that has not come to its manifest
		err = nil
	}
	return all, err
}

func (p pushed) repository(ctx context.Context, name string) (distribution.Repository, error) {
	named, err := reference.WithName(name)
	if err != nil {
		return nil, fmt.Errorf("image %q: %w", name, err)
	}
	return p.namespace.Repository(ctx, named)
}

// pushedAt is when a manifest was pushed last, which writes the file by which a repository has it.
func (p pushed) pushedAt(ctx context.Context, name string, d digest.Digest) time.Time {
	file := path.Join("/docker/registry/v2/repositories", name, "_manifests/revisions", d.Algorithm().String(), d.Encoded(), "link")
	info, err := p.driver.Stat(ctx, file)
	if err != nil { // it goes at this moment
		return time.Time{}
	}
	return info.ModTime()
}

// tagsByDigest returns the tags of each manifest, and those that each had and others have now.
func tagsByDigest(ctx context.Context, repository distribution.Repository) (now, former map[digest.Digest][]string, err error) {
	service := repository.Tags(ctx)
	tags, err := service.All(ctx)
	if err != nil && !notThere(err) {
		return nil, nil, err
	}
	now, former = map[digest.Digest][]string{}, map[digest.Digest][]string{}
	for _, tag := range tags {
		current, err := service.Get(ctx, tag)
		if err != nil {
			continue
		}
		now[current.Digest] = append(now[current.Digest], tag)
		had, err := service.(distribution.TagManifestsProvider).ManifestDigests(ctx, tag)
		if err != nil && !notThere(err) {
			return nil, nil, err
		}
		for _, d := range had {
			if d != current.Digest {
				former[d] = append(former[d], tag)
			}
		}
	}
	return now, former, nil
}

// imagesOf makes images of manifests: one that is only a part of an index is none of its own.
func imagesOf(all []held) []Image {
	type key struct {
		repository string
		digest     digest.Digest
	}
	here, parts := map[key]held{}, map[key]bool{}
	for _, m := range all {
		here[key{m.repository, m.digest}] = m
		for _, r := range m.references {
			if m.index {
				parts[key{m.repository, r.Digest}] = true
			}
		}
	}
	var images []Image
	for _, m := range all {
		if len(m.tags) == 0 && parts[key{m.repository, m.digest}] {
			continue
		}
		image := Image{Repository: m.repository, Tags: m.tags, Digest: m.digest.String(), Size: sizeOf(m), Pushed: m.pushed, Former: m.former}
		for _, r := range m.references {
			if part, ok := here[key{m.repository, r.Digest}]; ok && m.index {
				image.Size += sizeOf(part)
				image.Parts = append(image.Parts, r.Digest.String())
			}
		}
		images = append(images, image)
	}
	slices.SortFunc(images, func(a, b Image) int {
		return cmp.Or(cmp.Compare(a.Repository, b.Repository), slices.Compare(a.Tags, b.Tags), cmp.Compare(a.Digest, b.Digest))
	})
	return images
}

// sizeOf is the size of a manifest, and of the configuration and the layers of an image.
func sizeOf(m held) int64 {
	size := m.size
	for _, r := range m.references {
		if !m.index {
			size += r.Size
		}
	}
	return size
}

func isIndex(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageIndex || mediaType == "application/vnd.docker.distribution.manifest.list.v2+json"
}

// remove takes away an image or a tag of it. Blobs stay until they are swept.
func (p pushed) remove(ctx context.Context, what Removal, all []held) error {
	repository, err := p.repository(ctx, what.Repository)
	if err != nil {
		return err
	}
	if what.Tag != "" {
		if err := repository.Tags(ctx).Untag(ctx, what.Tag); err != nil {
			return fmt.Errorf("removing the tag of %s:%s: %w", what.Repository, what.Tag, err)
		}
		return nil
	}
	tags, err := repository.Tags(ctx).All(ctx)
	if err != nil && !notThere(err) {
		return fmt.Errorf("listing the tags of %s: %w", what.Repository, err)
	}
	vacuum := storage.NewVacuum(ctx, p.driver)
	for _, d := range removed(what, all) {
		for _, tag := range tags {
			if current, err := repository.Tags(ctx).Get(ctx, tag); err == nil && current.Digest == d {
				if err := repository.Tags(ctx).Untag(ctx, tag); err != nil {
					return fmt.Errorf("removing the tag of %s:%s: %w", what.Repository, tag, err)
				}
			}
		}
		if err := vacuum.RemoveManifest(what.Repository, d, tags); err != nil && !notThere(err) {
			return fmt.Errorf("removing %s@%s: %w", what.Repository, d, err)
		}
	}
	return nil
}

// removed are the manifests that go with one: those of an index that have no tag, and are in no other index.
func removed(what Removal, all []held) []digest.Digest {
	gone := []digest.Digest{digest.Digest(what.Digest)}
	elsewhere := map[digest.Digest]bool{}
	var parts []digest.Digest
	for _, m := range all {
		if m.repository != what.Repository {
			continue
		}
		if len(m.tags) > 0 {
			elsewhere[m.digest] = true
		}
		for _, r := range m.references {
			switch {
			case !m.index:
			case m.digest == gone[0]:
				parts = append(parts, r.Digest)
			default:
				elsewhere[r.Digest] = true
			}
		}
	}
	for _, part := range parts {
		here := slices.ContainsFunc(all, func(m held) bool { return m.repository == what.Repository && m.digest == part })
		if here && !elsewhere[part] {
			gone = append(gone, part)
		}
	}
	return gone
}

// sweep removes the blobs that no manifest refers to, but those that belong to a push that goes on, and returns how
// many bytes that has freed.
func (p pushed) sweep(ctx context.Context, underWay map[digest.Digest]bool) (freed int64, err error) {
	all, err := p.manifests(ctx)
	if err != nil {
		return 0, err
	}
	kept := map[digest.Digest]bool{}
	inRepository := map[string]map[digest.Digest]bool{}
	for _, m := range all {
		if inRepository[m.repository] == nil {
			inRepository[m.repository] = map[digest.Digest]bool{}
		}
		kept[m.digest] = true
		for _, r := range m.references {
			kept[r.Digest], inRepository[m.repository][r.Digest] = true, true
		}
	}
	var unused []digest.Digest
	err = p.namespace.Blobs().Enumerate(ctx, func(d digest.Digest) error {
		if !kept[d] && !underWay[d] {
			unused = append(unused, d)
		}
		return nil
	})
	if err != nil && !notThere(err) {
		return 0, fmt.Errorf("listing blobs: %w", err)
	}
	vacuum := storage.NewVacuum(ctx, p.driver)
	for _, d := range unused {
		if found, err := p.namespace.BlobStatter().Stat(ctx, d); err == nil {
			freed += found.Size
		}
		if err := vacuum.RemoveBlob(d.String()); err != nil {
			return freed, fmt.Errorf("removing a blob: %w", err)
		}
	}
	return freed, p.sweepLinks(ctx, vacuum, inRepository, underWay)
}

// sweepLinks removes from each repository the links to layers that none of its manifests refers to.
func (p pushed) sweepLinks(ctx context.Context, vacuum storage.Vacuum, used map[string]map[digest.Digest]bool, underWay map[digest.Digest]bool) error {
	type link struct {
		repository string
		layer      digest.Digest
	}
	var unused []link
	err := p.namespace.(distribution.RepositoryEnumerator).Enumerate(ctx, func(name string) error {
		repository, err := p.repository(ctx, name)
		if err != nil {
			return err
		}
		layers, ok := repository.Blobs(ctx).(distribution.ManifestEnumerator)
		if !ok {
			return nil
		}
		err = layers.Enumerate(ctx, func(d digest.Digest) error {
			if !used[name][d] && !underWay[d] {
				unused = append(unused, link{name, d})
			}
			return nil
		})
		if notThere(err) {
			return nil
		}
		return err
	})
	if err != nil && !notThere(err) {
		return fmt.Errorf("listing layers: %w", err)
	}
	for _, l := range unused {
		if err := vacuum.RemoveLayer(l.repository, l.layer); err != nil && !notThere(err) {
			return fmt.Errorf("removing the link to a layer: %w", err)
		}
	}
	return nil
}
