package ui_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// elsewhere are files whose sentences come to no page, each with why.
var elsewhere = map[string]string{
	"action/rollout.go":          inTerminal,
	"action/scripted.go":         inTerminal,
	"action/template.go":         inTerminal,
	"api/about.go":               "descriptions of calls",
	"api/grpc.go":                "said to programs",
	"api/unserved.go":            "said to programs",
	"auth/headers.go":            "said to programs",
	"delivery/decide.go":         inTerminal,
	"delivery/mark.go":           "messages of commits",
	"delivery/warnings.go":       inTerminal,
	"jq/taken.go":                "parts of a sentence that has words for each",
	"rollout/action.go":          inLog,
	"rollout/bluegreen/steps.go": "steps, which view says in its own words",
	"settings/page.go":           "a page of the documentation",
	"source/diagnose.go":         "what git says",
	"source/push.go":             "what git says",
	"source/signature.go":        "what git says",
	"validate/rules.go":          "descriptions of rules, in SARIF",
	"view/said_templates.go":     "templates, which have a test of their own",
}

const inTerminal = "read in a terminal alone"

// notSaid are texts that are no sentences, each with what it is.
var notSaid = map[string]string{
	"Apache License 2.0":                    "a licence",
	"Wait for promotion":                    "a step, which view says in its own words",
	"couldn't find remote ref":              "what git says",
	"missing necessary objects":             "what git says",
	"unadvertised object":                   "what git says",
	"{}, {}, {}":                            "a policy",
	"g, {}, {}":                             "a policy",
	"own account":                           "a group of calls",
	"account token":                         "what a request is asked by, in the log",
	"project token":                         "what a request is asked by, in the log",
	"no iat":                                "read in the log alone",
	"resource.customizations.actions of {}": "a key",
	"Not Found":                             "a badge, which has Argo CD's words",
	"OpenID Connect":                        "a name",
	"Bitbucket Server":                      "a name",
	"Azure DevOps":                          "a name",
	"Secret {}/{}":                          "an object",
	"Lease {}/{}":                           "an object",
	"jq expression {}":                      "an object",
	"sync status":                           "a part of an event that has words for each",
	"health status":                         "a part of an event that has words for each",
	"Unknown user":                          "a part of an event that has words for each",
	"Automated sync":                        "a part of an event that has words for each",
	" and {} more":                          "a part of a list that has words",
	", …":                                   "a part of a list",
	"0 kB":                                  "what the kernel says",
	"delete hook":                           "a step, which view says in its own words",
	"release hook":                          "a step, which view says in its own words",
	"blob {}\x00":                           "what git hashes",
	"version https://git-lfs.github.com/spec/":  "a file of Git LFS",
	"source.Repository{URL:{}, Credentials:{}}": "a value in the log",
	"no credentials":     "a value in the log",
	"no field":           "how versions of a kind differ, which has words for each",
	"not found:":         "a part of a sentence that has words for each",
	"automated sync":     "by whom, which the page has words of its own for",
	"Status Reason":      "a name of a column, which Argo CD's clients know",
	"Restart Count":      "a name of a column, which Argo CD's clients know",
	"no such remote ref": "what git says",
	"not our ref":        "what git says",
	"Cannot sync to {}":  "the words of a model's error, which programs look for",
	", or {}=":           "a part of a remedy that has words",
	"no table of {}":     "a table of the program itself",
	"select(.aggregationRule != null) | .rules": "a filter",
	"{}\n# … shortened":                         "a comment of YAML",
	"<svg":                                      "a picture",
	"<rect":                                     "a picture",
	"HTTP/1.1 200 Connection established\r\n\r\n": "an answer of HTTP",
	"!f() { test":                          "a program",
	"-----BEGIN PGP PUBLIC KEY BLOCK-----": "a key",
	"-----END PGP PUBLIC KEY BLOCK-----":   "a key",
	// The API server's own words, which are kept.
	" (The Kubernetes API could not find version {} of {} for requested resource {}. Version {} of {} is installed on the destination cluster.)": "the words of a model, which programs look for",
}

// quiet reports whether the texts below a node are told to nobody: they are compared with, go to the log, or describe a
// call, a metric or a field.
func quiet(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ImportSpec:
		return true
	case *ast.KeyValueExpr:
		return slices.Contains([]string{"Help", "Summary", "Description"}, nameOf(n.Key))
	case *ast.CallExpr:
		selector, ok := n.Fun.(*ast.SelectorExpr)
		if !ok {
			return nameOf(n.Fun) == "register"
		}
		of, name := nameOf(selector.X), selector.Sel.Name
		return slices.Contains([]string{"regexp", "slices", "bytes", "prometheus", "slog"}, of) || of == "strings" && name != "Join" ||
			slices.Contains([]string{"Info", "Warn", "Error", "Debug", "Log"}, name)
	}
	return false
}

// textsOf returns the texts of a file of two words and more, without those that are told to nobody.
func textsOf(file *ast.File) []string {
	var found []string
	var look func(n ast.Node) bool
	look = func(n ast.Node) bool {
		if n == nil || quiet(n) {
			return false
		}
		switch n := n.(type) {
		case *ast.Field:
			ast.Inspect(n.Type, look)
			return false
		case *ast.RangeStmt:
			// What is gone through is compared with.
			ast.Inspect(n.Body, look)
			return false
		case *ast.BasicLit, *ast.BinaryExpr:
			text := verb.ReplaceAllString(sentence(n.(ast.Expr)), "{}")
			if len(strings.Fields(strings.ReplaceAll(text, "{}", ""))) >= 2 {
				found = append(found, text)
			}
			return text == "{}"
		}
		return true
	}
	ast.Inspect(file, look)
	return found
}

// TestSentencesHaveWords holds every sentence of the rooms that a page can be told of to the page's words: wherever it
// is kept on its way, a new one needs some in Japanese, or a reason why not.
func TestSentencesHaveWords(t *testing.T) {
	phrases, root := phrasesOf(t), "../internal"
	files, seen := map[string]bool{}, map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		files[name] = true
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || elsewhere[name] != "" ||
			strings.HasPrefix(name, "validate/fix") || slices.ContainsFunc(terminal, func(room string) bool { return strings.HasPrefix(name, room+"/") }) {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, text := range textsOf(file) {
			seen[text] = true
			if hasWords(phrases, text) || hasWords(phrases, text+"{}") || untranslated[text] != "" || isNotSaid(text) {
				continue
			}
			t.Errorf("%s: no words in Japanese for %q", name, text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(elsewhere)) {
		if !files[name] {
			t.Errorf("%s: is listed, and not there", name)
		}
	}
	for _, text := range slices.Sorted(maps.Keys(notSaid)) {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(seen)), func(said string) bool { return isThat(said, text) }) {
			t.Errorf("%q: is listed, and nowhere", text)
		}
	}
	t.Logf("%d sentences", len(seen))
}

// isNotSaid reports whether a text is no sentence.
func isNotSaid(text string) bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(notSaid)), func(known string) bool { return isThat(text, known) })
}

// isThat reports whether a text is one that is listed: a program or a picture by its beginning.
func isThat(text, listed string) bool {
	return text == listed || (listed[0] == '<' || listed[0] == '!') && strings.HasPrefix(text, listed)
}
