package skaffold

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// detect reads a project from a folder without a file.
func detect(fsys fs.FS, o Options, r *report) (Project, error) {
	s := scene{fsys: fsys, env: o.Env, base: o.Dir, report: r}
	p := Project{Name: folderName(o.Dir, o), ForwardServices: true, Deploy: Deploy{StatusCheck: true, StatusCheckSeconds: 600, LogPrefix: "auto"}}
	p.Manifests = detectManifests(s)
	if len(p.Manifests.Kustomize)+len(p.Manifests.Raw) == 0 {
		return p, nothingFound(s, o, p.Name)
	}
	p.Artifacts = detectImages(s, p.Manifests, p.Name)
	return p, nil
}

var (
	// homes are folders in which manifests are kept; the nearer to an overlay of this machine, the earlier.
	homes    = []string{"k8s/kustomize", "k8s", "kubernetes", "kustomize", "deploy", "manifests", "."}
	overlays = []string{"local", "dev", "development"}
)

// detectManifests finds a kustomization: an overlay for this machine, or else a folder itself; or else manifests in
// such a folder.
func detectManifests(s scene) Manifests {
	var folders []string
	for _, home := range homes {
		for _, overlay := range overlays {
			folders = append(folders, path.Join(s.base, home, "overlays", overlay), path.Join(s.base, home, overlay))
		}
	}
	for _, home := range homes {
		folders = append(folders, path.Join(s.base, home))
	}
	for _, folder := range folders {
		if file, ok := kustomizationIn(s, folder); ok {
			at := Position{File: file, Line: 1, Column: 1}
			s.report.add(at, Note, "detected", "manifests", "found in "+folder, "")
			return Manifests{Kustomize: []Kustomization{{Path: folder, Position: at}}}
		}
	}
	for _, home := range homes[:len(homes)-1] {
		folder := path.Join(s.base, home)
		files := slices.DeleteFunc(globbed(s.fsys, folder), func(name string) bool { return !isManifest(name) || !hasObjects(s.fsys, name) })
		if len(files) > 0 {
			at := Position{File: files[0], Line: 1, Column: 1}
			s.report.add(at, Note, "detected", "manifests", "found in "+folder, "")
			return Manifests{Raw: []Raw{{Pattern: folder, Position: at}}}
		}
	}
	return Manifests{}
}

func hasObjects(fsys fs.FS, file string) bool {
	data, err := fs.ReadFile(fsys, file)
	if err != nil {
		return false
	}
	docs, _ := documents(file, data)
	return slices.ContainsFunc(docs, func(d *node) bool { return d.str("apiVersion") != "" && d.str("kind") != "" })
}

// overlaysBelow are the folders with a kustomization below one, for a message.
func (s scene) overlaysBelow(folder string) []string {
	var all []string
	visited := 0
	_ = fs.WalkDir(s.fsys, folder, func(name string, entry fs.DirEntry, err error) error {
		if visited++; err != nil || visited > maxFound || len(all) > 12 {
			return fs.SkipAll
		}
		if !entry.IsDir() && slices.Contains(kustomizationFiles, entry.Name()) {
			all = append(all, path.Dir(name))
		}
		return nil
	})
	return all
}

// source is something in a folder that an image can be built of, by a name.
type source struct {
	name                string
	context, dockerfile string
	main                string
}

// sources are, by their precedence: NAME.Dockerfile, NAME/Dockerfile, a Dockerfile that builds cmd/NAME, and cmd/NAME.
func (s scene) sources() []source {
	var all, mains []source
	own := path.Join(s.base, "Dockerfile")
	text, _ := fs.ReadFile(s.fsys, own)
	entries, _ := fs.ReadDir(s.fsys, s.base)
	for _, e := range entries {
		name := e.Name()
		below := path.Join(s.base, name)
		if image, ok := strings.CutSuffix(name, ".Dockerfile"); ok && !e.IsDir() {
			all = append(all, source{name: image, context: s.base, dockerfile: below})
		}
		if image, ok := strings.CutPrefix(name, "Dockerfile."); ok && !e.IsDir() && image != "dockerignore" {
			all = append(all, source{name: image, context: s.base, dockerfile: below})
		}
		if e.IsDir() && isFile(s.fsys, path.Join(below, "Dockerfile")) {
			all = append(all, source{name: name, context: below, dockerfile: path.Join(below, "Dockerfile")})
		}
	}
	commands, _ := fs.ReadDir(s.fsys, path.Join(s.base, "cmd"))
	for _, e := range commands {
		switch name := e.Name(); {
		case !e.IsDir() || !hasModule(s.fsys, s.base):
		case strings.Contains(string(text), "cmd/"+name):
			mains = append(mains, source{name: name, context: s.base, dockerfile: own})
		default:
			mains = append(mains, source{name: name, context: s.base, main: "./cmd/" + name})
		}
	}
	return append(all, mains...)
}

