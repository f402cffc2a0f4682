package desired

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/skaffold"
	"github.com/cyan-cd/cyan/internal/spelling"
)

// SetImages sets the images of the objects, by the names that they call them. What they have as tag or digest counts
// for nothing. It changes the objects.
func SetImages(objects []*unstructured.Unstructured, refs map[string]string) {
	for _, object := range objects {
		if holdsNoImages(object) {
			continue
		}
		eachImage(object.Object, func(value string) string {
			if ref, ok := refs[Name(value)]; ok {
				return ref
			}
			for name, ref := range refs {
				if skaffold.IsImage(name, Name(value)) {
					return ref
				}
			}
			return value
		})
	}
}

// Images are the images that an object runs, by their names.
func Images(object *unstructured.Unstructured) map[string]string {
	all := map[string]string{}
	if holdsNoImages(object) {
		return all
	}
	eachImage(object.Object, func(value string) string {
		all[Name(value)] = value
		return value
	})
	return all
}

// RefOf returns which of the images that run, by name, is the one that is built by a name; "" for none.
func RefOf(running map[string]string, built string) string {
	if ref, is := running[built]; is {
		return ref
	}
	for _, name := range slices.Sorted(maps.Keys(running)) {
		if skaffold.IsImage(built, name) {
			return running[name]
		}
	}
	return ""
}

// Uses lists the names of the images that an object runs.
func Uses(object *unstructured.Unstructured) []string {
	if holdsNoImages(object) {
		return nil
	}
	var all []string
	eachImage(object.Object, func(value string) string {
		all = append(all, Name(value))
		return value
	})
	slices.Sort(all)
	return slices.Compact(all)
}

// holdsNoImages reports whether a field called image is something else in an object.
func holdsNoImages(object *unstructured.Unstructured) bool {
	switch object.GetKind() {
	case "CustomResourceDefinition", "ConfigMap", "Secret":
		return true
	}
	return false
}

// eachImage has every image in a value replaced.
func eachImage(value any, replace func(string) string) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			if text, ok := inner.(string); ok && key == "image" {
				v[key] = replace(text)
				continue
			}
			eachImage(inner, replace)
		}
	case []any:
		for _, inner := range v {
			eachImage(inner, replace)
		}
	}
}

// Name returns what an image is called, without tag and digest.
func Name(image string) string {
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

// Built is an image that is built, and where the project says so.
type Built struct {
	Name string
	File string
	Line int
}

// Unused returns the problems of images that are built and that no object runs, each with what was probably meant.
func Unused(objects []render.Rendered, built []Built) []*problem.Error {
	places := map[string]string{}
	for _, r := range objects {
		for _, name := range Uses(r.Object) {
			if _, there := places[name]; !there {
				places[name] = placeOf(r)
			}
		}
	}
	names := slices.Sorted(maps.Keys(places))
	var found []*problem.Error
	for _, b := range built {
		if slices.ContainsFunc(names, func(name string) bool { return skaffold.IsImage(Name(b.Name), name) }) {
			continue
		}
		p := &problem.Error{
			Kind: problem.Usage, File: b.File, Line: b.Line, Object: "image " + b.Name, Cause: "built, and no object runs it",
			Remedy: "give it the name that the manifests have, or leave it out",
		}
		free := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			return slices.ContainsFunc(built, func(other Built) bool { return skaffold.IsImage(Name(other.Name), name) })
		})
		if near := spelling.Closest(b.Name, free); near != "" {
			p.Cause += fmt.Sprintf("; %s runs %s", places[near], near)
			p.Remedy = "write the same name in both places"
		} else if len(free) > 0 {
			p.Cause += "; what they run and is not built: " + strings.Join(free[:min(len(free), mostNamed)], ", ")
		}
		found = append(found, p)
	}
	return found
}

// mostNamed bounds how many images a message names.
const mostNamed = 6

func placeOf(r render.Rendered) string {
	place := fmt.Sprintf("%s %s", r.Object.GetKind(), r.Object.GetName())
	if r.Origin.File == "" {
		return place
	}
	return fmt.Sprintf("%s (%s:%d)", place, r.Origin.File, r.Origin.Line)
}
