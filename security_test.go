package cyan_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// testsOfAFolder matches a folder and the tests that are named after it.
var testsOfAFolder = regexp.MustCompile("`([a-z0-9/]+)` ((?:(?:Test|Fuzz)\\w+(?:, )?)+)")

// TestSecurityPageNamesTests: every answer in docs/security.md has a test that is there.
func TestSecurityPageNamesTests(t *testing.T) {
	page, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, line := range strings.Split(string(page), "\n") {
		cells := strings.Split(line, " | ")
		const columns = 4
		if len(cells) != columns || strings.HasPrefix(line, "| advisory") {
			continue
		}
		proof := strings.TrimSuffix(cells[columns-1], " |")
		found := testsOfAFolder.FindAllStringSubmatch(proof, -1)
		if len(found) == 0 && proof != "–" && proof != "`make audit`" {
			t.Errorf("%s: %q names no test", cells[0], proof)
		}
		for _, match := range found {
			for _, name := range strings.Split(match[2], ", ") {
				named++
				if !hasTest(t, match[1], name) {
					t.Errorf("%s: %s has no test %s", cells[0], match[1], name)
				}
			}
		}
	}
	if named == 0 {
		t.Error("no test is named: the table was not found")
	}
}

// hasTest reports whether a test is among those of a folder.
func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}

// TestServersChooseTheirLog: without an ErrorLog net/http writes to the terminal of whoever runs the program, in a
// format of its own, and clients decide how much.
func TestServersChooseTheirLog(t *testing.T) {
	found := 0
	for _, folder := range []string{"cmd", "internal"} {
		err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if made, ok := n.(*ast.CompositeLit); ok && speaksHTTP(made.Type) {
					found++
					if !hasField(made, "ErrorLog") {
						t.Errorf("%s: without an ErrorLog", files.Position(made.Pos()))
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found == 0 {
		t.Error("no server was found")
	}
}

// speaksHTTP reports whether a type is one of net/http's that logs for itself.
func speaksHTTP(of ast.Expr) bool {
	name, ok := of.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	from, ok := name.X.(*ast.Ident)
	return ok && (from.Name == "http" && name.Sel.Name == "Server" || from.Name == "httputil" && name.Sel.Name == "ReverseProxy")
}

func hasField(made *ast.CompositeLit, field string) bool {
	for _, e := range made.Elts {
		pair, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		if name, ok := pair.Key.(*ast.Ident); ok && name.Name == field {
			return true
		}
	}
	return false
}
