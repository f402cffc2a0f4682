package skaffold

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/spelling"
)

// Options are what a command line and its surroundings choose.
type Options struct {
	// Dir is the working directory in the file system, against which the paths in a file are resolved; "" is its root.
	Dir string
	// Folder is what the folder is called on this machine, for a project without a name.
	Folder string
	// Profiles are those of -p, in order; one that begins with - is switched off.
	Profiles []string
	// OwnProfilesOnly keeps Profiles from those files that others require.
	OwnProfilesOnly bool
	// WithoutActivation leaves out profiles that activate themselves.
	WithoutActivation bool
	// Modules are those of -m; none is all.
	Modules []string
	// Command is dev, run, build, render, delete or diagnose, which activates profiles.
	Command string
	// KubeContext is the context in use, which activates profiles.
	KubeContext string
	// KubeContextGiven is set when a flag has chosen it.
	KubeContextGiven bool
	// Env is the environment, for templates and activations.
	Env map[string]string
}

// Names of files that are looked for in the working directory, in this order.
var names = []string{"skaffold.yaml", "skaffold.yml", "cyan.yaml", "cyan.yml"}

// Result is a project and what there is to say about how it was read.
type Result struct {
	Project  Project
	Findings []Finding
	// Written are all fields that the files have, and what becomes of them.
	Written []Written
	// Modules are those that were read.
	Modules []Module
	// Effective are the modules as the newest version writes them, with their profiles applied; "" for other files.
	Effective string
}

// Read reads a project from a file of the file system: a skaffold.yaml if it is called so or has an apiVersion,
// otherwise a cyan.yaml. With "" for the path it takes skaffold.yaml, skaffold.yml or cyan.yaml in the working
// directory, or, if there is none, looks at the folder.
//
// Findings of severity Error are what has to be corrected; the project is then as far as it could be read. The error is
// for what could not be read at all.
func Read(fsys fs.FS, path string, choose Options) (Project, []Finding, error) {
	result, err := Check(fsys, path, choose)
	return result.Project, result.Findings, err
}

// Check reads a project as [Read] does, and lists all fields of its files.
func Check(fsys fs.FS, file string, o Options) (Result, error) {
	o.Dir = cmp.Or(path.Clean(o.Dir), ".")
	r := &report{}
	var p Project
	var read Result
	var err error
	env := skaffoldEnv(fsys, o.Dir, o.Env, r)
	o.Env = joined(env, o.Env)
	looked := []string{path.Join(o.Dir, "skaffold.env")}
	if file == "" {
		var more []string
		file, more = fileIn(fsys, o.Dir, r)
		looked = append(looked, more...)
	}
	if file == "" {
		p, err = detect(fsys, o, r)
	} else {
		read, err = readFile(fsys, path.Clean(file), o, r)
		p = read.Project
	}
	if err != nil {
		return Result{}, err
	}
	p.Env, p.Files = env, slices.Compact(slices.Sorted(slices.Values(append(p.Files, looked...))))
	if len(Errors(r.findings)) == 0 {
		checkImages(fsys, p, r)
	}
	return Result{Project: p, Findings: sorted(r.findings), Written: r.written, Modules: read.Modules, Effective: read.Effective}, nil
}

// fileIn returns the file of a project in a folder, "" for none, and those that were looked for. Others beside it are
// named.
func fileIn(fsys fs.FS, dir string, r *report) (file string, looked []string) {
	for _, name := range names {
		at := path.Join(dir, name)
		switch {
		case file == "":
			looked = append(looked, at)
			if isFile(fsys, at) {
				file = at
			}
		case isFile(fsys, at):
			r.add(Position{File: at, Line: 1}, Note, "file", at, "not read, since "+file+" is there", "name it with -f, or remove one of them")
		}
	}
	return file, looked
}

func joined(first, over map[string]string) map[string]string {
	all := maps.Clone(first)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, over)
	return all
}

// skaffoldEnv reads the variables of a skaffold.env, but those that the environment has.
func skaffoldEnv(fsys fs.FS, dir string, env map[string]string, r *report) map[string]string {
	file := path.Join(dir, "skaffold.env")
	data, err := fs.ReadFile(fsys, file)
	if err != nil || len(data) > maxBytes {
		return nil
	}
	all := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxBytes)
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimPrefix(strings.TrimSpace(lines.Text()), "export ")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if key = strings.TrimSpace(key); !ok || key == "" || strings.Contains(key, " ") {
			r.add(Position{file, number, 1}, Error, "environment", "skaffold.env", "not KEY=value", "write one variable a line")
			continue
		}
		if _, set := env[key]; !set {
			all[key] = unquoted(strings.TrimSpace(value))
		}
	}
	return all
}

