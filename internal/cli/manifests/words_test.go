package manifests

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// fieldOfSource is a field of an Application's source, which is not there where a path is named.
var fieldOfSource = regexp.MustCompile(`(^|[^-\w])source\.[a-z]\w*`)

// unreachable are fields that no flag sets: what is said of them is said of an Application alone.
var unreachable = regexp.MustCompile(`source\.(chart|helm|plugin|directory\.jsonnet|kustomize\.(version|kubeVersion|apiVersions))`)

// Whatever renderers say of the fields of a source is said in the words of who has named a path.
func TestWords(t *testing.T) {
	root := filepath.Join("..", "..", "render")
	checked := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(literal.Value)
			if err != nil || !fieldOfSource.MatchString(text) || unreachable.MatchString(text) {
				return true
			}
			checked++
			if said := inFlags.Replace(text); fieldOfSource.MatchString(said) {
				t.Errorf("%s: %q is said as %q", path, text, said)
			}
			// Options are of directories.
			if said := ofFile.Replace(text); fieldOfSource.MatchString(said) && !strings.Contains(text, "source.directory.in") && !strings.Contains(text, "source.directory.exclude") {
				t.Errorf("%s: %q is said of a file as %q", path, text, said)
			}
			return true
		})
		return nil
	})
	if err != nil || checked < 15 {
		t.Fatalf("%v; %d texts were found, want at least 15", err, checked)
	}
	for text, want := range map[string]string{
		"add it, or exclude the file with source.directory.exclude":                                                 "add it, or leave the file out",
		"let source.path name its directory, or exclude it with source.directory.exclude":                           "name its folder, or what it is built to",
		"add it; a file for another program than the API server is left out by source.directory.exclude":            "add it; a file for another program than the API server had better not be named",
		`source.path "a": app path does not exist in this revision`:                                                 `path "a": app path does not exist in this revision`,
		"kustomization in a source that is read as a directory of plain files":                                      "kustomization and not an object: its folder is what is built",
		"the label a is set to \"b\" here and to \"c\" by source.kustomize.commonLabels":                            "the label a is set to \"b\" here and to \"c\" by --kustomize-common-label",
		"remove the field openapi where the built-in schema will do, or split the source into several Applications": "remove the field openapi where the built-in schema will do, or split it into parts",
	} {
		if got := ofFile.Replace(text); got != want {
			t.Errorf("%q is said as %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		`source.path "a": app path does not exist in this revision`:           `path "a": not found`,
		"resources[0] a.yaml: no such file or directory in this revision":     "resources[0] a.yaml: no such file or directory",
		"check source.path and source.targetRevision":                         "check the path",
		"nothing outside the repository is read: copy what is needed into it": "nothing outside the work tree is read: copy what is needed into it, or give --root",
	} {
		if got := (inTurn{inFlags, ofFolder}).Replace(text); got != want {
			t.Errorf("of a folder, %q is said as %q, want %q", text, got, want)
		}
	}
}
