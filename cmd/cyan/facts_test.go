package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// kubectlFlags are those by which commands of argocd reach Kubernetes, which here belong to all.
var kubectlFlags = strings.Fields(`as as-group as-uid certificate-authority client-certificate client-key cluster context disable-compression insecure-skip-tls-verify kubeconfig
	namespace password proxy-url request-timeout server tls-server-name token user username`)

// TestEveryFlagOfArgoCD walks the commands of the argocd program and their flags, as its reference lists them in
// testdata/argocd.txt: COMMAND: [-SHORT,]FLAG[=] …, where = means that the flag has a value. Each is there, with a
// value where it has one there, or is refused in one line with exit code 2.
func TestEveryFlagOfArgoCD(t *testing.T) {
	withoutCluster(t)
	data, err := os.ReadFile("testdata/argocd.txt")
	if err != nil {
		t.Fatal(err)
	}
	there, refused := 0, 0
	for row := range strings.Lines(string(data)) {
		command, flags, ok := strings.Cut(strings.TrimSpace(row), ":")
		if !ok {
			t.Fatalf("%q is no row", row)
		}
		path := strings.Fields(command)
		cmd, rest, err := newRoot("argocd", nowhere()).Find(path)
		if err != nil || len(rest) > 0 || cmd.HasSubCommands() && command != "completion" {
			wrong(t, "argocd", path, "not served by Cyan; ")
			continue
		}
		if cmd.DisableFlagParsing || command == "completion" {
			continue
		}
		for _, flag := range strings.Fields(flags) {
			if short, name, ok := strings.Cut(flag, ","); ok {
				flag = name
				found := cmd.Flags().ShorthandLookup(short[1:])
				if found == nil {
					found = cmd.InheritedFlags().ShorthandLookup(short[1:])
				}
				if found != nil && found.Name != strings.TrimSuffix(name, "=") {
					t.Errorf("argocd %s: -%s is --%s, and stands for --%s there", command, short[1:], found.Name, strings.TrimSuffix(name, "="))
				}
			}
			name, hasValue := strings.CutSuffix(flag, "=")
			if found := lookup(cmd, name); found != nil {
				there++
				if takes := found.NoOptDefVal == ""; takes != hasValue {
					t.Errorf("argocd %s: --%s takes a value: %v, and there %v", command, name, takes, hasValue)
				}
				continue
			}
			refused++
			if !isKubectl(name) {
				wrong(t, "argocd", append(append([]string{}, path...), "--"+name+"=x"), "--"+name+" is not served by Cyan; ")
			}
		}
	}
	t.Logf("%d flags are there, %d are refused", there, refused)
}

func lookup(cmd *cobra.Command, name string) *pflag.Flag {
	if found := cmd.Flags().Lookup(name); found != nil {
		return found
	}
	return cmd.InheritedFlags().Lookup(name)
}

func isKubectl(name string) bool {
	for _, f := range kubectlFlags {
		if f == name {
			return true
		}
	}
	return false
}

// nowhere are streams that nobody reads.
func nowhere() kit.Streams {
	return kit.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}
}
