package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// kept is a manifest that a mirror keeps: what it refers to, and the files by which it is found.
type kept struct {
	held
	files []string
}

// manifests returns what the mirror keeps.
func (m *mirror) manifests() ([]kept, error) {
	byDigest := map[string]*kept{}
	var order []string
	root := filepath.Join(m.root, "manifests")
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(file) != ".json" {
			return err
		}
		found, err := readManifest(file)
		if err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		inside, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		repository := repositoryOf(inside)
		key := repository + "@" + found.Digest
		k := byDigest[key]
		if k == nil {
			k = &kept{held: describe(repository, found)}
			byDigest[key], order = k, append(order, key)
		}
		k.files = append(k.files, file)
		if tag := strings.TrimSuffix(filepath.Base(file), ".json"); strings.ReplaceAll(tag, "_", ":") != found.Digest {
			k.tags = append(k.tags, tag)
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listing the images that were fetched: %w", err)
	}
	var all []kept
	for _, key := range order {
		all = append(all, *byDigest[key])
	}
	return all, nil
}

// repositoryOf is the name of a repository by its folder. A host has no underscore: that stands before its port.
func repositoryOf(folder string) string {
	host, path, _ := strings.Cut(filepath.ToSlash(folder), "/")
	return strings.ReplaceAll(host, "_", ":") + "/" + path
}

func describe(repository string, found manifest) held {
	d := digest.Digest(found.Digest)
	h := held{repository: repository, digest: d, size: int64(len(found.Body)), index: found.MediaType.IsIndex()}
	var body struct {
		Config    *ocispec.Descriptor  `json:"config"`
		Layers    []ocispec.Descriptor `json:"layers"`
		Manifests []ocispec.Descriptor `json:"manifests"`
	}
	// A manifest that cannot be read refers to nothing that could be here.
	_ = json.Unmarshal(found.Body, &body)
	if body.Config != nil {
		h.references = append(h.references, *body.Config)
	}
	h.references = append(append(h.references, body.Layers...), body.Manifests...)
	return h
}

// present leaves only those references of images that have been fetched as well.
func (m *mirror) present(all []kept) []kept {
	for i := range all {
		if all[i].index {
			continue
		}
		var here []ocispec.Descriptor
		for _, r := range all[i].references {
			if _, err := os.Stat(m.blobFile(r.Digest)); err == nil {
				here = append(here, r)
			}
		}
		all[i].references = here
	}
	return all
}

func (m *mirror) blobFile(d digest.Digest) string {
	algorithm, hex, _ := strings.Cut(d.String(), ":")
	return filepath.Join(m.root, "blobs", filepath.Base(algorithm), filepath.Base(hex))
}

// remove takes away an image that was fetched, or a tag of it.
func (m *mirror) remove(what Removal) error {
	all, err := m.manifests()
	if err != nil {
		return err
	}
	var list []held
	for _, k := range all {
		list = append(list, k.held)
	}
	gone := map[digest.Digest]bool{}
	for _, d := range removed(what, list) {
		gone[d] = true
	}
	for _, k := range all {
		if k.repository != what.Repository || !gone[k.digest] || what.Tag != "" && k.digest.String() != what.Digest {
			continue
		}
		for _, file := range k.files {
			if what.Tag != "" && filepath.Base(file) != what.Tag+".json" {
				continue
			}
			if err := os.Remove(file); err != nil {
				return fmt.Errorf("removing %s: %w", what.Repository, err)
			}
		}
	}
	return nil
}

// sweep removes the blobs that no manifest refers to, and returns how many bytes that has freed. A manifest is kept
// before its blobs are fetched, so what is being fetched is referred to.
func (m *mirror) sweep() (freed int64, err error) {
	all, err := m.manifests()
	if err != nil {
		return 0, err
	}
	used := map[string]bool{}
	for _, k := range all {
		for _, r := range k.references {
			used[m.blobFile(r.Digest)] = true
		}
	}
	err = filepath.WalkDir(filepath.Join(m.root, "blobs"), func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || used[file] || strings.HasPrefix(entry.Name(), ".new-") {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		freed += info.Size()
		return os.Remove(file)
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return freed, fmt.Errorf("removing blobs that were fetched: %w", err)
	}
	return freed, nil
}