// detectImages finds what the images that are deployed are built of.
func detectImages(s scene, manifests Manifests, project string) []Artifact {
	uses := UsesOf(s.fsys, manifests)
	sources := s.sources()
	var built []Artifact
	var rest []Use
	for _, use := range uses.Images {
		if slices.ContainsFunc(built, func(a Artifact) bool { return a.Image == use.Name }) {
			continue
		}
		if strings.HasPrefix(use.Name, koScheme) {
			built = append(built, s.detectedPackage(use))
			continue
		}
		i := slices.IndexFunc(sources, func(c source) bool { return c.name == lastPart(use.Name) })
		if i < 0 {
			if !slices.ContainsFunc(rest, func(other Use) bool { return other.Name == use.Name }) {
				rest = append(rest, use)
			}
			continue
		}
		built = append(built, s.detected(use, sources[i]))
	}
	return append(built, s.detectedOwn(rest, built, project)...)
}

// detectedPackage is an image whose name is the import path of the package that it is built of.
func (s scene) detectedPackage(use Use) Artifact {
	a := Artifact{Image: use.Name, Context: s.base, Go: &Go{Dir: s.base}, Position: use.Position, Tagger: Tagger{Policy: GitCommit, Variant: "Tags"}}
	before := len(s.report.findings)
	if s.packageOf(&a, "image"); len(s.report.findings) == before {
		s.report.add(use.Position, Note, "detected", "image "+use.Name, "built of Go package "+a.Go.Main+" in "+a.Go.Dir, "")
	}
	return a
}

func lastPart(image string) string { return strings.TrimSuffix(path.Base(image), "-image") }

func (s scene) detected(use Use, c source) Artifact {
	a := Artifact{Image: use.Name, Context: c.context, Position: use.Position, Tagger: Tagger{Policy: GitCommit, Variant: "Tags"}}
	what := c.dockerfile
	if c.dockerfile != "" {
		a.Docker = &Docker{Dockerfile: c.dockerfile}
	} else {
		what = "Go package " + orElse(c.main, "in "+c.context)
		a.Go = &Go{Dir: c.context, Main: c.main}
	}
	s.report.add(use.Position, Note, "detected", "image "+use.Name, "built of "+what, "")
	return a
}

// detectedOwn finds the image of the folder itself: the one that has its name, or the only one that is left.
func (s scene) detectedOwn(rest []Use, built []Artifact, project string) []Artifact {
	own := source{context: s.base}
	switch file := path.Join(s.base, "Dockerfile"); {
	case isFile(s.fsys, file):
		own.dockerfile = file
	case !hasModule(s.fsys, s.base) || len(built) > 0:
		own.context = ""
	}
	taken := slices.ContainsFunc(built, func(a Artifact) bool { return a.Docker != nil && a.Docker.Dockerfile == own.dockerfile })
	if own.context == "" || taken || len(rest) == 0 {
		return nil
	}
	i := slices.IndexFunc(rest, func(use Use) bool { return lastPart(use.Name) == project })
	if i < 0 && len(rest) == 1 {
		i = 0
	}
	if i < 0 {
		var names []string
		for _, use := range rest {
			names = append(names, use.Name)
		}
		s.report.add(Position{File: orElse(own.dockerfile, path.Join(s.base, "go.mod")), Line: 1, Column: 1}, Error, "detected", "images",
			"which of "+listed(names)+" is built here is not known", fmt.Sprintf("write a cyan.yaml with images: [{image: %s}]", names[0]))
		return nil
	}
	return []Artifact{s.detected(rest[i], own)}
}
