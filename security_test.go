package cyan_test

import (
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
