package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// unknownFields is a ConfigMap with a field that is unknown for each letter.
func unknownFields(letters string) string {
	var b strings.Builder
	b.WriteString(goodConfigMap)
	for _, c := range letters {
		b.WriteString("un" + string(c) + ": x\n")
	}
	return b.String()
}

// Services that show findings beside the code get paths from the top of the work tree, wherever the command runs.
func TestValidatePathsOfAWorkTree(t *testing.T) {
	inFolder(t, "-- k8s/app/a.yaml --\n"+unknownFields("a")+"-- out/b.yaml --\n"+unknownFields("b"))
	top, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(outside, []byte(unknownFields("c")), 0o600); err != nil {
		t.Fatal(err)
	}
	git(t, top, "init", "-q")
	t.Chdir("k8s")
	for _, c := range []struct{ path, want string }{
		{"app/a.yaml", "::error file=k8s/app/a.yaml,line=4,"},
		{filepath.Join(top, "out", "b.yaml"), "::error file=out/b.yaml,line=4,"},
		{"../out/b.yaml", "::error file=out/b.yaml,line=4,"},
		{outside, "::error file=" + outside + ",line=4,"},
	} {
		if code, stdout, stderr := runWords(t, "cyan", "validate", c.path, "-o", "github"); code != 1 || !strings.HasPrefix(stdout, c.want) {
			t.Errorf("%s: got %d, %s%s, want %s", c.path, code, stdout, stderr, c.want)
		}
	}
}

// Findings of one rule, object and field have fingerprints of their own, and each keeps its own the next time.
func TestValidateFingerprints(t *testing.T) {
	inFolder(t, "-- a.yaml --\n"+goodConfigMap+strings.Repeat("data: {}\n", 3))
	code, stdout, _ := runLine(t, "", "cyan validate a.yaml -o sarif")
	_, again, _ := runLine(t, "", "cyan validate a.yaml -o sarif")
	var prints []string
	for line := range strings.Lines(stdout) {
		if _, print, is := strings.Cut(line, `"primaryLocationLineHash": `); is {
			prints = append(prints, strings.TrimSpace(print))
		}
	}
	if code != 1 || stdout != again || len(prints) < 2 {
		t.Fatalf("got %d, %v", code, prints)
	}
	for i, p := range prints {
		for _, other := range prints[:i] {
			if p == other {
				t.Errorf("two findings have the fingerprint %s", p)
			}
		}
	}
}

// What does not count is said beside a case of a report of tests, and fails none.
func TestValidateJUnitWarnings(t *testing.T) {
	inFolder(t, manifestsToCheck)
	code, stdout, _ := runLine(t, "", "cyan validate warned -o junit")
	if code != 0 || strings.Contains(stdout, "<failure") || !strings.Contains(stdout, "warning: warned/endpoints.yaml:1: Endpoints web: apiVersion: v1 Endpoints is deprecated") {
		t.Errorf("got %d, %s", code, stdout)
	}
	if code, stdout, _ = runLine(t, "", "cyan validate warned -o junit --fail-on warning"); code != 1 || !strings.Contains(stdout, `failures="1"`) {
		t.Errorf("where warnings count: got %d, %s", code, stdout)
	}
}

// A summary is written where there are more findings than annotations, and where it can be.
func TestValidateSummaryOnlyOfMany(t *testing.T) {
	inFolder(t, manifestsToCheck)
	summary := filepath.Join(t.TempDir(), "summary.md")
	t.Setenv("GITHUB_STEP_SUMMARY", summary)
	if code, _, _ := runLine(t, unknownFields("abcdefghij"), "cyan validate - -o github"); code != 1 {
		t.Errorf("ten: got %d", code)
	}
	if _, err := os.Stat(summary); err == nil {
		t.Error("a summary of ten findings was written")
	}
	runLine(t, unknownFields("abcdefghijk"), "cyan validate - -o github")
	if data, err := os.ReadFile(summary); err != nil || !strings.HasPrefix(string(data), "| severity | place | finding |\n|---|---|---|\n| error | ") {
		t.Errorf("of eleven: %v, %s", err, data)
	}
	t.Setenv("GITHUB_STEP_SUMMARY", filepath.Join(summary, "nowhere"))
	if code, _, stderr := runLine(t, unknownFields("abcdefghijk"), "cyan validate - -o github"); code != 2 || !strings.Contains(stderr, "$GITHUB_STEP_SUMMARY: ") {
		t.Errorf("where it cannot be written: got %d, %s", code, stderr)
	}
	t.Setenv("GITHUB_STEP_SUMMARY", "")
	if code, _, stderr := runLine(t, unknownFields("abcdefghijk"), "cyan validate - -o github"); code != 1 || stderr != "" {
		t.Errorf("where none is wanted: got %d, %s", code, stderr)
	}
}
