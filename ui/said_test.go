package ui_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/settings"
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

// terminal are the rooms whose messages are read in a terminal, a log or by another server alone: no call of the page
// leads there.
var terminal = []string{"cli", "deliver", "demo", "devloop", "image", "page", "server", "skaffold", "source/gitserver", "testkit", "traffic/routertest", "controller/install"}

// tellers are the functions that make a message of the texts that they are given, beside fields Cause and Remedy.
var tellers = map[string]bool{
	"Good": true, "Invalid": true, "appProblem": true, "find": true, "keyProblem": true, "newError": true,
	"notPermitted": true, "progressing": true, "progressIs": true, "refuse": true, "report": true, "waitFor": true, "wrong": true, "yesOrNo": true,
}

// toldFields are the names of fields and variables with what is told to people.
var toldFields = []string{"Cause", "Remedy", "Message", "problem", "remedy", "cause", "message", "why", "Why"}

// nameOf returns the name of a type, a field or a variable; empty for another expression.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func isTold(e ast.Expr) bool { return slices.Contains(toldFields, nameOf(e)) }

// givenTo returns the values that are given to what is told to people.
func givenTo[E ast.Expr](to []E, values []ast.Expr) []ast.Expr {
	var told []ast.Expr
	for i, one := range to {
		if i < len(values) && len(to) == len(values) && isTold(one) {
			told = append(told, values[i])
		}
	}
	return told
}

// toldBy returns the texts of a node that tells something to people.
func toldBy(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.KeyValueExpr:
		if isTold(n.Key) {
			return []ast.Expr{n.Value}
		}
	case *ast.ValueSpec:
		return givenTo(n.Names, n.Values)
	case *ast.AssignStmt:
		return givenTo(n.Lhs, n.Rhs)
	case *ast.CallExpr:
		name, _ := n.Fun.(*ast.Ident)
		if selector, ok := n.Fun.(*ast.SelectorExpr); ok {
			name = selector.Sel
			if of, ok := selector.X.(*ast.Ident); ok && len(n.Args) > 0 && (of.Name == "errors" && name.Name == "New" || of.Name == "fmt" && name.Name == "Errorf") {
				return n.Args[:1]
			}
		}
		if name != nil && tellers[name.Name] {
			return n.Args
		}
	case *ast.CompositeLit:
		if name := nameOf(n.Type); name == "Result" || name == "Violation" {
			return n.Elts
		}
	}
	return nil
}

// saidBy returns the text of an expression, with {} for what fmt fills in.
func saidBy(e ast.Expr) string {
	if call, ok := e.(*ast.CallExpr); ok && len(call.Args) > 0 {
		e = call.Args[0]
	}
	return verb.ReplaceAllString(sentence(e), "{}")
}

