package skaffold

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/internal/spelling"
)

// The bounds of what is looked through for images.
const (
	maxManifests   = 5_000
	maxKustomDepth = 30
)

// Use is an image that something deployed runs.
type Use struct {
	// Name is what it is called where it is deployed, without tag and digest, and Position where that stands.
	Name     string
	Position Position
	// Written is the name in the manifest, when a kustomization has changed it, and Manifest where that stands.
	Written  string
	Manifest Position
	// Tagged is set when a tag or a digest is written.
	Tagged bool
}

// Uses are the images that are deployed.
type Uses struct {
	Images []Use
	// Partial is set when something that is deployed could not be looked through, such as what is fetched.
	Partial bool
	// idle are entries of kustomizations that change no image.
	idle []idleEntry
}

type idleEntry struct {
	name  string
	at    Position
	among []string
}

// UsesOf returns the images that manifests use, by reading their files: nothing is rendered. Files that are not there,
// or not YAML, are for the renderer to refuse.
func UsesOf(fsys fs.FS, all Manifests) Uses {
	w := &walker{fsys: fsys}
	var uses Uses
	for _, k := range all.Kustomize {
		uses.Images = append(uses.Images, w.kustomization(k.Path, 0)...)
	}
	for _, raw := range all.Raw {
		for _, file := range raw.Files(fsys) {
			if isManifest(file) {
				uses.Images = append(uses.Images, w.file(file)...)
			}
		}
	}
	uses.Partial, uses.idle = w.partial, w.idle
	return uses
}

// walker looks through kustomizations.
type walker struct {
	fsys    fs.FS
	read    int
	partial bool
	idle    []idleEntry
}

func (w *walker) docs(file string) []*node {
	if w.read++; w.read > maxManifests {
		w.partial = true
		return nil
	}
	data, err := fs.ReadFile(w.fsys, file)
	if err != nil {
		w.partial = true
		return nil
	}
	docs, _ := documents(file, data)
	return docs
}

func (w *walker) file(file string) []Use {
	var all []Use
	for _, doc := range w.docs(file) {
		all = append(all, imagesIn(doc)...)
	}
	return all
}

// imagesIn returns the images of an object, or of a list of objects or of patches.
func imagesIn(doc *node) []Use {
	if slices.Contains([]string{"CustomResourceDefinition", "ConfigMap", "Secret"}, doc.str("kind")) {
		return nil
	}
	var all []Use
	for _, f := range doc.fields {
		if f.name == "image" && f.value.shape == scalar && f.value.text != "" {
			all = append(all, used(f.value))
			continue
		}
		all = append(all, imagesIn(f.value)...)
	}
	if value := doc.get("value"); value != nil && value.shape == scalar && strings.HasSuffix(doc.str("path"), "/image") {
		all = append(all, used(value))
	}
	for _, item := range doc.items {
		all = append(all, imagesIn(item)...)
	}
	return all
}

func used(n *node) Use {
	name := bareName(n.text)
	return Use{Name: name, Position: n.at, Manifest: n.at, Tagged: strings.ContainsAny(n.text[strings.LastIndex(n.text, "/")+1:], ":@")}
}

// bareName is the name of an image without tag and digest, in the short form of Docker Hub's.
func bareName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndex(image, ":"); colon > strings.LastIndex(image, "/") {
		image = image[:colon]
	}
	for _, hub := range []string{"docker.io/library/", "docker.io/", "index.docker.io/library/", "index.docker.io/"} {
		if rest, ok := strings.CutPrefix(image, hub); ok {
			return rest
		}
	}
	return image
}

// kustomization returns the images of what a folder renders to.
func (w *walker) kustomization(folder string, depth int) []Use {
	file, ok := kustomizationIn(scene{fsys: w.fsys}, folder)
	if !ok || depth > maxKustomDepth {
		w.partial = true
		return nil
	}
	var all []Use
	for _, doc := range w.docs(file) {
		for _, list := range []string{"resources", "bases", "components", "patchesStrategicMerge"} {
			for _, entry := range doc.list(list) {
				all = append(all, w.resource(folder, entry, depth)...)
			}
		}
		for _, list := range []string{"patches", "patchesJson6902"} {
			for _, entry := range doc.list(list) {
				if entry.get("path") != nil {
					all = append(all, w.resource(folder, entry.get("path"), depth)...)
				} else {
					all = append(all, inline(entry.get("patch"))...)
				}
			}
		}
		if len(doc.list("generators"))+len(doc.list("transformers"))+len(doc.list("helmCharts")) > 0 {
			w.partial = true
		}
		all = w.renamed(doc, all)
	}
	return all
}

// inline returns the images of a patch within a kustomization.
func inline(n *node) []Use {
	if n == nil || n.shape != scalar {
		return nil
	}
	docs, _ := documents(n.at.File, []byte(n.text))
	var all []Use
	for _, doc := range docs {
		for _, use := range imagesIn(doc) {
			use.Position, use.Manifest = n.at, n.at
			all = append(all, use)
		}
	}
	return all
}

func (w *walker) resource(folder string, n *node, depth int) []Use {
	if n.shape != scalar || strings.ContainsAny(n.text, "\n{[") || strings.Contains(n.text, ": ") {
		return inline(n)
	}
	to := path.Join(folder, n.text)
	switch {
	case strings.Contains(n.text, "://") || !fs.ValidPath(to):
	case isFolder(w.fsys, to):
		return w.kustomization(to, depth+1)
	case isFile(w.fsys, to):
		return w.file(to)
	}
	w.partial = true
	return nil
}

