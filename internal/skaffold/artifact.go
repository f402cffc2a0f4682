package skaffold

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/internal/spelling"
)

// scene is what values of a module are read with.
type scene struct {
	fsys fs.FS
	env  map[string]string
	// base is the folder that paths are relative to.
	base   string
	module string
	report *report
}

// expanded carries out the template of a field, if it is one.
func (s scene) expanded(n *node, path string) string {
	if n == nil || n.shape != scalar {
		return ""
	}
	value, err := expand(n.text, s.env)
	if err != nil {
		remedy := "write variables as {{.NAME}}, in quotes"
		if strings.HasPrefix(err.Error(), "variable ") {
			remedy = "set it in the environment or in skaffold.env, or give it a value with {{default \"…\" .NAME}}"
		}
		s.report.add(n.at, Error, "template", path, err.Error(), remedy)
	}
	return value
}

// resolve returns where a path leads to, from the root of the file system.
func (s scene) resolve(at Position, object, base, name string) (string, bool) {
	if path.IsAbs(name) || strings.Contains(name, `\`) {
		s.report.add(at, Error, "path", object, fmt.Sprintf("%q is not a relative path with slashes", name), "write it relative to the working directory, with /")
		return "", false
	}
	to := path.Join(base, name)
	if to == ".." || strings.HasPrefix(to, "../") {
		s.report.add(at, Error, "path", object, fmt.Sprintf("%q leads out of %s", name, s.bounds()), "give a path within it")
		return "", false
	}
	return to, true
}

// bounds names what paths may not lead out of.
func (s scene) bounds() string {
	if _, err := fs.Stat(s.fsys, ".git"); err != nil {
		return "the working directory, which is outside of git"
	}
	return "the repository"
}

// folder returns a folder that is there.
func (s scene) folder(n *node, object, base, name string) string {
	at := s.place(n)
	to, ok := s.resolve(at, object, base, name)
	if !ok {
		return base
	}
	if info, err := fs.Stat(s.fsys, to); err != nil || !info.IsDir() {
		remedy := "paths are relative to the working directory; correct it"
		if below := path.Join(path.Dir(at.File), name); below != to && isFolder(s.fsys, below) {
			remedy = fmt.Sprintf("paths are relative to the working directory, not to the file: run in %s, or write %s", path.Dir(at.File), below)
		} else if near := s.near(to); near != "" {
			remedy = fmt.Sprintf("did you mean %s?", near)
		}
		s.report.add(at, Error, "path", object, fmt.Sprintf("folder %q not found", to), remedy)
	}
	return to
}

// near returns the entry of the folder above with a name like the one that was written.
func (s scene) near(to string) string {
	entries, err := fs.ReadDir(s.fsys, path.Dir(to))
	if err != nil {
		return ""
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	meant := spelling.Closest(path.Base(to), names)
	if meant == "" {
		return ""
	}
	return path.Join(path.Dir(to), meant)
}

func (s scene) place(n *node) Position {
	if n == nil {
		return Position{}
	}
	return n.at
}

func isFolder(fsys fs.FS, name string) bool {
	info, err := fs.Stat(fsys, name)
	return err == nil && info.IsDir()
}

func isFile(fsys fs.FS, name string) bool {
	info, err := fs.Stat(fsys, name)
	return err == nil && !info.IsDir()
}

// imageName is a name of an image with or without a registry, and perhaps a tag.
var imageName = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]+)?/)?[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$`)

// artifacts returns those of a module.
func (s scene) artifacts(doc *node) []Artifact {
	build := doc.get("build")
	tagger := taggerOf(build.get("tagPolicy"), "build.tagPolicy", false, s.report)
	push := build.get("local", "push")
	unpushed := push != nil && !push.bool()
	if unpushed {
		s.report.add(push.at, Note, "push", "build.local.push", "images are pushed to the registry that the cluster names, or to --default-repo; `skaffold build` without either keeps them on this machine", "")
	}
	var all []Artifact
	for i, n := range build.list("artifacts") {
		at := fmt.Sprintf("build.artifacts[%d]", i)
		a := Artifact{Image: n.str("image"), Module: s.module, Tagger: tagger, Position: n.at, Platforms: n.strings("platforms"), Unpushed: unpushed, InsecureRegistries: build.strings("insecureRegistries")}
		if name := n.get("image"); name != nil {
			a.Position = name.at
		}
		if !s.named(a, at) {
			continue
		}
		if len(a.Platforms) == 0 {
			a.Platforms = build.strings("platforms")
		}
		a.Context = s.folder(orNode(n.get("context"), n), at+".context", s.base, orElse(n.str("context"), "."))
		s.builderOf(&a, n, at)
		for j, d := range n.list("requires") {
			a.DependsOn = append(a.DependsOn, Dependency{Image: s.required(d, fmt.Sprintf("%s.requires[%d]", at, j), "image"), Alias: orElse(d.str("alias"), d.str("image"))})
		}
		a.Hooks = s.hostHooks(n.get("hooks"), join(at, "hooks"))
		if sync := n.lookup("sync"); sync != nil {
			a.Sync = s.syncOf(sync, a, join(at, "sync"))
		}
		all = append(all, a)
	}
	return s.tests(doc, all)
}

func orNode(n, otherwise *node) *node {
	if n == nil {
		return otherwise
	}
	return n
}

func (s scene) named(a Artifact, path string) bool {
	switch {
	case a.Image == "":
		s.report.add(a.Position, Error, "required", path+".image", "missing", "give the name by which the manifests call the image")
	case !imageName.MatchString(pushedName(a.Image)):
		s.report.add(a.Position, Error, "image", path+".image", fmt.Sprintf("%q is not a name of an image", a.Image), "write it in small letters, as registry/name")
	default:
		return true
	}
	return false
}

// required returns a field that has to be there.
func (s scene) required(n *node, path, name string) string {
	value := n.str(name)
	if value == "" {
		s.report.add(n.at, Error, "required", join(path, name), "missing", "write it")
	}
	return value
}

// builderOf reads how an artifact is built. What none of the builders here builds is refused by the table of fields.
func (s scene) builderOf(a *Artifact, n *node, path string) {
	if ko := n.get("ko"); ko != nil {
		a.Go = &Go{Main: orElse(ko.str("main"), "."), Dir: a.Context}
		if dir := ko.get("dir"); dir != nil {
			a.Go.Dir = s.folder(dir, path+".ko.dir", a.Context, dir.text)
		}
		if labels := s.args(ko.get("labels"), path+".ko.labels"); len(labels) > 0 {
			a.Go.Labels = labels
		}
		a.Go.From = ko.str("fromImage")
		a.Go.Flags, a.Go.LinkerFlags, a.Go.Env = s.all(ko, path+".ko", "flags"), s.all(ko, path+".ko", "ldflags"), s.all(ko, path+".ko", "env")
		if strings.HasPrefix(a.Image, koScheme) {
			s.packageOf(a, path+".image")
			if main := ko.get("main"); main != nil {
				s.report.add(main.at, Note, "image", path+".ko.main", "not used: the name of the image is the import path of its package", "")
			}
		}
		return
	}
	docker, name := n.get("docker"), "docker"
	if kaniko := n.get("kaniko"); kaniko != nil {
		docker, name = kaniko, "kaniko"
		a.InsecureRegistries = slices.Concat(a.InsecureRegistries, kaniko.strings("insecureRegistry"))
	}
	for _, other := range []string{"bazel", "jib", "jibMaven", "jibGradle", "buildpacks", "buildpack"} {
		if n.get(other) != nil {
			return
		}
	}
	if custom := n.get("custom"); custom != nil {
		a.Custom = s.customOf(custom, path+".custom")
		return
	}
	path = join(path, name)
	if below := docker.get("contextSubPath"); below != nil {
		a.Context = s.folder(below, path+".contextSubPath", a.Context, below.text)
	}
	args, templates := s.imageArgs(docker.get("buildArgs"), path+".buildArgs")
	a.Docker = &Docker{
		Target: docker.str("target"), BuildArgs: args, Templates: templates, env: s.env, Labels: s.args(docker.get("label"), path+".label"),
		Network: docker.str("network"), Hosts: docker.strings("addHost"), Secrets: s.secrets(docker, path), SSH: docker.str("ssh"),
		Fresh: docker.flag("noCache"), Pull: docker.flag("pullParent"), Flags: docker.strings("cliFlags"),
	}
	a.Docker.Dockerfile = s.dockerfile(*a, orNode(docker.get("dockerfile"), n), path+".dockerfile", orElse(docker.str("dockerfile"), "Dockerfile"))
}

// all are the values of a list, with their templates carried out.
func (s scene) all(n *node, path, name string) []string {
	var all []string
	for i, item := range n.list(name) {
		all = append(all, s.expanded(item, fmt.Sprintf("%s.%s[%d]", path, name, i)))
	}
	return all
}

// secrets are what a builder gets; older versions have a single one.
func (s scene) secrets(docker *node, path string) []Secret {
	items := docker.list("secrets")
	if one := docker.get("secret"); one != nil {
		items, path = []*node{one}, path+".secret"
	}
	var all []Secret
	for _, item := range items {
		if id := s.required(item, path, "id"); id != "" {
			all = append(all, Secret{ID: id, Src: item.str("src"), Env: item.str("env")})
		}
	}
	return all
}

// dockerfile returns where a Dockerfile is: in the context, or else in the working directory.
func (s scene) dockerfile(a Artifact, n *node, object, name string) string {
	inContext, ok := s.resolve(n.at, object, a.Context, name)
	if !ok {
		return ""
	}
	if isFile(s.fsys, inContext) {
		return inContext
	}
	if elsewhere := path.Join(s.base, name); fs.ValidPath(elsewhere) && isFile(s.fsys, elsewhere) {
		return elsewhere
	}
	remedy := "Dockerfiles are relative to the context; correct it, or write one"
	if near := s.near(inContext); near != "" {
		remedy = fmt.Sprintf("did you mean %s?", near)
	}
	s.report.add(n.at, Error, "path", object, fmt.Sprintf("%q not found", inContext), remedy)
	return inContext
}

// args are values with templates. One without a value is that of the environment.
func (s scene) args(n *node, path string) map[string]string {
	if n == nil || n.shape != mapping {
		return nil
	}
	all := map[string]string{}
	for _, f := range n.fields {
		value, set := s.env[f.name]
		if f.value.shape == scalar {
			value, set = s.expanded(f.value, join(path, f.name)), true
		}
		if set {
			all[f.name] = value
		}
	}
	return all
}

// syncOf reads what is copied into containers.
func (s scene) syncOf(n *node, a Artifact, path string) Sync {
	sync := Sync{Infer: n.strings("infer"), Hooks: s.hooks(n.get("hooks"), join(path, "hooks"))}
	for i, rule := range n.list("manual") {
		at := fmt.Sprintf("%s.manual[%d]", path, i)
		sync.Manual = append(sync.Manual, SyncRule{Src: s.required(rule, at, "src"), Dest: s.required(rule, at, "dest"), Strip: rule.str("strip")})
		s.pattern(orNode(rule.get("src"), rule), at+".src", rule.str("src"))
		s.ofFiles(orNode(rule.get("src"), rule), a, at+".src", rule.str("src"))
	}
	for i, pattern := range n.list("infer") {
		s.pattern(pattern, fmt.Sprintf("%s.infer[%d]", path, i), pattern.text)
		s.ofFiles(pattern, a, fmt.Sprintf("%s.infer[%d]", path, i), pattern.text)
	}
	if a.Docker != nil && len(sync.Manual)+len(sync.Infer) == 0 && n.get("auto") == nil {
		sync.Infer = []string{"**/*"}
	}
	if a.Docker == nil && len(sync.Infer) > 0 {
		s.report.add(n.at, Warning, "sync", path, "destinations follow from a Dockerfile, which this image has not got", "give manual, with a destination")
		sync.Infer = nil
	}
	return sync
}

// ofFiles reports a pattern of files to copy that no file of an image can match, or that not every program has match.
func (s scene) ofFiles(n *node, a Artifact, object, pattern string) {
	plain := strings.TrimSuffix(pattern, "/")
	switch {
	case strings.HasPrefix(pattern, "/"):
		s.report.add(n.at, Warning, "sync", object, fmt.Sprintf("%q matches no file: paths are relative to the context", pattern), "write it without / before it")
	case plain != "" && isFolder(s.fsys, path.Join(a.Context, plain)):
		s.report.add(n.at, Note, "sync", object, fmt.Sprintf("%q is a folder: what is in it is copied, which other programs build", pattern), fmt.Sprintf("write %s/** to have it copied by all", plain))
	}
}

// pattern checks that a pattern of files can be one.
func (s scene) pattern(n *node, object, pattern string) {
	if _, err := path.Match(strings.ReplaceAll(pattern, "**", "*"), ""); err != nil {
		s.report.add(n.at, Error, "pattern", object, fmt.Sprintf("%q is not a pattern of files", pattern), "close its brackets, or write \\ before them")
	}
}

// ordered returns artifacts, each behind those that it depends on, and reports what is there twice or not at all.
func ordered(all []Artifact, r *report) []Artifact {
	byName := map[string]Artifact{}
	var names []string
	for _, a := range all {
		if first, twice := byName[a.Image]; twice {
			r.add(a.Position, Error, "duplicate", "image "+a.Image, fmt.Sprintf("built already at %s:%d", first.Position.File, first.Position.Line), "remove one of them, or choose a module with -m")
			continue
		}
		byName[a.Image] = a
		names = append(names, a.Image)
	}
	o := orderer{byName: byName, state: map[string]int{}, report: r}
	for _, name := range names {
		o.visit(byName[name])
	}
	for i, a := range o.done {
		needed := slices.ContainsFunc(o.done, func(other Artifact) bool {
			return slices.ContainsFunc(other.DependsOn, func(d Dependency) bool { return d.Image == a.Image })
		})
		if needed && a.Sync.Any() {
			r.add(a.Position, Note, "sync", "image "+a.Image, "another image is built upon it, so it is built and never synced", "")
			o.done[i].Sync = Sync{}
		}
	}
	return o.done
}

// orderer puts artifacts behind those that they depend on.
type orderer struct {
	byName map[string]Artifact
	// state is 1 while an artifact is visited, and 2 when it is done.
	state  map[string]int
	done   []Artifact
	report *report
}

func (o *orderer) visit(a Artifact) {
	if o.state[a.Image] != 0 {
		return
	}
	o.state[a.Image] = 1
	for _, d := range a.DependsOn {
		other, there := o.byName[d.Image]
		switch {
		case !there && d.Image != "":
			remedy := "add it to the artifacts"
			if meant := spelling.Closest(d.Image, slices.Sorted(maps.Keys(o.byName))); meant != "" {
				remedy = fmt.Sprintf("did you mean %s?", meant)
			}
			o.report.add(a.Position, Error, "requires", "image "+a.Image, "requires "+d.Image+", which no artifact builds", remedy)
		case o.state[d.Image] == 1:
			o.report.add(a.Position, Error, "requires", "image "+a.Image, "requires "+d.Image+", which requires it in turn", "break the circle")
		case there:
			o.visit(other)
		}
	}
	o.state[a.Image] = 2
	o.done = append(o.done, a)
}
