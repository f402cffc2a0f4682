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
			var stdout, stderr string
			code, stdout, stderr = runPipe(t, line)
			if got := stdout + stderr; got != want {
				t.Errorf("%s: got\n%s\nthe guide has\n%s", line, got, want)
			}
		}
	}
	if lines < 8 {
		t.Errorf("%d lines were found, want at least 8", lines)
	}
}

// runPipe runs a line of the guide, with the output of what stands before a pipe as its input.
func runPipe(t *testing.T, line string) (code int, stdout, stderr string) {
	t.Helper()
	before, program, piped := strings.Cut(line, " | ")
	if !piped {
		return runLine(t, "", line)
	}
	input := ""
	switch name, file, _ := strings.Cut(before, " "); name {
	case "printf":
		if before != "printf ''" {
			t.Fatalf("%s: only nothing is printed", line)
		}
	case "cat":
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		input = string(data)
	default:
		before, into, redirected := strings.Cut(before, " >")
		if code, input, stderr = runLine(t, "", before); code != 0 {
			t.Fatalf("%s: got %d, %s", before, code, stderr)
		}
		if redirected {
			if err := os.WriteFile(into, []byte(input), 0o600); err != nil {
				t.Fatal(err)
			}
			input = ""
		}
	}
	return runLine(t, input, program)
}

var (
	flagInGuide    = regexp.MustCompile("`(--?[a-zA-Z][a-z-]*)[ `…]")
	mistakeInGuide = regexp.MustCompile("(?m)^\\| .* \\| .* \\| (`[a-z-]+`(?:, `[a-z-]+`)*) \\|$")
	ruleInGuide    = regexp.MustCompile("[a-z-]+")
)

// section is the part of the guide under a heading.
func section(t *testing.T, heading string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "validation.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("the guide has no heading %s", heading)
	}
	part, _, _ := strings.Cut(rest, "\n## ")
	return part
}

// Flags that the guide names are those of the programs.
func TestValidationGuideFlags(t *testing.T) {
	for heading, programs := range map[string][]string{
		"What it takes": {"cyan validate"}, "What `--fix` does": {"cyan validate"}, "Under the names `kubeval` and `kubeconform`": {"kubeval", "kubeconform"},
		"Under the name `kustomize`": {"kustomize build", "kubeval"},
	} {
		help := ""
		for _, program := range programs {
			code, stdout, stderr := runLine(t, "", program+" --help")
			if code != 0 {
				t.Fatalf("%s --help: %d, %s", program, code, stderr)
			}
			help += stdout
		}
		named := flagInGuide.FindAllStringSubmatch(section(t, heading), -1)
		for _, m := range named {
			// kubeconform has long flags with one hyphen.
			name := strings.TrimLeft(m[1], "-")
			if !strings.Contains(help, "--"+name+" ") && !strings.Contains(help, "--"+name+"\n") && !strings.Contains(help, "-"+name+",") {
				t.Errorf("%s: %v has no flag %s", heading, programs, m[1])
			}
		}
		if len(named) == 0 {
			t.Errorf("%s: no flag was found", heading)
		}
	}
}

// The mistakes of the guide have tests of their rules.
func TestValidationGuideMistakes(t *testing.T) {
	tested := map[string]bool{"application": true, "project": true, "not-honoured": true, "patch-of-nothing": true}
	for _, m := range mistakes {
		tested[m.rule] = tested[m.rule] || m.says != ""
	}
	rows := mistakeInGuide.FindAllStringSubmatch(section(t, "What other programs let through"), -1)
	for _, row := range rows {
		for _, rule := range ruleInGuide.FindAllString(row[1], -1) {
			if !tested[rule] {
				t.Errorf("no mistake is tested that %s finds: %s", rule, row[0])
			}
		}
	}
	if len(rows) < 10 {
		t.Errorf("%d rows were found, want at least 10", len(rows))
	}
}
