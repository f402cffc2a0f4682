package render

import (
	"cmp"
	"regexp"
	"strings"
)

// ImageEntry is an entry of images in a kustomization.
type ImageEntry struct {
	Place Place
	// Name is the image that it is for, a regular expression as kustomize has it, and NewName what it becomes, without a
	// tag or a digest; "" where it keeps its name.
	Name, NewName string
	// NewTag and Digest are what it gets instead of its own; "" where it keeps them.
	NewTag, Digest string
	// Matched is whether an image of what the kustomization builds on has the name, and Images are the names of those.
	Matched bool
	Images  []string
}

// Matcher returns what reports whether the entry is for an image, which may have a tag and a digest, by kustomize's own
// rule. An entry whose name is an invalid regular expression is for none.
func (e ImageEntry) Matcher() func(image string) bool {
	if regexp.QuoteMeta(e.Name) == e.Name && ImageName(e.Name) == e.Name {
		return func(image string) bool { return ImageName(image) == e.Name }
	}
	pattern, err := regexp.Compile("^" + e.Name + `(:[a-zA-Z0-9_.{}-]*)?(@[a-zA-Z0-9]+([.+_-][a-zA-Z0-9]+)*:[a-zA-Z0-9_.{}-]*)?$`)
	if err != nil {
		return func(string) bool { return false }
	}
	return pattern.MatchString
}

// Set returns what an image becomes that the entry is for.
func (e ImageEntry) Set(image string) string {
	name := ImageName(image)
	rest := image[len(name):]
	if e.NewTag != "" || e.Digest != "" {
		rest = ""
	}
	if e.NewTag != "" {
		rest = ":" + e.NewTag
	}
	if e.Digest != "" {
		rest += "@" + e.Digest
	}
	return cmp.Or(e.NewName, name) + rest
}

// ImageName returns an image's name without its tag and digest.
func ImageName(image string) string {
	name, _, _ := strings.Cut(image, "@")
	if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, '/') {
		name = name[:at]
	}
	return name
}