// renamed applies the images of a kustomization, and keeps those of its entries that change none.
func (w *walker) renamed(doc *node, uses []Use) []Use {
	var names []string
	for _, use := range uses {
		names = append(names, use.Name)
	}
	uses = slices.Clone(uses)
	for _, entry := range doc.list("images") {
		name, changes := bareName(entry.str("name")), false
		for i := range uses {
			if names[i] != name {
				continue
			}
			changes = true
			uses[i].Tagged = uses[i].Tagged || entry.get("newTag") != nil || entry.get("digest") != nil
			if to := entry.get("newName"); to != nil {
				uses[i].Written, uses[i].Name, uses[i].Position = name, bareName(to.text), to.at
			}
		}
		if at := entry.get("name"); !changes && at != nil {
			w.idle = append(w.idle, idleEntry{name, at.at, names})
		}
	}
	return uses
}

// checkImages compares the images that are built with those that are deployed.
func checkImages(fsys fs.FS, p Project, r *report) {
	if len(p.Artifacts) == 0 || len(p.Manifests.Kustomize)+len(p.Manifests.Raw) == 0 {
		return
	}
	uses := UsesOf(fsys, p.Manifests)
	built := map[string]Position{}
	for _, a := range p.Artifacts {
		built[bareName(a.Image)] = a.Position
	}
	severity := Error
	if uses.Partial {
		severity = Warning
	}
	for _, a := range p.Artifacts {
		if !uses.have(bareName(a.Image)) && !p.Needs(a.Image) {
			unusedImage(a, uses, built, severity, r)
		}
	}
	if !uses.Partial {
		unbuiltImages(uses, built, r)
		idleEntries(uses, r)
	}
}

// unbuiltImages reports images without a tag that are deployed and not built, when one that is built has nearly the
// same name.
func unbuiltImages(uses Uses, built map[string]Position, r *report) {
	var names []string
	for name := range built {
		if uses.have(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, use := range uses.Images {
		if use.Tagged || isBuilt(built, use.Name) {
			continue
		}
		if meant := spelling.Closest(use.Name, names); meant != "" {
			r.add(use.Position, Warning, "unbuilt-image", "image "+use.Name, fmt.Sprintf("deployed and not built; %s is, at %s", meant, placeOf(built[meant])), fmt.Sprintf("did you mean %s? If another image is meant, give it a tag", meant))
		}
	}
}

// idleEntries reports entries of kustomizations that change no image.
func idleEntries(uses Uses, r *report) {
	for _, idle := range uses.idle {
		remedy := "remove the entry, or use the image"
		if meant := spelling.Closest(idle.name, idle.among); meant != "" {
			remedy = fmt.Sprintf("did you mean %s?", meant)
		}
		r.add(idle.at, Warning, "idle-entry", "images: "+idle.name, "changes no image: no manifest below has one of this name", remedy)
	}
}

func (u Uses) have(name string) bool {
	return slices.ContainsFunc(u.Images, func(use Use) bool { return IsImage(name, use.Name) })
}

// IsImage reports whether an image that is built is the one that is deployed, both without tag and digest: a name
// without a registry is the same in any, since a delivery writes where it has pushed to.
func IsImage(built, deployed string) bool {
	if built == deployed {
		return true
	}
	host, rest, within := strings.Cut(deployed, "/")
	return within && rest == built && (strings.ContainsAny(host, ".:") || host == "localhost")
}

// isBuilt reports whether one of the images that are built is the one that is deployed.
func isBuilt(built map[string]Position, deployed string) bool {
	for name := range built {
		if IsImage(name, deployed) {
			return true
		}
	}
	return false
}

// Needs reports whether an image is for something else than what is deployed: for another that is built upon it, or
// for a verification, which runs it.
func (p Project) Needs(image string) bool {
	return slices.ContainsFunc(p.Artifacts, func(a Artifact) bool {
		return slices.ContainsFunc(a.DependsOn, func(d Dependency) bool { return d.Image == image })
	}) || slices.ContainsFunc(p.Verifications, func(v Verification) bool { return IsImage(bareName(image), bareName(v.Image)) })
}

// unusedImage reports an image that is built and that nothing deployed has, with the name that was probably meant.
func unusedImage(a Artifact, uses Uses, built map[string]Position, severity Severity, r *report) {
	name := bareName(a.Image)
	var free []string
	for _, use := range uses.Images {
		if use.Written == name {
			r.add(a.Position, severity, "unused-image", "image "+a.Image, fmt.Sprintf("built, and nothing deployed has it: the manifest at %s does, and %s makes it %s", placeOf(use.Manifest), placeOf(use.Position), use.Name), "build it by the name "+use.Name)
			return
		}
		if !isBuilt(built, use.Name) {
			free = append(free, use.Name)
		}
	}
	if meant := spelling.Closest(name, free); meant != "" {
		i := slices.IndexFunc(uses.Images, func(use Use) bool { return use.Name == meant })
		r.add(a.Position, severity, "unused-image", "image "+a.Image, fmt.Sprintf("built, and nothing deployed has it; %s has %s", placeOf(uses.Images[i].Position), meant), fmt.Sprintf("did you mean %s? Write the same name in both places", meant))
		return
	}
	remedy := "use it in a manifest, or remove it"
	slices.Sort(free)
	if free = slices.Compact(free); len(free) > 0 {
		remedy = "build one of those that are deployed: " + listed(free)
	}
	r.add(a.Position, severity, "unused-image", "image "+a.Image, "built, and nothing deployed has it", remedy)
}

func placeOf(p Position) string { return fmt.Sprintf("%s:%d", p.File, p.Line) }
