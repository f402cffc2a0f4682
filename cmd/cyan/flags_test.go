package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// ofOthers are flags of other programs that texts name.
var ofOthers = map[string]bool{"armor": true, "export": true, "cluster-name": true, "format": true, "replicas": true, "runtime-config": true, "service-node-port-range": true}

// TestTextsNameFlagsThatExist looks for flags in every text of the program: an advice that names a flag that does not
// exist leads astray.
func TestTextsNameFlagsThatExist(t *testing.T) {
	known := map[string]bool{}
	note := func(f *pflag.Flag) { known[f.Name] = true }
	for _, name := range append([]string{"skaffold", "kubeval", "kubeconform", "kustomize"}, names...) {
		everyCommand(name, func(cmd *cobra.Command, _ []string) {
			cmd.InitDefaultHelpFlag()
			cmd.Flags().VisitAll(note)
			cmd.InheritedFlags().VisitAll(note)
		})
	}
	flag := regexp.MustCompile("(?:^|[\\s`(])--([a-z][a-z-]*)")
	for _, folder := range []string{"../../internal", "../../cmd"} {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				lit, ok := n.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					return true
				}
				text, err := strconv.Unquote(lit.Value)
				if err != nil || !strings.Contains(text, " ") {
					return true
				}
				for _, m := range flag.FindAllStringSubmatch(text, -1) {
					if !known[m[1]] && !ofOthers[m[1]] {
						t.Errorf("%s: --%s is no flag of Cyan's: %q", fset.Position(lit.Pos()), m[1], text)
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
