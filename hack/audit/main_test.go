package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindings(t *testing.T) {
	findings, err := parseFindings(strings.NewReader(`
{"config": {"db": "x"}}
{"osv": {"id": "GO-1"}}
{"finding": {"osv": "GO-1", "fixed_version": "v2", "trace": [{"module": "m", "version": "v1"}]}}
{"finding": {"osv": "GO-1", "fixed_version": "v2", "trace": [{"module": "m", "version": "v1", "function": "F"}]}}
{"finding": {"osv": "GO-2", "fixed_version": "v2", "trace": [{"module": "n", "version": "v1"}]}}
{"finding": {"osv": "GO-3", "trace": [{"module": "o", "version": "v1", "function": "F"}]}}
{"finding": {"osv": "GO-4", "fixed_version": "v9", "trace": [{"module": "stdlib", "version": "v1", "function": "F"}]}}
`))
	if err != nil || len(findings) != 4 {
		t.Fatalf("got %v, %v; want four findings", findings, err)
	}
	err = report("p", findings, nil)
	if err == nil || strings.Count(err.Error(), "\n") != 0 || !strings.Contains(err.Error(), "GO-1 in m@v1; take v2") {
		t.Errorf("got %v; want the one that is called and mended", err)
	}
	if err := report("p", findings, map[string]string{"GO-1": "because"}); err != nil {
		t.Errorf("accepted: got %v", err)
	}
	if _, err := parseFindings(strings.NewReader(`{"finding": `)); err == nil {
		t.Error("half an answer: got no error")
	}
}

func TestAccepted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "accepted.txt")
	for text, fails := range map[string]bool{"# a note\n\nGO-1 because of it\n": false, "GO-1\n": true} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		accepted, err := readAccepted(path)
		if (err != nil) != fails || !fails && accepted["GO-1"] != "because of it" {
			t.Errorf("%q: got %v, %v", text, accepted, err)
		}
	}
}