// sentencesOf returns the sentences of all files of a folder, and those that are told to who reads the page.
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
		onTerminal := slices.ContainsFunc(terminal, func(room string) bool { return strings.HasPrefix(path, filepath.Join(root, room)+"/") })
		ast.Inspect(file, func(n ast.Node) bool {
			if e, ok := n.(ast.Expr); ok {
				all[sentence(e)] = true
				all[verb.ReplaceAllString(sentence(e), "{}")] = true
			}
			if !onTerminal {
				for _, e := range toldBy(n) {
					told[saidBy(e)] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range settings.Tables() {
		for _, row := range table.Rows {
			all[row.Words], all[row.Remedy] = true, true
			refused := row.Verdict == settings.Named || row.Verdict == settings.Refused
			if refused || strings.HasPrefix(table.Of, "ConfigMap ") {
				told[row.Words], told[row.Remedy] = true, true
			}
		}
	}
	return all, told
}

// phrasesOf returns the page's words for what has no template.
func phrasesOf(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("src/i18n/ja/foreign/*.json")
	if err != nil {
		t.Fatal(err)
	}
	phrases := map[string]string{}
	for _, name := range append(files, "src/i18n/ja/phrases.json") {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		of := map[string]string{}
		if err := json.Unmarshal(file, &of); err != nil {
			t.Fatal(err)
		}
		for english, words := range of {
			if _, twice := phrases[english]; twice {
				t.Errorf("%s: %q is there twice", name, english)
			}
			phrases[english] = words
		}
	}
	return phrases
}

// keptWords returns where the words of Kubernetes are that are told as they stand: why a value is refused, and how an
// object of any kind is.
func keptWords(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "k8s.io/apimachinery/pkg/util/validation", "k8s.io/apimachinery/pkg/api/validation", "k8s.io/apimachinery/pkg/api/validate", "github.com/fluxcd/cli-utils/pkg/kstatus/status").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

// TestWhatIsTranslatedIsSaid holds the page's words for what has no template to what the server says: each is a
// sentence of its code, or made of parts that are.
func TestWhatIsTranslatedIsSaid(t *testing.T) {
	phrases := phrasesOf(t)
	all, _ := sentencesOf(t, "../internal")
	for _, dir := range keptWords(t) {
		theirs, _ := sentencesOf(t, dir)
		maps.Copy(all, theirs)
	}
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
}

// untranslated are messages without words in Japanese, each with why.
var untranslated = map[string]string{
	"GitHub App": "a name",

	"issuer answers {}, {}": inLog,
	"no state: another browser, or longer ago than it is kept":   inLog,
	"state is of another log-in":                                 inLog,
	"user {} has the name of an account":                         inLog,
	"GitHub's answer names no user":                              inLog,
	"GitHub user {} is in none of the organizations":             inLog,
	"GitHub user {} is in none of the teams":                     inLog,
	"issuer is asked too often":                                  inLog,
	"token is for {}":                                            inLog,
	"issuer has sent no ID token, or one that is too long":       inLog,
	"ID token is of another log-in":                              inLog,
	"asking for the user's groups: answer is about another user": inLog,
	"answer is {}": inLog,
	"label {} is empty, or has the name {} as another one has":                                          inLog,
	"all {} workers are stuck, the first of them with Application {} since {}":                          inLog,
	"certificate: neither Secret {} nor Secret {} has {} and {}":                                        inLog,
	"ConfigMap {}: globalProjects: AppProject {} not found in namespace {}; create it, or leave it out": inLog,
	"the caches are not filled yet":                                                                     inLog,
	"a session of {} bytes is too long for cookies":                                                     inLog,
	"{} is not a network": inLog,
	"{} is not a trailer": inLog,
	"webhook of {}: {}: none is set for this host while there are some for others; set {}":                  "said to a git host",
	"webhook of {}: {}: header {} has no signature":                                                         "said to a git host",
	"no webhook that Cyan knows: it takes those of GitHub, GitLab, Bitbucket, Gitea, Gogs and Azure DevOps": "said to a git host",
	"the webhook's secret does not match":                                                                   "said to a git host",

	"a call has panicked":                        distinguished,
	"the stream has ended":                       distinguished,
	"exists already":                             distinguished,
	"rollout: of another controller instance":    distinguished,
	"cache: behind this controller's own writes": distinguished,
	"cluster skipped":                            distinguished,
	"the object has been changed":                distinguished,
	"another object was created by its name":     distinguished,
	"enough was read":                            distinguished,
	"no such object":                             distinguished,
	"first line {} has no name of what it is of": "a table of the program itself",
	"{} has {} columns":                          "a table of the program itself",
	"{} has an unknown verdict":                  "a table of the program itself",
}

// Why a message has no words: it is for the log, or known by itself and shown in other words.
const inLog, distinguished = "read in the log alone", "never shown as it is"

// hasWords reports whether the page has words for a text that it is sent, or for each part of it that it looks up.
func hasWords(phrases map[string]string, text string) bool {
	has := func(text string) bool { return hasWords(phrases, text) }
	// A single word is a name.
	if _, found := phrases[text]; found || !strings.Contains(strings.Trim(text, " {}:;()"), " ") {
		return true
	}
	// What follows at the end may be empty, and two that follow each other are one.
	if less, ok := strings.CutSuffix(text, "{}"); ok && has(less) {
		return true
	}
	if less := strings.ReplaceAll(text, "{}{}", "{}"); less != text {
		return has(less)
	}
	// Objects and fields are before a cause.
	if less, ok := strings.CutPrefix(text, "{}"); ok && has(less) {
		return true
	}
	// Lines are looked up one by one.
	if first, rest, ok := strings.Cut(text, "\n"); ok {
		return has(strings.TrimSuffix(first, ":")) && has(rest)
	}
	// A part that is added to a text is looked up with it, or by itself behind a semicolon.
	if _, found := phrases["{}"+text]; found && strings.ContainsRune(" ,", rune(text[0])) {
		return true
	}
	if less, ok := strings.CutPrefix(text, "; "); ok {
		return has(less)
	}
	if cause, remedy, ok := strings.Cut(text, "; "); ok && has(cause) && has(remedy) {
		return true
	}
	before, cause, ok := strings.Cut(text, ": ")
	return ok && has(cause) && (isName(before) || phrases[before] != "")
}

// isName reports whether what stands before a cause is the name of an object, a field or a file: it has one word of its
// own at most that is no kind.
func isName(text string) bool {
	words := 0
	for word := range strings.FieldsSeq(strings.ReplaceAll(text, "{}", " ")) {
		if word[0] >= 'a' && word[0] <= 'z' && !strings.ContainsAny(word, ".[/") {
			words++
		}
	}
	return words <= 1
}

// TestWhatTheServerTellsHasWords holds what the server tells the page's readers to the page's words: a new message
// needs some in Japanese, or a reason why not.
func TestWhatTheServerTellsHasWords(t *testing.T) {
	phrases := phrasesOf(t)
	_, told := sentencesOf(t, "../internal")
	count := 0
	for _, english := range slices.Sorted(maps.Keys(told)) {
		_, without := untranslated[english]
		switch {
		case hasWords(phrases, english) == without && without:
			t.Errorf("%q has words, and is listed as without", english)
		case !hasWords(phrases, english) && !without:
			t.Errorf("no words in Japanese for %q", english)
		default:
			count++
		}
	}
	t.Logf("%d of %d messages have words in Japanese, or a reason", count, len(told))
	for english := range untranslated {
		if !told[english] {
			t.Errorf("%q is told by nothing", english)
		}
	}
}
