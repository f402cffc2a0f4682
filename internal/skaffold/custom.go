package skaffold

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Custom is an image that a command of the file builds on this machine.
type Custom struct {
	// Command is for a shell, in the folder that is built.
	Command string
	// Paths are patterns of the files that it reads, from the folder that is built, and Ignore those that do not count;
	// no paths are all files.
	Paths, Ignore []string
	// Refused is set where there is no consent to run it.
	Refused bool
}

// Env are the variables that the command gets for an image of a repository and a tag, with the images that it is built
// upon by their names there.
func (a Artifact) Env(repository, tag, platform, folder string, push bool, bases map[string]string) map[string]string {
	env := map[string]string{
		"IMAGE": repository + ":" + tag, "PUSH_IMAGE": strconv.FormatBool(push), "BUILD_CONTEXT": folder, "PLATFORMS": platform, "SKIP_TEST": "false",
	}
	for _, on := range a.DependsOn {
		env[on.Alias] = bases[on.Image]
	}
	return env
}

// Ignored are patterns of the files that do not count, as a .dockerignore has them.
func (c Custom) Ignored() []string {
	var all []string
	if len(c.Paths) > 0 {
		all = append(all, "**")
	}
	for _, p := range c.Paths {
		if p = path.Clean(p); p == "." {
			p = "**"
		}
		all = append(all, "!"+p, "!"+p+"/**")
	}
	return append(all, c.Ignore...)
}

// customOf reads an image that a command builds.
func (s scene) customOf(n *node, at string) *Custom {
	c := &Custom{Command: s.expanded(n.get("buildCommand"), at+".buildCommand")}
	if strings.TrimSpace(n.str("buildCommand")) == "" {
		s.report.add(n.at, Error, "required", at+".buildCommand", "missing", "write the command that builds $IMAGE, and pushes it where $PUSH_IMAGE is true")
	}
	on := n.get("dependencies")
	c.Paths, c.Ignore = on.strings("paths"), on.strings("ignore")
	for _, name := range []string{"paths", "ignore"} {
		for i, item := range on.list(name) {
			s.pattern(item, fmt.Sprintf("%s.dependencies.%s[%d]", at, name, i), item.text)
		}
	}
	return c
}

// ofImage are the variables of a template that are known once it is known what an image is called.
var ofImage = []string{"IMAGE_REPO", "IMAGE_NAME", "IMAGE_TAG"}

// withImage are the variables of an environment with those of an image.
func withImage(env map[string]string, repository, tag string) map[string]string {
	all := maps.Clone(env)
	if all == nil {
		all = map[string]string{}
	}
	folder, name := path.Split(repository)
	all["IMAGE_REPO"], all["IMAGE_NAME"], all["IMAGE_TAG"] = strings.TrimSuffix(folder, "/"), name, tag
	return all
}

// mentionsImage reports whether a template asks for what an image is called.
func mentionsImage(text string) bool {
	return strings.Contains(text, "{{") && slices.ContainsFunc(ofImage, func(name string) bool { return strings.Contains(text, name) })
}

// Args are the values of ARGs for an image of a repository and a tag.
func (d Docker) Args(repository, tag string) map[string]string {
	all := maps.Clone(d.BuildArgs)
	if all == nil {
		all = map[string]string{}
	}
	for name, text := range d.Templates {
		// What is wrong with a template was found when the file was read.
		if value, err := expand(text, withImage(d.env, repository, tag)); err == nil {
			all[name] = value
		}
	}
	return all
}

// imageArgs takes the values of ARGs out of args that ask for what the image is called, as they are written.
func (s scene) imageArgs(n *node, at string) (args, templates map[string]string) {
	if n == nil || n.shape != mapping {
		return s.args(n, at), nil
	}
	plain := *n
	plain.fields = nil
	for _, f := range n.fields {
		if f.value.shape != scalar || !mentionsImage(f.value.text) {
			plain.fields = append(plain.fields, f)
			continue
		}
		tried := s
		tried.env = withImage(s.env, "repository/name", "tag")
		tried.expanded(f.value, join(at, f.name))
		if templates == nil {
			templates = map[string]string{}
		}
		templates[f.name] = f.value.text
	}
	return s.args(&plain, at), templates
}
