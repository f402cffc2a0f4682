package skaffold_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

var update = flag.Bool("update", false, "write what comes out into testdata")

// TestStories reads each project in testdata, by the line of flags that its archive begins with, and compares the
// findings, and the project if the archive has one.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tree := *archive
			tree.Files = nil
			kept := map[string]bool{}
			for _, f := range archive.Files {
				if kept[f.Name] = true; !slices.Contains(sections, f.Name) {
					tree.Files = append(tree.Files, f)
				}
			}
			fsys, err := txtar.FS(&tree)
			if err != nil {
				t.Fatal(err)
			}
			told := told(fsys, string(archive.Comment))
			var got []txtar.File
			for _, name := range sections {
				if kept[name] || !kept["findings"] && name != "effective" && name != "written" {
					got = append(got, txtar.File{Name: name, Data: []byte(told[name])})
				}
			}
			if *update {
				tree.Files = append(tree.Files, got...)
				if err := os.WriteFile(file, txtar.Format(&tree), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			for _, g := range got {
				for _, f := range archive.Files {
					if f.Name == g.Name && string(f.Data) != string(g.Data) {
						t.Errorf("%s: %s:\ngot:\n%s\nwant:\n%s", file, g.Name, g.Data, f.Data)
					}
				}
			}
		})
	}
}

// sections are what an archive has of what comes out.
var sections = []string{"findings", "project", "effective", "written"}

// told returns what comes out, as text, by section.
func told(fsys fs.FS, comment string) map[string]string {
	var file string
	o := skaffold.Options{Folder: "shop", Command: "dev", Env: map[string]string{}}
	for line := range strings.Lines(comment) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "-f":
			file = value
		case "-p":
			o.Profiles = strings.Split(value, ",")
		case "-m":
			o.Modules = strings.Split(value, ",")
		case "dir":
			o.Dir = value
		case "command":
			o.Command = value
		case "context":
			o.KubeContext = value
		case "--kube-context":
			o.KubeContext, o.KubeContextGiven = value, true
		case "env":
			key, value, _ := strings.Cut(value, "=")
			o.Env[key] = value
		case "--profile-auto-activation=false":
			o.WithoutActivation = true
		case "--propagate-profiles=false":
			o.OwnProfilesOnly = true
		}
	}
	result, err := skaffold.Check(fsys, file, o)
	if err != nil {
		return map[string]string{"findings": fmt.Sprintf("error %d: %v\n", problem.ExitCode(err), err)}
	}
	var findings, written strings.Builder
	for _, f := range result.Findings {
		fmt.Fprintf(&findings, "%s %s: %s (column %d)\n", f.Severity, f.Rule, f, f.Column)
	}
	for _, w := range result.Written {
		fmt.Fprintf(&written, "%s:%d:%d %s %s: %s\n", w.File, w.Line, w.Column, w.Path, w.Verdict, w.Words)
	}
	return map[string]string{"findings": findings.String(), "project": dump(result.Project), "effective": result.Effective, "written": written.String()}
}

// dump writes a value without what is empty in it.
func dump(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	var plain any
	if err := json.Unmarshal(data, &plain); err != nil {
		return err.Error()
	}
	plain = pruned(plain)
	text, err := yaml.Marshal(plain)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func pruned(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			if key == "Position" {
				place := inner.(map[string]any)
				v[key] = fmt.Sprintf("%v:%v:%v", place["File"], place["Line"], place["Column"])
				continue
			}
			if v[key] = pruned(inner); v[key] == nil {
				delete(v, key)
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = pruned(v[i])
		}
		if len(v) == 0 {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	case float64:
		if v == 0 {
			return nil
		}
	}
	return v
}
