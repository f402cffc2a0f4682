package cli_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// What is named twice, by whatever name, is one: it is counted, and what is found in it is shown, once.
func TestValidateCountsOnce(t *testing.T) {
	plain := func(name string) string { return strings.ReplaceAll(wrongMap, "NAME", name) }
	inFolder(t, "-- a/x.yaml --\n"+plain("a")+"-- a/sub/y.yaml --\n"+plain("b")+"-- other/x.yaml --\n"+plain("a")+
		"-- k/x.yaml --\n"+plain("a")+"-- k/kustomization.yaml --\nresources: [x.yaml]\n"+
		"-- dev/kustomization.yaml --\nresources: [../k]\nnamespace: dev\n-- live/kustomization.yaml --\nresources: [../k]\nnamespace: live\n")
	for link, target := range map[string]string{"x.yaml": "a/x.yaml", "folder": "a"} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	stdin := foundIn("stdin.yaml", "a")
	inA, inSub, inK := foundIn("a/x.yaml", "a"), foundIn("a/sub/y.yaml", "b"), foundIn("k/x.yaml", "a")
	for _, c := range []struct{ line, stdout, summary string }{
		{"a", inA, "1 object, 1 error"},
		{"a a", inA, "1 object, 1 error"},
		{"a ./a", inA, "1 object, 1 error"},
		{"a folder", inA, "1 object, 1 error"},
		{"a a/x.yaml", inA, "1 object, 1 error"},
		{"a/x.yaml a", inA, "1 object, 1 error"},
		{"a/x.yaml a/x.yaml", inA, "1 object, 1 error"},
		{"a/x.yaml a/../a/x.yaml", inA, "1 object, 1 error"},
		{"a/x.yaml x.yaml", inA, "1 object, 1 error"},
		{"x.yaml a/x.yaml", inA, "1 object, 1 error"},
		{"k k/kustomization.yaml", inK, "1 object, 1 error"},
		{"k k/x.yaml", inK, "1 object, 1 error"},
		{"-R a a", inSub + inA, "2 objects, 2 errors"},
		{"-R a a/x.yaml", inSub + inA, "2 objects, 2 errors"},
		{"--directory-recurse a a/sub", inSub + inA, "2 objects, 2 errors"},
		{"- -", stdin, "1 object, 1 error"},
		{"a a/sub", inSub + inA, "2 objects, 2 errors"},
		{"a other", inA + foundIn("other/x.yaml", "a"), "2 objects, 2 errors"},
		{"dev live", strings.ReplaceAll(inK, " a:", " dev/a:") + strings.ReplaceAll(inK, " a:", " live/a:"), "2 objects, 2 errors"},
	} {
		code, stdout, stderr := runLine(t, plain("a"), "cyan validate "+c.line)
		if code != 1 || stdout != c.stdout || stderr != c.summary+"\n" {
			t.Errorf("%s: got %d and\n%s%swant\n%s%s", c.line, code, stdout, stderr, c.stdout, c.summary)
		}
	}
	// A report of tests has a case for each file, though the objects in them have one name.
	code, stdout, stderr := runLine(t, "", "cyan validate a other a/x.yaml -o junit")
	for _, want := range []string{`tests="2" failures="2"`, `name="ConfigMap a" classname="a/x.yaml"`, `name="ConfigMap a" classname="other/x.yaml"`} {
		if code != 1 || !strings.Contains(stdout, want) {
			t.Errorf("junit: got %d and\n%s%swant %s", code, stdout, stderr, want)
		}
	}
}

// A run of SARIF holds as many results as services take; how many there are besides is said.
func TestValidateHasTooMuchForSARIF(t *testing.T) {
	const most = 25_000
	input := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n" + strings.Repeat("---\n[]\n", most)
	code, stdout, stderr := runLine(t, input+"---\n[]\n---\n[]\n", "cyan validate - -o sarif")
	var read struct {
		Runs []struct{ Results []struct{ RuleID string } }
	}
	if err := json.Unmarshal([]byte(stdout), &read); err != nil || len(read.Runs) != 1 {
		t.Fatalf("%v in %.200s", err, stdout)
	}
	const want = "note: 2 findings are left out, since services that read SARIF take 25000; mend some first, or use another format\n"
	if results := len(read.Runs[0].Results); code != 1 || results != most || stderr != want {
		t.Errorf("got %d, %d results and %q, want 25000 and %q", code, results, stderr, want)
	}
	if code, stdout, stderr := runLine(t, input, "cyan validate - -o sarif"); code != 1 || stderr != "" || strings.Count(stdout, `"ruleId"`) != most {
		t.Errorf("as many as there may be: got %d and %q, with %d results", code, stderr, strings.Count(stdout, `"ruleId"`))
	}
}
