// Package decide is what the dev loop does about changed files: what is built, what is copied into running containers,
// whether manifests are deployed. It takes values and returns values.
package decide

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/moby/patternmatcher"
)

// Change is a file that has other contents than before or another mode, or that is gone. Path is slash-separated and
// relative to the root of what is watched.
type Change struct {
	Path string
	Gone bool
	// Link is whether it is a symbolic link.
	Link bool
	// At is when the file was changed, by its own time; zero where that is not known.
	At time.Time
}

// Window is a time in which commands of the project ran, right before what they prepare was read: what they changed in
// it is no change any more.
type Window struct{ From, To time.Time }

func (w Window) holds(c Change) bool {
	return !c.Gone && !c.At.IsZero() && c.At.After(w.From) && !c.At.After(w.To)
}

// Project is what changes are judged by.
type Project struct {
	// Artifacts are the images, each behind those that it depends on.
	Artifacts []Artifact
	// Definition are the files that the project was read from, and Reloads how often it was read for what commands may
	// have written.
	Definition []string
	Reloads    Again
	// Manifests are the files and folders that the last rendering looked at; of a folder, what is directly in it
	// counts.
	Manifests []string
	// Prepared is when commands prepared the manifests for the last rendering.
	Prepared Window
	// Commands are those of the project, and Again how often manifests were deployed for what they may have written.
	Commands Commands
	Again    Again
}

// Artifact is an image that is built.
type Artifact struct {
	Image string
	// Context is the folder that is built; "." is the root.
	Context string
	// Plan are files that decide how it is built, such as the Dockerfile, besides those of the Go toolchain.
	Plan []string
	// Ignore are the patterns of the context's .dockerignore.
	Ignore []string
	// Sources is what is known of the files that it is made of; nil where that is all of the context.
	Sources *Sources
	// DependsOn are images of other artifacts.
	DependsOn []string
	// Sync is what is copied into running containers instead of being built.
	Sync []SyncRule
	// Inferred is what is copied besides, because the Dockerfile does.
	Inferred Inferred
	// Prepared is when commands prepared the files for the last build.
	Prepared Window
	// Again is how often it was built for files that commands may have written.
	Again Again
}

// Sources are the files that a Go program is made of.
type Sources struct {
	// Folders are those of packages: what the toolchain reads directly in them counts.
	Folders []string
	// Trees are files that are embedded, and folders of which everything below is.
	Trees []string
}

// State is what is known of an artifact's image.
type State struct {
	// Built is whether there is an image, and Failed whether the last build of it failed.
	Built, Failed bool
}

// Running is what is known of what runs.
type Running struct {
	Images map[string]State
	// Deployed is whether the last deployment went through.
	Deployed bool
}

// Copy is a file that goes into running containers of an image, or out of them.
type Copy struct {
	Image string
	Change
	// Dest is where it is in the container; a relative one is in the image's working directory.
	Dest string
}

// Work is what is to be done.
type Work struct {
	// Reload has the project read anew, before anything else.
	Reload bool
	// Build are the images to build, in the order of the project, and Replan those of them whose builder has to be
	// chosen anew.
	Build, Replan []string
	Sync          []Copy
	// Deploy has the manifests deployed whatever the builds make.
	Deploy bool
	// Again is what is known from now on of how often images, manifests (OfManifests) and the project (OfDefinition)
	// followed from themselves, and Spared are the files that they are not built, deployed or read for any more.
	Again  map[string]Again
	Spared map[string][]string
}

// What there is beside images, which go by their names.
const (
	OfManifests  = ""
	OfDefinition = "/"
)

// judge decides whether something is done for changes, and notes what is known from then on.
func (w *Work) judge(k Commands, of string, a Again, changes []Change) bool {
	do, next, spared := k.judge(a, changes)
	if len(changes) > 0 && (a.Times > 0 || len(a.Seen) > 0 || next.Times > 0 || len(next.Seen) > 0) {
		if w.Again == nil {
			w.Again = map[string]Again{}
		}
		w.Again[of] = next
	}
	if len(spared) > 0 {
		if w.Spared == nil {
			w.Spared = map[string][]string{}
		}
		w.Spared[of] = spared
	}
	return do
}

// Nothing reports whether there is nothing to do.
func (w Work) Nothing() bool {
	return !w.Reload && len(w.Build) == 0 && len(w.Sync) == 0 && !w.Deploy
}

