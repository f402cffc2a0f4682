package cli_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/cli"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// TestReport: a program that reads argocd's errors finds them in the lines that it knows, and a person is never shown
// one.
func TestReport(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	failed := errors.New("Application \"a<b>\": not found\x1b[31m")
	for _, c := range []struct {
		name string
		line []string
		err  error
		want string
	}{
		{"argocd", []string{"argocd"}, failed, `{"level":"fatal","msg":"Application \"a<b>\": not found\\x1b[31m","time":"2026-03-01T11:00:00Z"}`},
		{"argocd that asks for it", []string{"argocd", "--logformat", "json"}, failed, `{"level":"fatal",`},
		{"argocd that asks for text", []string{"argocd", "--logformat=text"}, failed, `time="2026-03-01T11:00:00Z" level=fatal msg="Application \"a<b>\": not found`},
		{"argocd without an error", []string{"argocd"}, nil, ""},
		{"argocd whose outcome was shown", []string{"argocd"}, &kit.Exit{Code: 1}, ""},
		{"cyan", []string{"cyan"}, failed, `Error: Application "a<b>": not found`},
		{"the plugin", []string{"kubectl-argo-rollouts"}, failed, `Error: Application "a<b>": not found`},
	} {
		root := cli.New(c.line[0], "v1", kit.Streams{In: strings.NewReader(""), Out: &strings.Builder{}, Err: &strings.Builder{}})
		if err := root.PersistentFlags().Parse(c.line[1:]); err != nil {
			t.Fatal(err)
		}
		got := cli.Report(root, kit.Streams{Err: &strings.Builder{}}, c.err, at)
		if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" || strings.Contains(got, "\n") {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
		if strings.HasPrefix(c.want, "{") && !json.Valid([]byte(got)) {
			t.Errorf("%s: %s is not JSON", c.name, got)
		}
	}
	root := cli.New("argocd", "v1", kit.Streams{In: strings.NewReader(""), Out: &strings.Builder{}, Err: &strings.Builder{}})
	if err := root.PersistentFlags().Parse([]string{"--logformat", "xml"}); err == nil || !strings.Contains(err.Error(), "json, text") {
		t.Errorf("--logformat xml: got %v, want the formats that there are", err)
	}
}
