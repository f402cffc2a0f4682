package image_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/image"
	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v3"
)

const digest = "sha256:1111111111111111111111111111111111111111111111111111111111111111"

// Each archive is one edit: its comment is NAME REPOSITORY, "in" what is edited, and "out" the result or "error" a
// part of the error.
func TestSetInKustomization(t *testing.T) {
	files, err := filepath.Glob("testdata/kustomization/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			section := map[string]string{}
			for _, f := range archive.Files {
				section[f.Name] = string(f.Data)
			}
			fields := strings.Fields(strings.Split(string(archive.Comment), "\n")[0])
			if fields[0] == "-" {
				fields[0] = ""
			}
			in := section["in"]
			if strings.Contains(string(archive.Comment), "crlf") {
				in, section["out"] = strings.ReplaceAll(in, "\n", "\r\n"), strings.ReplaceAll(section["out"], "\n", "\r\n")
			}
			if strings.Contains(string(archive.Comment), "no end") {
				in = strings.TrimSuffix(in, "\n")
			}
			got, err := image.SetInKustomization([]byte(in), image.Setting{Name: fields[0], Repository: fields[1], Digest: digest})
			if want, ok := section["error"]; ok {
				if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
					t.Fatalf("error is %v, want %s", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := strings.ReplaceAll(section["out"], "DIGEST", digest)
			if string(got) != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			again, err := image.SetInKustomization(got, image.Setting{Name: fields[0], Repository: fields[1], Digest: digest})
			if err != nil || !bytes.Equal(again, got) {
				t.Errorf("setting it again changed it: %v\n%s", err, again)
			}
		})
	}
}

func FuzzSetInKustomization(f *testing.F) {
	files, _ := filepath.Glob("testdata/kustomization/*.txtar")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, section := range txtar.Parse(data).Files {
			f.Add(section.Data, "app", "registry:5000/team/app")
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, name, repository string) {
		got, err := image.SetInKustomization(data, image.Setting{Name: name, Repository: repository, Digest: digest})
		if err != nil {
			return
		}
		var k struct {
			Images []struct{ Name, NewName, NewTag, Digest string } `yaml:"images"`
		}
		if err := yaml.Unmarshal(got, &k); err != nil {
			return // other fields may be of any shape
		}
		found := 0
		for _, i := range k.Images {
			if i.Digest == digest {
				found++
			}
		}
		if found == 0 {
			t.Errorf("the digest is not in\n%s", got)
		}
		before, after := bytes.Split(data, []byte("\n")), bytes.Split(got, []byte("\n"))
		if n := len(after) - len(before); n < -1 || n > 5 {
			t.Errorf("%d lines became %d", len(before), len(after))
		}
	})
}