func unquoted(s string) string {
	if n := len(s); n > 1 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}

// open reads a file that somebody has named.
func open(fsys fs.FS, file string) ([]byte, error) {
	data, err := fs.ReadFile(fsys, file)
	if err == nil {
		return data, nil
	}
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	remedy := "give the path of a skaffold.yaml or a cyan.yaml with -f"
	var near []string
	for _, pattern := range []string{"skaffold*.y*ml", "*/skaffold*.y*ml", "cyan.y*ml"} {
		matches, _ := fs.Glob(fsys, pattern)
		near = append(near, matches...)
	}
	if len(near) > 0 {
		remedy = "did you mean " + listed(near) + "?"
	}
	return nil, &problem.Error{Kind: problem.Absent, Object: file, Cause: "file not found", Remedy: remedy, Err: err}
}

// readFile reads a project from a file of either form.
func readFile(fsys fs.FS, file string, o Options, r *report) (Result, error) {
	data, err := open(fsys, file)
	if err != nil {
		return Result{}, err
	}
	docs, found := documents(file, data)
	r.findings = append(r.findings, found...)
	if !isSkaffold(file, docs) {
		return Result{Project: readCyan(fsys, file, docs, o, r)}, nil
	}
	l := &loader{fsys: fsys, options: o, report: r, seen: map[string]bool{}, parsed: map[string][]*node{file: docs}}
	l.load(request{file: file, base: o.Dir, names: o.Modules, profiles: o.Profiles, named: true})
	unknownProfiles(o.Profiles, l.loaded, r)
	p := l.project()
	p.File, p.Files = file, append(slices.Collect(maps.Keys(l.parsed)), l.missing...)
	p.Name = orElse(p.Name, orElse(o.Folder, path.Base(o.Dir)))
	read := Result{Project: p, Modules: l.modules()}
	for _, m := range l.loaded {
		read.Effective += m.effective()
	}
	return read, nil
}

func isSkaffold(file string, docs []*node) bool {
	name := path.Base(file)
	versioned := slices.ContainsFunc(docs, func(d *node) bool { return d.get("apiVersion") != nil })
	return !strings.HasPrefix(name, "cyan.") && (versioned || strings.Contains(name, "skaffold"))
}

// request is a file to load, and what of it.
type request struct {
	file, base string
	names      []string
	profiles   []string
	// named is set for the file that somebody has asked for.
	named bool
	at    Position
}

// loader reads the modules of a file and of those that it requires.
type loader struct {
	fsys    fs.FS
	options Options
	report  *report
	parsed  map[string][]*node
	// missing are files that are required and not there.
	missing []string
	seen    map[string]bool
	// loaded are the modules, each behind those that it requires, and profiles those that were applied.
	loaded   []module
	profiles []Profile
}

// maxFiles bounds how many files one may require.
const maxFiles = 100

func (l *loader) load(q request) {
	docs, ok := l.docs(q)
	if !ok {
		return
	}
	var modules []string
	for i, doc := range docs {
		name := doc.str("metadata", "name")
		if slices.Contains(modules, name) && name != "" {
			l.report.add(doc.get("metadata", "name").at, Error, "duplicate", "module "+name, "there twice in one file", "rename one of them")
		}
		modules = append(modules, name)
		if key := fmt.Sprintf("%s %d", q.file, i); len(q.names) == 0 || slices.Contains(q.names, name) {
			if !l.seen[key] {
				l.seen[key] = true
				l.module(doc, name, q)
			}
		}
	}
	for _, name := range q.names {
		if !slices.Contains(modules, name) {
			remedy := "choose one of " + listed(modules)
			if meant := spelling.Closest(name, modules); meant != "" {
				remedy = fmt.Sprintf("did you mean %s?", meant)
			}
			l.report.add(orPosition(q.at, Position{File: q.file}), Error, "module", "module "+name, "not found in "+q.file, remedy)
		}
	}
}

func orPosition(p, otherwise Position) Position {
	if p.File == "" {
		return otherwise
	}
	return p
}

func (l *loader) docs(q request) ([]*node, bool) {
	if docs, ok := l.parsed[q.file]; ok {
		return docs, true
	}
	if len(l.parsed) >= maxFiles {
		l.report.add(q.at, Error, "requires", "requires", fmt.Sprintf("more than %d files", maxFiles), "join some of them")
		return nil, false
	}
	data, err := fs.ReadFile(l.fsys, q.file)
	if err != nil {
		l.missing = append(l.missing, q.file, inFolder(l.fsys, q.file))
		l.report.add(q.at, Error, "requires", "requires "+q.file, "file not found", "correct the path, which is relative to the folder of the file that it stands in")
		return nil, false
	}
	docs, found := documents(q.file, data)
	l.report.findings = append(l.report.findings, found...)
	l.parsed[q.file] = docs
	return docs, true
}