// Next returns what to do about changes; without changes, what a loop begins with.
func Next(p Project, r Running, changes []Change) Work {
	var w Work
	var definition, manifests []Change
	for _, c := range changes {
		if slices.Contains(p.Definition, c.Path) {
			definition = append(definition, c)
		}
		if isManifest(p.Manifests, c.Path) && !p.Prepared.holds(c) {
			manifests = append(manifests, c)
		}
	}
	if w.Reload = w.judge(p.Commands, OfDefinition, p.Reloads, definition); w.Reload {
		return w
	}
	w.Deploy = w.judge(p.Commands, OfManifests, p.Again, manifests)
	for _, a := range p.Artifacts {
		of, replan, copies := a.next(p, r.Images[a.Image], changes)
		build := w.judge(p.Commands, a.Image, a.Again, of) || r.Images[a.Image].lacks(changes)
		build = build || slices.ContainsFunc(a.DependsOn, func(on string) bool { return slices.Contains(w.Build, on) })
		switch {
		case build:
			w.Build = append(w.Build, a.Image)
			if replan {
				w.Replan = append(w.Replan, a.Image)
			}
		default:
			w.Sync = append(w.Sync, copies...)
		}
	}
	w.Deploy = w.Deploy || len(changes) == 0 && !r.Deployed
	return w
}

// Deploys reports whether there is something to deploy behind the builds of a round: other is whether one of them made
// another image than before.
func (w Work) Deploys(r Running, other bool) bool {
	return w.Deploy || other || len(w.Build) > 0 && !r.Deployed
}

// lacks reports whether an image is built whatever has changed. What has failed is not tried again for a change that
// has nothing to do with it.
func (s State) lacks(changes []Change) bool {
	return (!s.Built || s.Failed) && (len(changes) == 0 || !s.Failed)
}

// next returns the changes that an artifact is built for, whether by a builder that is chosen anew, and otherwise what
// is copied.
func (a Artifact) next(p Project, s State, changes []Change) (of []Change, replan bool, copies []Copy) {
	ignored := a.matcher()
	replan = !s.Built || s.Failed
	for _, c := range changes {
		if !a.holds(c.Path, ignored) || a.Prepared.holds(c) {
			continue
		}
		if a.decides(c.Path) {
			of, replan = append(of, c), true
			continue
		}
		dest, ok := a.destination(c)
		if ok && s.Built && !s.Failed && !a.isBase(p) {
			copies = append(copies, Copy{Image: a.Image, Change: c, Dest: dest})
			continue
		}
		if a.concerns(c.Path) {
			of = append(of, c)
		}
	}
	return of, replan, copies
}

// matcher matches what the context's .dockerignore leaves out; nil for nothing.
func (a Artifact) matcher() *patternmatcher.PatternMatcher {
	m, err := patternmatcher.New(a.Ignore)
	if len(a.Ignore) == 0 || err != nil {
		return nil
	}
	return m
}

// holds reports whether a file is in what is built.
func (a Artifact) holds(file string, ignored *patternmatcher.PatternMatcher) bool {
	if slices.Contains(a.Plan, file) {
		return true
	}
	inside, ok := below(a.Context, file)
	if !ok || ignored == nil {
		return ok
	}
	out, err := ignored.MatchesOrParentMatches(inside)
	return err != nil || !out
}

// decides reports whether a file decides how the artifact is built.
func (a Artifact) decides(file string) bool {
	switch path.Base(file) {
	case "go.mod", "go.sum", "go.work", "go.work.sum", ".dockerignore":
		return true
	}
	return slices.Contains(a.Plan, file)
}

// concerns reports whether a file is one that the artifact is made of.
func (a Artifact) concerns(file string) bool {
	if a.Sources == nil {
		return true
	}
	return isCompiled(file) && slices.Contains(a.Sources.Folders, path.Dir(file)) || slices.ContainsFunc(a.Sources.Trees, func(tree string) bool {
		_, ok := below(tree, file)
		return ok || tree == file
	})
}

// isBase reports whether another artifact is built upon this one.
func (a Artifact) isBase(p Project) bool {
	return slices.ContainsFunc(p.Artifacts, func(other Artifact) bool { return slices.Contains(other.DependsOn, a.Image) })
}

// isManifest reports whether a rendering looks at a file.
func isManifest(read []string, file string) bool {
	return slices.Contains(read, file) || slices.Contains(read, path.Dir(file))
}

// below returns the path of a file in a folder.
func below(folder, file string) (string, bool) {
	if folder == "." || folder == "" {
		return file, true
	}
	return strings.CutPrefix(file, folder+"/")
}
