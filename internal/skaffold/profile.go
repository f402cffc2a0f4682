package skaffold

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/internal/spelling"
)

// module is a document of a file, as the newest version writes it.
type module struct {
	doc     *node
	version string
	file    string
	// base is the folder that its paths are relative to.
	base string
	name string
}

// profiles returns the profiles of a module by their names.
func (m module) profiles(r *report) map[string]*node {
	all := map[string]*node{}
	for _, p := range m.doc.list("profiles") {
		name := p.str("name")
		switch {
		case name == "":
			r.add(p.at, Error, "required", "profiles[].name", "missing", "give the profile a name, by which -p finds it")
		case all[name] != nil:
			r.add(p.get("name").at, Error, "duplicate", "profile "+name, "defined twice in one module", "rename one of them")
		default:
			all[name] = p
		}
	}
	return all
}

// activate returns the profiles of a module that are applied, in order: those that activate themselves as the file has
// them, and then those that were asked for.
func activate(m module, asked []string, o Options, r *report) []Profile {
	known := m.profiles(r)
	var chosen []Profile
	off := func(name string) bool { return slices.Contains(asked, "-"+name) }
	for _, p := range m.doc.list("profiles") {
		name := p.str("name")
		reason := activation(p, o, r)
		if reason == "" || known[name] != p || off(name) || slices.Contains(asked, name) {
			continue
		}
		chosen = append(chosen, Profile{Name: name, Module: m.name, Reason: reason})
		if wants := p.str("deploy", "kubeContext"); strings.HasPrefix(reason, "kubeContext") && wants != "" && wants != o.KubeContext && !o.KubeContextGiven {
			r.add(p.get("deploy", "kubeContext").at, Error, "context", "profile "+name, "activated by context "+o.KubeContext+", which it changes to "+wants, "give --kube-context, or another activation")
		}
	}
	for _, name := range asked {
		if known[name] != nil && !off(name) && !slices.ContainsFunc(chosen, func(p Profile) bool { return p.Name == name }) {
			chosen = append(chosen, Profile{Name: name, Module: m.name, Reason: "-p " + name})
		}
	}
	return chosen
}

// activation returns why a profile activates itself; "" when it does not.
func activation(profile *node, o Options, r *report) string {
	entries := profile.list("activation")
	if o.WithoutActivation || len(entries) == 0 {
		return ""
	}
	var reasons []string
	for _, entry := range entries {
		reason := triggered(entry, o, r)
		switch {
		case reason != "":
			reasons = append(reasons, reason)
		case profile.flag("requiresAllActivations"):
			return ""
		}
	}
	return strings.Join(reasons, ", ")
}

// triggered returns what of an entry is the case; "" unless all of it is.
func triggered(entry *node, o Options, r *report) string {
	var reasons []string
	if env := entry.get("env"); env != nil {
		key, pattern, ok := strings.Cut(env.text, "=")
		if !ok {
			r.add(env.at, Error, "activation", "activation env", fmt.Sprintf("%q is not KEY=pattern", env.text), "write it as KEY=pattern; an empty pattern is for a variable that is not set")
			return ""
		}
		value := o.Env[key]
		if pattern == "" && value != "" || pattern != "" && !fits(env.at, pattern, value, r) {
			return ""
		}
		reasons = append(reasons, "env "+env.text)
	}
	for name, value := range map[string]string{"kubeContext": o.KubeContext, "command": o.Command} {
		pattern := entry.get(name)
		if pattern == nil {
			continue
		}
		if value == "" && name == "kubeContext" || !fits(pattern.at, pattern.text, value, r) {
			return ""
		}
		reasons = append(reasons, name+" "+pattern.text)
	}
	slices.SortFunc(reasons, func(a, b string) int { return strings.Compare(b, a) })
	return strings.Join(reasons, " and ")
}

// fits reports whether a value is the pattern, or has a match of it; a pattern behind ! must not.
func fits(at Position, pattern, value string, r *report) bool {
	pattern, not := strings.CutPrefix(pattern, "!")
	if pattern == value {
		return !not
	}
	matcher, err := regexp.Compile(pattern)
	if err != nil {
		r.add(at, Error, "activation", "activation", fmt.Sprintf("%q is not a regular expression", pattern), "write one as Go has them, with \\ before what is meant as itself")
		return false
	}
	return matcher.MatchString(value) != not
}

// withProfiles returns the module with profiles applied: the fields of each, and then its patches.
func (m module) withProfiles(chosen []Profile, r *report) module {
	known := map[string]*node{}
	for _, p := range m.doc.list("profiles") {
		if name := p.str("name"); known[name] == nil {
			known[name] = p
		}
	}
	m.doc = upgrade(m.doc, m.version, r)
	for _, c := range chosen {
		profile := known[c.Name]
		over := upgrade(profile, m.version, r)
		m.doc = overlaid("Pipeline", m.doc, over)
		m.doc = m.patched(profile, r)
	}
	return m
}

// overlaid returns base with the fields of a profile. Lists, and mappings that are a choice of their own, replace what
// was there; zero values leave it.
func overlaid(name string, base, over *node) *node {
	t := skaffoldSchema.find(name)
	for _, f := range over.fields {
		row := t.row(f.name, "")
		if row == nil || f.value.empty() && f.value.shape != mapping || f.value.shape == null {
			continue
		}
		there := base.get(f.name)
		if row.Merged && there != nil && there.shape == mapping && f.value.shape == mapping {
			base = base.with(f.name, f.at, overlaid(row.Shape, there, f.value))
			continue
		}
		for _, other := range t.Rows {
			if row.Group != "" && other.Group == row.Group && other.Field != f.name && base.get(other.Field) != nil {
				base = base.with(other.Field, f.at, nil)
			}
		}
		base = base.with(f.name, f.at, f.value)
	}
	return base
}

func (m module) patched(profile *node, r *report) *node {
	doc := m.doc
	for i, p := range profile.list("patches") {
		o := operation{op: p.str("op"), path: upgradePath(p.str("path"), m.version), from: upgradePath(p.str("from"), m.version), value: p.get("value")}
		made, err := o.apply(doc)
		if err != nil {
			at := p.at
			if place := p.get("path"); place != nil {
				at = place.at
			}
			r.add(at, Error, "patch", fmt.Sprintf("profile %s: patches[%d]", profile.str("name"), i), fmt.Sprintf("path %q %s", p.str("path"), err), "write the path of a field that the file has, such as /build/artifacts/0/docker/dockerfile")
			continue
		}
		doc = made
	}
	return doc
}

// unknownProfiles reports those that were asked for and that no file has.
func unknownProfiles(asked []string, modules []module, r *report) {
	var names []string
	for _, m := range modules {
		for _, p := range m.doc.list("profiles") {
			names = append(names, p.str("name"))
		}
	}
	for _, name := range asked {
		name = strings.TrimPrefix(name, "-")
		if slices.Contains(names, name) || len(modules) == 0 {
			continue
		}
		remedy := "the files have no profiles"
		if meant := spelling.Closest(name, names); meant != "" {
			remedy = fmt.Sprintf("did you mean %s?", meant)
		} else if len(names) > 0 {
			remedy = "choose one of " + listed(names)
		}
		r.add(Position{File: modules[0].file}, Error, "profile", "profile "+name, "not found", remedy)
	}
}
