package ui_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
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
