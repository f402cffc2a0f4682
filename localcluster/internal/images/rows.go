package images

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/cyan-cd/cyan/localcluster/internal/registry"
)

// Sandbox is the image of a pod's first container, which the cluster makes for itself.
const Sandbox = "cyan/sandbox:1"

// The places where an image is.
const (
	InRegistry = "registry"
	// WasFetched is the registry, too, which has the image from another.
	WasFetched = "fetched"
	AtNode     = "node"
)

// Row is an image under one of its names.
type Row struct {
	Name   string   `json:"name"`
	Digest string   `json:"digest"`
	Size   int64    `json:"size"`
	Where  []string `json:"where"`
	// Pods use it.
	Pods []string `json:"pods"`

	// registry is what the registry has, when it has it, and node the IDs on the node.
	registry *registry.Image
	node     []string
}

// Rows puts together what the registry has, what the node has, and who uses it.
func Rows(held []registry.Image, node []OnNode, usage Usage) []Row {
	var rows []Row
	known := map[string]bool{}
	for i := range held {
		image := &held[i]
		if slices.Contains(image.Names(), Sandbox) {
			continue // every pod needs it
		}
		row := Row{Digest: image.Digest, Size: image.Size, Where: []string{InRegistry}, Pods: usage.PodsOf(*image), registry: image}
		if image.Fetched {
			row.Where = []string{WasFetched}
		}
		for _, n := range node {
			if slices.ContainsFunc(n.Digests, func(d string) bool { return is(*image, d) }) {
				known[n.ID] = true
				row.node = append(row.node, n.ID)
			}
		}
		if len(row.node) > 0 {
			row.Where = append(row.Where, AtNode)
		}
		for _, name := range image.Names() {
			row.Name = name
			rows = append(rows, row)
		}
	}
	for _, n := range node {
		if !known[n.ID] {
			rows = append(rows, nodeRows(n, usage)...)
		}
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(a.Name, b.Name) })
	return rows
}

// nodeRows are those of an image that the node alone has, which a moment ago was in the registry under the same names.
func nodeRows(n OnNode, usage Usage) []Row {
	digest := n.ID
	if len(n.Digests) > 0 {
		digest = n.Digests[0]
	}
	names := n.Names
	if len(names) == 0 {
		names = []string{digest}
	}
	var rows []Row
	for _, text := range names {
		image := registry.Image{Digest: digest, Parts: n.Digests}
		if tag, err := name.NewTag(text); err == nil {
			image.Repository, image.Tags, image.Fetched = tag.Context().Name(), []string{tag.TagStr()}, true
		}
		rows = append(rows, Row{Name: text, Digest: digest, Size: n.Size, Where: []string{AtNode}, Pods: usage.PodsOf(image), node: []string{n.ID}})
	}
	return rows
}

// Plan is what a removal comes to.
type Plan struct {
	Registry []registry.Removal
	// Node are the IDs of images on the node.
	Node []string
	// Names are what is removed, as it is listed.
	Names []string
}

// Force is whether images go that pods use.
type Force int

// Images that pods use are kept, or go nevertheless.
const (
	KeepUsed Force = iota
	RemoveUsed
)

// PlanRemoval decides what goes for the names that somebody has typed. Nothing goes when one of them cannot.
func PlanRemoval(rows []Row, typed []string, address string, force Force) (Plan, error) {
	gone := map[string]bool{}
	for _, text := range typed {
		row, err := find(rows, text, address)
		if err != nil {
			return Plan{}, err
		}
		if len(row.Pods) > 0 && force == KeepUsed {
			return Plan{}, fmt.Errorf("image %q: used by pod %s; delete what runs it, or add --force", text, listed(row.Pods))
		}
		gone[row.Name] = true
	}
	return removal(rows, gone), nil
}

// removal is how the names go that are to be gone.
func removal(rows []Row, gone map[string]bool) Plan {
	var plan Plan
	done := map[*registry.Image]bool{}
	for _, row := range rows {
		if !gone[row.Name] {
			continue
		}
		plan.Names = append(plan.Names, row.Name)
		tag := ""
		if nameStays(rows, row, gone) {
			tag = row.Name[strings.LastIndex(row.Name, ":")+1:]
		} else {
			plan.Node = append(plan.Node, row.node...)
		}
		if row.registry == nil || tag == "" && done[row.registry] {
			continue
		}
		done[row.registry] = true
		plan.Registry = append(plan.Registry, registry.Removal{Repository: row.registry.Repository, Digest: row.Digest, Fetched: row.registry.Fetched, Tag: tag})
	}
	slices.Sort(plan.Node)
	plan.Node = slices.Compact(plan.Node)
	return plan
}

// nameStays reports whether an image of the registry keeps another name.
func nameStays(rows []Row, row Row, gone map[string]bool) bool {
	return row.registry != nil && slices.ContainsFunc(rows, func(other Row) bool { return other.registry == row.registry && !gone[other.Name] })
}

// shortest is how many digits of a digest name an image at least.
const shortest = 8

// find returns the row that somebody means: by its name, with the registry's host or as Docker shortens it, or by the
// beginning of its digest.
func find(rows []Row, typed, address string) (Row, error) {
	wanted := map[string]bool{typed: true}
	if ref, err := name.ParseReference(strings.TrimPrefix(typed, address+"/")); err == nil {
		separator := ":"
		if _, ok := ref.(name.Digest); ok {
			separator = "@"
		}
		end := separator + ref.Identifier()
		wanted[ref.Context().Name()+end], wanted[ref.Name()] = true, true
		for _, local := range registry.LocalNames(ref.Context().RepositoryStr()) {
			wanted[local+end] = true
		}
	}
	digest := strings.TrimPrefix(typed, "sha256:")
	var found []Row
	for _, row := range rows {
		byDigest := len(digest) >= shortest && strings.HasPrefix(strings.TrimPrefix(row.Digest, "sha256:"), digest)
		if wanted[row.Name] || byDigest {
			found = append(found, row)
		}
	}
	switch {
	case len(found) == 0:
		return Row{}, fmt.Errorf("image %q: not found; `cyan local image ls` lists those that there are", typed)
	case len(found) > 1:
		var names []string
		for _, row := range found {
			names = append(names, row.Name)
		}
		return Row{}, fmt.Errorf("image %q: more than one is meant: %s; name one of them", typed, strings.Join(names, ", "))
	}
	return found[0], nil
}

// listed is a list that stays short.
func listed(all []string) string {
	const most = 3
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
}
