package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	fileInGuide    = regexp.MustCompile("(?m)`([a-z/]+\\.yaml)`:\n\n```yaml\n((?s:.*?))```\n")
	consoleInGuide = regexp.MustCompile("(?m)^```console\n((?s:.*?))```\n")
)

// The guide shows what the program prints: its files are made, and its lines run in the order that they have.
func TestValidationGuide(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "validation.md"))
	if err != nil {
		t.Fatal(err)
	}
	archive := ""
	for _, m := range fileInGuide.FindAllStringSubmatch(string(text), -1) {
		archive += "-- " + m[1] + " --\n" + m[2]
	}
	inFolder(t, archive)
	lines := 0
	for _, m := range consoleInGuide.FindAllStringSubmatch(string(text), -1) {
		code := 0
		for _, part := range strings.Split("\n"+m[1], "\n$ ")[1:] {
			line, want, _ := strings.Cut(part, "\n")
			if want != "" && !strings.HasSuffix(want, "\n") {
				want += "\n"
			}
			if line == "echo $?" {
				if want = strings.TrimSpace(want); want != strconv.Itoa(code) {
					t.Errorf("the line before ends with %d, and the guide has %s", code, want)
				}
				continue
			}
			lines++
			_, program, piped := strings.Cut(line, " | ")
			if !piped {
				program = line
			}
			var stdout, stderr string
			code, stdout, stderr = runLine(t, "", program)
			if got := stdout + stderr; got != want {
				t.Errorf("%s: got\n%s\nthe guide has\n%s", line, got, want)
			}
		}
	}
	if lines < 3 {
		t.Errorf("%d lines were found, want at least 3", lines)
	}
}
