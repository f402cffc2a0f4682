package skaffold

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// readCyan reads a project from a cyan.yaml, whose paths are relative to its folder. What it leaves out is found there.
func readCyan(fsys fs.FS, file string, docs []*node, o Options, r *report) Project {
	p := Project{File: file, Files: []string{file}, Deploy: Deploy{StatusCheck: true, StatusCheckSeconds: 600, LogPrefix: "auto"}}
	doc := &node{shape: mapping, at: Position{file, 1, 1}}
	if len(docs) > 0 {
		doc = docs[0]
	}
	if len(docs) > 1 {
		r.add(docs[1].at, Error, "yaml", "cyan.yaml", "more than one document", "keep one")
	}
	judge{schema: cyanSchema, of: "cyan.yaml", report: r}.mapping("Cyan", doc, "", false)
	s := scene{fsys: fsys, env: o.Env, base: path.Dir(file), report: r}
	p.Name = orElse(doc.str("name"), folderName(s.base, o))
	p.Deploy.Namespace = doc.str("namespace")
	p.Manifests = s.cyanManifests(doc)
	for i, n := range doc.list("images") {
		if a, ok := s.cyanImage(n, fmt.Sprintf("images[%d]", i)); ok {
			p.Artifacts = append(p.Artifacts, a)
		}
	}
	p.Artifacts = ordered(p.Artifacts, r)
	p.Forwards = s.cyanForwards(doc)
	p.ForwardServices = doc.get("forwards") == nil
	if doc.get("manifests") == nil {
		p.Manifests = detectManifests(s)
	}
	if doc.get("images") == nil {
		p.Artifacts = detectImages(s, p.Manifests, folderName(s.base, o))
	}
	if len(p.Manifests.Kustomize)+len(p.Manifests.Raw) == 0 && len(Errors(r.findings)) == 0 {
		r.add(doc.at, Error, "manifests", "manifests", "none given, and none found in "+s.base, "give the folder of a kustomization, or files")
	}
	return p
}

func folderName(base string, o Options) string {
	if base == "." {
		return orElse(o.Folder, "app")
	}
	return path.Base(base)
}

// cyanManifests reads folders, files and patterns, one or a list of them.
func (s scene) cyanManifests(doc *node) Manifests {
	n := doc.get("manifests")
	if n == nil {
		return Manifests{}
	}
	entries := n.items
	if n.shape == scalar {
		entries = []*node{n}
	}
	var all Manifests
	for i, entry := range entries {
		at := "manifests"
		if n.shape == list {
			at = fmt.Sprintf("manifests[%d]", i)
		}
		to, ok := s.resolve(entry.at, at, s.base, entry.text)
		if _, is := kustomizationIn(s, to); ok && is {
			all.Kustomize = append(all.Kustomize, Kustomization{Path: to, Position: entry.at})
		} else if pattern, ok := s.raw(entry, at); ok {
			all.Raw = append(all.Raw, Raw{Pattern: pattern, Position: entry.at})
		}
	}
	return all
}

func (s scene) cyanImage(n *node, path string) (Artifact, bool) {
	a := Artifact{Image: n.str("image"), Position: n.at, Tagger: Tagger{Policy: GitCommit, Variant: "Tags"}}
	if name := n.get("image"); name != nil {
		a.Position = name.at
	}
	if !s.named(a, path) {
		return a, false
	}
	a.Context = s.folder(orNode(n.get("context"), n), path+".context", s.base, orElse(n.str("context"), "."))
	if !s.cyanBuilder(&a, n, path) {
		return a, false
	}
	for _, name := range n.strings("needs") {
		a.DependsOn = append(a.DependsOn, Dependency{Image: name, Alias: argumentName(name)})
	}
	if sync := n.list("sync"); len(sync) > 0 {
		a.Sync = s.syncOf((&node{shape: mapping, at: n.at}).with("manual", n.at, n.get("sync")), a, path+".sync")
	}
	return a, true
}

// cyanBuilder reads what an image is built of: what is named, or else a Dockerfile, or else a Go main package.
func (s scene) cyanBuilder(a *Artifact, n *node, path string) bool {
	file := orElse(n.str("dockerfile"), "Dockerfile")
	switch inContext, _ := s.resolve(n.at, path, a.Context, file); {
	case n.get("package") != nil:
		a.Go = &Go{Dir: a.Context, Main: n.str("package")}
		for _, name := range []string{"target", "args"} {
			if f := n.get(name); f != nil {
				s.report.add(f.at, Error, "one-of", join(path, name), "given beside package, which has no Dockerfile", "remove it, or give dockerfile")
			}
		}
	case n.get("dockerfile") != nil || isFile(s.fsys, inContext):
		a.Docker = &Docker{Target: n.str("target"), BuildArgs: s.args(n.get("args"), path+".args")}
		a.Docker.Dockerfile = s.dockerfile(*a, orNode(n.get("dockerfile"), n), path+".dockerfile", file)
	case hasModule(s.fsys, a.Context):
		a.Go = &Go{Dir: a.Context}
		if strings.HasPrefix(a.Image, koScheme) {
			s.packageOf(a, join(path, "image"))
		}
	default:
		s.report.add(a.Position, Error, "required", path, "folder "+a.Context+" has neither a Dockerfile nor a Go module", "give dockerfile or package, or another context")
		return false
	}
	return true
}

func hasModule(fsys fs.FS, folder string) bool { return isFile(fsys, path.Join(folder, "go.mod")) }

// argumentName is the build argument by which a Dockerfile names an image that it needs.
func argumentName(image string) string {
	return strings.ToUpper(strings.NewReplacer("/", "_", "-", "_", ".", "_", ":", "_").Replace(image))
}

func (s scene) cyanForwards(doc *node) []Forward {
	var all []Forward
	for i, n := range doc.list("forwards") {
		path := fmt.Sprintf("forwards[%d]", i)
		f := Forward{Port: s.required(n, path, "port"), LocalPort: n.number("local"), Address: "127.0.0.1", Position: n.at}
		for _, kind := range []string{"service", "pod", "deployment", "rollout"} {
			if name := n.str(kind); name != "" {
				f.Type, f.Name = kind, name
			}
		}
		if f.Type == "" {
			s.report.add(n.at, Error, "required", path, "names nothing that a port leads to", "write service: NAME")
		} else if s.forwardable(n, f, path) {
			all = append(all, f)
		}
	}
	return slices.Clip(all)
}
