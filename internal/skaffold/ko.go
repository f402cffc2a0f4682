package skaffold

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/mod/modfile"
)

// koScheme begins names of images that are import paths of Go main packages, as ko has them.
const koScheme = "ko://"

// pushedName is the name that an image is pushed by: an import path is one in small letters.
func pushedName(image string) string {
	if importPath, is := strings.CutPrefix(image, koScheme); is {
		return strings.ToLower(importPath)
	}
	return image
}

// packageOf finds the package of a name that is an import path, in the module of a folder or of one above it.
func (s scene) packageOf(a *Artifact, object string) {
	importPath := strings.TrimPrefix(a.Image, koScheme)
	folder, module := s.moduleOf(a.Go.Dir)
	switch below, within := strings.CutPrefix(importPath, module); {
	case module == "":
		s.report.add(a.Position, Error, "image", object, fmt.Sprintf("%s: no go.mod in %s or above it", a.Image, a.Go.Dir), "give the folder of the module as ko.dir")
	case !within || below != "" && below[0] != '/':
		s.report.add(a.Position, Error, "image", object, fmt.Sprintf("%s is not of module %s (%s)", a.Image, module, path.Join(folder, "go.mod")), "give the folder of its module as ko.dir, or correct the import path")
	case !isFolder(s.fsys, path.Join(folder, below)):
		remedy := "correct the import path"
		if near := s.near(path.Join(folder, below)); near != "" {
			remedy = fmt.Sprintf("did you mean %s%s?", koScheme, path.Join(module, strings.TrimPrefix(near, folder)))
		}
		s.report.add(a.Position, Error, "image", object, fmt.Sprintf("%s: folder %q not found", a.Image, path.Join(folder, below)), remedy)
	default:
		a.Go.Dir, a.Go.Main = folder, "."+below
		if a.Context != "." && !strings.HasPrefix(folder+"/", a.Context+"/") {
			// What is compiled is what is watched.
			a.Context = folder
		}
	}
}

// moduleOf returns the nearest folder with a go.mod, from one upwards, and the path of its module; "" where there is
// none.
func (s scene) moduleOf(folder string) (at, module string) {
	for at = folder; ; at = path.Dir(at) {
		if data, err := fs.ReadFile(s.fsys, path.Join(at, "go.mod")); err == nil {
			return at, modfile.ModulePath(data)
		}
		if at == "." || at == "/" {
			return folder, ""
		}
	}
}
