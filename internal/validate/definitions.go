package validate

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

// maxEntries bounds how many files and directories a search for definitions passes.
const maxEntries = 200_000

// errEnough ends a search.
var errEnough = errors.New("enough was read")

// CheckIn is Check for objects of a tree. Where kinds are unknown, the tree is searched for their
// CustomResourceDefinitions, wherever they stand in it: who applies the objects has applied those before. The search
// reads a bounded number of files, and passes over hidden directories.
func CheckIn(tree fs.FS, objs []render.Rendered, known *Known) []*problem.Error {
	findings, _ := checkIn([]fs.FS{tree}, objs, known)
	return findings
}

// checkIn is CheckIn, and returns what an API server warns of.
func checkIn(trees []fs.FS, objs []render.Rendered, known *Known) (findings, warnings []*problem.Error) {
	findings, warnings = check(&Good{}, objs, known)
	wanted := map[schema.GroupKind]bool{}
	for _, o := range objs {
		if slices.ContainsFunc(findings, func(f *problem.Error) bool { return isUnknownKind(f) && f.Object == ObjectName(o.Object) }) {
			wanted[o.Object.GroupVersionKind().GroupKind()] = true
		}
	}
	if len(wanted) == 0 {
		return findings, warnings
	}
	var with Known
	if known != nil {
		with = *known
	}
	for _, tree := range trees {
		with.CRDs = slices.Concat(with.CRDs, definitionsIn(tree, wanted))
	}
	if len(with.CRDs) == 0 {
		return findings, warnings
	}
	return check(&Good{}, objs, &with)
}

func isUnknownKind(f *problem.Error) bool { return f.Rule == RuleUnknownKind }

// definitionsIn returns the definitions of the wanted kinds in a tree. A file that cannot be read has none.
func definitionsIn(tree fs.FS, wanted map[schema.GroupKind]bool) []apiextensionsv1.CustomResourceDefinition {
	var all []apiextensionsv1.CustomResourceDefinition
	files, entries := 0, 0
	// The search ends with its files, or with errEnough.
	_ = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // as if it were not there
		}
		if entries++; entries > maxEntries {
			return errEnough
		}
		if entry.IsDir() {
			return enter(name)
		}
		if !entry.Type().IsRegular() || !render.IsManifest(name) {
			return nil
		}
		if files++; files > maxSchemas {
			return errEnough
		}
		for _, crd := range definitionsOf(mayDefine(tree, name)) {
			if wanted[schema.GroupKind{Group: crd.Spec.Group, Kind: crd.Spec.Names.Kind}] {
				all = append(all, crd)
			}
		}
		return nil
	})
	return all
}

// enter returns fs.SkipDir for a directory of what somebody else has put there.
func enter(name string) error {
	if base := path.Base(name); name != "." && (strings.HasPrefix(base, ".") || base == "node_modules" || base == "vendor") {
		return fs.SkipDir
	}
	return nil
}

// mayDefine returns the content of a file that may define kinds, and nothing of any other.
func mayDefine(tree fs.FS, name string) []byte {
	info, err := fs.Stat(tree, name)
	if err != nil || info.Size() > maxSchemaFile {
		return nil
	}
	data, err := fs.ReadFile(tree, name)
	if err != nil || !bytes.Contains(data, []byte(crdKind.Kind)) {
		return nil
	}
	return data
}
