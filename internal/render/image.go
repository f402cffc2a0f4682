package render

import "strings"

// ImageEntry is an entry of images in a kustomization.
type ImageEntry struct {
	Place Place
	// Name is the image that it is for, and NewName what it becomes, without a tag or a digest; the same as Name where the
	// entry has none.
	Name, NewName string
	// Matched is whether an image of what the kustomization builds on has the name, and Images are the names of those.
	Matched bool
	Images  []string
}

// ImageName returns an image's name without its tag and digest.
func ImageName(image string) string {
	name, _, _ := strings.Cut(image, "@")
	if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, '/') {
		name = name[:at]
	}
	return name
}
