package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// programs are the first words of a line, and the name that the program is called by then.
var programs = []struct{ words, name string }{
	{"cyan ", "cyan"}, {"bin/cyan ", "cyan"}, {"argocd ", "argocd"}, {"kubectl argo rollouts ", "kubectl-argo-rollouts"}, {"kubectl cyan ", "kubectl-cyan"}, {"skaffold ", "skaffold"},
}

// Every line of shell in the guides is a command that exists, with flags that exist and arguments that it takes.
func TestGuidesShowCommandsThatExist(t *testing.T) {
	for _, guide := range []string{"README.md", "README.ja.md", "docs/commands.md", "docs/page.md", "docs/skaffold.md", "docs/dev.md", "docs/validation.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", guide))
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for line := range strings.Lines(string(text)) {
			name, args := commandLine(line)
			if name == "" {
				continue
			}
			seen++
			if err := parse(name, args); err != nil {
				t.Errorf("%s: %s\t%v", guide, line, err)
			}
		}
		if seen < 4 {
			t.Errorf("%s: only %d commands were found", guide, seen)
		}
	}
}

// commandLine splits a line of shell, up to what redirects it or is a comment; name is empty for a line of prose.
func commandLine(line string) (name string, args []string) {
	line = strings.TrimPrefix(strings.TrimSpace(line), "$ ")
	for _, p := range programs {
		rest, ok := strings.CutPrefix(line, p.words)
		if !ok {
			continue
		}
		for _, word := range strings.Fields(rest) {
			if strings.ContainsAny(word[:1], "#<>|") || word == "…" {
				break
			}
			args = append(args, word)
		}
		return p.name, args
	}
	return "", nil
}

// parse does with a command line what running it does, up to the command itself.
func parse(name string, args []string) error {
	root := newRoot(name, kit.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard})
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if cmd.DisableFlagParsing {
		return nil
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}
