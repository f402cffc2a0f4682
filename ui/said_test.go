package ui_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/view"
)

// argument is what is filled into a template, or what one chooses by.
var argument = regexp.MustCompile(`\{(\w+)(?:\}|, select,)`)

func argumentsOf(template string) string {
	names := map[string]bool{}
	for _, found := range argument.FindAllStringSubmatch(template, -1) {
		names[found[1]] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(names)), " ")
}

// TestWhatTheServerSaysIsSaidInJapanese holds the page's words for the server's sentences to their templates: each has
// some, which fill in nothing that is not sent.
func TestWhatTheServerSaysIsSaidInJapanese(t *testing.T) {
	file, err := os.ReadFile("src/i18n/ja/said.json")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	if err := json.Unmarshal(file, &said); err != nil {
		t.Fatal(err)
	}
	templates := view.Templates()
	for _, code := range slices.Sorted(maps.Keys(templates)) {
		words, found := said[code]
		switch {
		case !found:
			t.Errorf("%s: no words in Japanese for %q", code, templates[code])
		case argumentsOf(words) != argumentsOf(templates[code]):
			t.Errorf("%s: Japanese fills in %q, the template %q", code, argumentsOf(words), argumentsOf(templates[code]))
		}
	}
	for _, code := range slices.Sorted(maps.Keys(said)) {
		// The words for by whom are the page's own.
		if _, found := templates[code]; !found && !strings.HasPrefix(code, "by.") {
			t.Errorf("%s: the server has no such template", code)
		}
	}
}

// verb is what fmt fills in.
var verb = regexp.MustCompile(`%[-+# 0-9.]*[a-zA-Z]`)

// sentence returns the text of an expression, with {} for what stands in it.
func sentence(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); e.Kind == token.STRING && err == nil {
			return text
		}
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return sentence(e.X) + sentence(e.Y)
		}
	case *ast.ParenExpr:
		return sentence(e.X)
	}
	return "{}"
}

// sentencesOf returns the sentences of all files of a folder, and those that are causes and remedies.
func sentencesOf(t *testing.T, root string) (all, told map[string]bool) {
	t.Helper()
	all, told = map[string]bool{}, map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				all[sentence(n)] = true
			case *ast.BasicLit:
				all[sentence(n)] = true
				all[verb.ReplaceAllString(sentence(n), "{}")] = true
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && (key.Name == "Cause" || key.Name == "Remedy") {
					if call, ok := n.Value.(*ast.CallExpr); ok && len(call.Args) > 0 {
						told[verb.ReplaceAllString(sentence(call.Args[0]), "{}")] = true
					} else {
						told[sentence(n.Value)] = true
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, told
}

// TestWhatIsTranslatedIsSaid holds the page's words for what has no template to what the server says: each is a
// sentence of its code, or made of parts that are. It tells how much of what is said has words.
func TestWhatIsTranslatedIsSaid(t *testing.T) {
	file, err := os.ReadFile("src/i18n/ja/phrases.json")
	if err != nil {
		t.Fatal(err)
	}
	phrases := map[string]string{}
	if err := json.Unmarshal(file, &phrases); err != nil {
		t.Fatal(err)
	}
	all, told := sentencesOf(t, "../internal")
	text := make([]string, 0, len(all))
	for one := range all {
		text = append(text, one)
	}
	everything := strings.Join(text, "\n")
	for _, english := range slices.Sorted(maps.Keys(phrases)) {
		if all[english] {
			continue
		}
		for part := range strings.SplitSeq(strings.ReplaceAll(english, "{}", "; "), "; ") {
			if part = strings.Trim(part, " :'"); part != "" && !strings.Contains(everything, part) {
				t.Errorf("%q: nothing says %q", english, part)
			}
		}
	}
	known := 0
	for one := range told {
		if _, found := phrases[one]; found {
			known++
		}
	}
	t.Logf("%d of %d causes and remedies have words in Japanese", known, len(told))
}
