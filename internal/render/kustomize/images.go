package kustomize

import (
	"cmp"
	"maps"
	"path"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/cyan-cd/cyan/internal/render"
)

// unread is the first of the entries of images, where the build costs too much already for looking at what they match.
func (f *facts) unread() *render.Place {
	if !f.tree.Budget().Expensive() {
		return nil
	}
	for _, k := range f.order {
		for _, e := range elements(k.node, "images") {
			place := placeOf(k.file, e, "name")
			return &place
		}
	}
	return nil
}

// imageEntries lists the entries of images of all kustomizations, each with the images that it may have been meant for;
// nothing where the build costs much already.
func (f *facts) imageEntries() []render.ImageEntry {
	if f.tree.Budget().Expensive() {
		return nil
	}
	var entries []render.ImageEntry
	built := map[string]map[string]bool{}
	everything := map[string]bool{}
	component := map[string]bool{}
	for _, k := range f.order {
		for _, dir := range k.components {
			component[dir] = true
		}
		maps.Copy(everything, k.ownImages())
	}
	for _, k := range f.order {
		images := k.ownImages()
		for _, r := range k.resources {
			maps.Copy(images, built[r.dir])
		}
		for _, dir := range k.components {
			maps.Copy(images, built[dir])
		}
		if component[k.dir] {
			// A component changes what others have built.
			maps.Copy(images, everything)
		}
		set := setImages(k, images)
		entries = append(entries, set...)
		for _, e := range set {
			// What an entry for nothing was meant to make is not missed again by those who build on it.
			if made := cmp.Or(e.NewName, e.Name); !e.Matched && regexp.QuoteMeta(made) == made {
				images[made] = true
			}
		}
		maps.Copy(everything, images)
		built[k.dir] = images
	}
	return entries
}

// setImages changes the images as the entries of a kustomization do, one after the other, and returns the entries.
func setImages(k *inspected, images map[string]bool) []render.ImageEntry {
	var entries []render.ImageEntry
	for _, node := range elements(k.node, "images") {
		e := render.ImageEntry{
			Place: placeOf(k.file, node, "name"), Name: render.Scalar(node, "name"), NewName: render.Scalar(node, "newName"),
			NewTag: render.Scalar(node, "newTag"), Digest: render.Scalar(node, "digest"),
		}
		if e.Name == "" {
			continue
		}
		names, set := map[string]bool{}, map[string]bool{}
		isFor := e.Matcher()
		for image := range images {
			names[render.ImageName(image)] = true
			if isFor(image) {
				delete(images, image)
				set[e.Set(image)] = true
			}
		}
		maps.Copy(images, set)
		e.Matched, e.Images = len(set) > 0, slices.Sorted(maps.Keys(names))
		entries = append(entries, e)
	}
	return entries
}

// placeOf is where a field of an entry stands.
func placeOf(file string, entry *yaml.Node, field string) render.Place {
	at := entry
	if value := render.Field(entry, field); value != nil {
		at = value
	}
	return render.Place{File: file, Line: at.Line, Column: at.Column}
}

// ownImages are the images in the files and patches of a kustomization.
func (k *inspected) ownImages() map[string]bool {
	names := map[string]bool{}
	seen := map[*yaml.Node]bool{}
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		if n == nil || seen[n] {
			return
		}
		seen[n] = true
		if n.Kind == yaml.MappingNode {
			if image := render.Scalar(n, "image"); image != "" {
				names[image] = true
			}
		}
		for _, c := range n.Content {
			walk(c)
		}
		if n.Kind == yaml.AliasNode {
			walk(n.Alias)
		}
	}
	docs := slices.Clone(plainDocs(k.resources))
	for _, p := range k.patches {
		docs = append(docs, p.docs...)
	}
	for _, p := range k.plugins {
		docs = append(docs, p.docs...)
	}
	for _, d := range docs {
		walk(d.Node)
		// The value of an operation that replaces an image.
		if d.Node.Kind == yaml.SequenceNode {
			for _, operation := range d.Node.Content {
				if value := render.Field(operation, "value"); value != nil && value.Kind == yaml.ScalarNode && path.Base(render.Scalar(operation, "path")) == "image" {
					names[value.Value] = true
				}
			}
		}
	}
	return names
}

func plainDocs(resources []base) []render.Document {
	var docs []render.Document
	for _, r := range resources {
		docs = append(docs, r.docs...)
	}
	return docs
}