// module reads one document, and before it those that it requires.
func (l *loader) module(doc *node, name string, q request) {
	version, ok := readVersion(doc, l.report)
	if !ok {
		return
	}
	if kind := doc.get("kind"); kind == nil || kind.text != "Config" {
		l.report.add(orNode(kind, doc).at, Error, "kind", "kind", "not Config", "write kind: Config")
	}
	before := len(l.report.findings)
	judge{schema: skaffoldSchema, version: version, of: prefix + version, report: l.report}.mapping("Config", doc, "", false)
	m := module{doc: doc, version: version, file: q.file, base: q.base, name: name}
	chosen := activate(m, q.profiles, l.options, l.report)
	for _, required := range doc.list("requires") {
		l.require(required, m, chosen, q)
	}
	l.profiles = append(l.profiles, chosen...)
	applied := m.withProfiles(chosen, l.report)
	withoutEffect(l.report.findings[before:], applied.doc, l.options.Command)
	l.loaded = append(l.loaded, applied)
}

// require loads what a module requires. The path is relative to the folder of the file that it stands in, as are all
// paths in the required one.
func (l *loader) require(n *node, m module, chosen []Profile, q request) {
	if n.get("git") != nil || n.get("googleCloudStorage") != nil || n.get("googleCloudBuildRepoV2") != nil {
		return
	}
	next := request{file: q.file, base: q.base, names: n.strings("configs"), at: n.at}
	if !l.options.OwnProfilesOnly {
		next.profiles = slices.Clone(l.options.Profiles)
	}
	for _, p := range n.list("activeProfiles") {
		by := p.strings("activatedBy")
		if len(by) == 0 || slices.ContainsFunc(chosen, func(c Profile) bool { return slices.Contains(by, c.Name) }) {
			next.profiles = append(next.profiles, p.str("name"))
		}
	}
	if to := n.get("path"); to != nil {
		s := scene{fsys: l.fsys, report: l.report}
		file, ok := s.resolve(to.at, "requires.path", path.Dir(m.file), to.text)
		if !ok {
			return
		}
		next.at = to.at
		if isFolder(l.fsys, file) {
			file = inFolder(l.fsys, file)
		}
		if next.file = file; file != q.file {
			next.base = path.Dir(file)
		}
	}
	l.load(next)
}

// inFolder returns the file of Skaffold's in a folder.
func inFolder(fsys fs.FS, folder string) string {
	for _, name := range names[:2] {
		if file := path.Join(folder, name); isFile(fsys, file) {
			return file
		}
	}
	return path.Join(folder, names[0])
}

// deploys are the commands that need something to deploy.
var deploys = []string{"", "dev", "run", "debug", "deploy", "render", "delete", "apply"}

// project joins the modules.
func (l *loader) project() Project {
	p := Project{Profiles: l.profiles}
	for i, m := range l.loaded {
		s := scene{fsys: l.fsys, env: l.options.Env, base: m.base, module: m.name, report: l.report}
		p.Artifacts = append(p.Artifacts, s.artifacts(m.doc)...)
		manifests := s.manifests(m.doc, slices.Contains(deploys, l.options.Command))
		p.Manifests.Kustomize = append(p.Manifests.Kustomize, manifests.Kustomize...)
		p.Manifests.Raw = append(p.Manifests.Raw, manifests.Raw...)
		p.Manifests.Hooks.Before = append(p.Manifests.Hooks.Before, manifests.Hooks.Before...)
		p.Manifests.Hooks.After = append(p.Manifests.Hooks.After, manifests.Hooks.After...)
		p.Forwards = append(p.Forwards, s.forwards(m.doc)...)
		p.Verifications = append(p.Verifications, s.verifications(m.doc)...)
		hooks := s.hostHooks(m.doc.get("build", "hooks"), "build.hooks")
		p.Hooks.Before, p.Hooks.After = append(p.Hooks.Before, hooks.Before...), append(p.Hooks.After, hooks.After...)
		if d := s.deploy(m.doc); i == 0 {
			p.Deploy = d
		} else {
			p.Deploy = p.Deploy.together(d, m.doc.at, l.report)
		}
	}
	if p.Deploy.StatusCheckSeconds == 0 {
		p.Deploy.StatusCheckSeconds = 600
	}
	// The module that was asked for stands behind those that it requires.
	if len(l.loaded) > 0 {
		p.Name = l.loaded[len(l.loaded)-1].name
	}
	p.Artifacts = ordered(p.Artifacts, l.report)
	return p
}
