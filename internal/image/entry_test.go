package image_test

import (
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/image"
)

func TestParseEntry(t *testing.T) {
	for text, want := range map[string]image.Entry{
		"app=registry.example:5000/app:v2": {Name: "app", NewName: "registry.example:5000/app", NewTag: "v2"},
		"app=registry.example:5000/app":    {Name: "app", NewName: "registry.example:5000/app"},
		"registry.example:5000/app:v2":     {Name: "registry.example:5000/app", NewTag: "v2"},
		"app@" + digest:                    {Name: "app", Digest: digest},
		"app=x:v1@" + digest:               {Name: "app", NewName: "x", NewTag: "v1", Digest: digest},
		"app=*:v2":                         {Name: "app", NewName: "*", NewTag: "v2"},
		"app":                              {}, "": {}, "=x": {}, "app=": {}, "app=x y": {}, "app=x=y": {}, "app=x@a@b": {}, "registry.example:5000/app": {},
	} {
		got, err := image.ParseEntry(text)
		if got != want || (err != nil) != (want == image.Entry{}) {
			t.Errorf("%s: got %+v, %v, want %+v", text, got, err, want)
		}
	}
}

// An entry is set where it stands, and nothing else is.
func TestSetEntry(t *testing.T) {
	for _, c := range []struct{ rule, in, entry, want string }{
		{"a tag in its place", "- name: app # a\n  newTag: v1 # b\n", "app:v2", "- name: app # a\n  newTag: v2 # b\n"},
		{"a tag that is a number is text", "- name: app\n  newTag: v1\n", "app:1.20", "- name: app\n  newTag: \"1.20\"\n"},
		{"a tag in place of a digest", "- digest: " + digest + "\n  name: app\n", "app:v2", "- newTag: v2\n  name: app\n"},
		{"a digest in place of a tag", "- name: app\n  newTag: v1 # b\n", "app@" + digest, "- name: app\n  digest: DIGEST # b\n"},
		{"a digest beside a tag", "- name: app\n  newTag: v1\n", "app:v2@" + digest, "- name: app\n  digest: DIGEST\n  newTag: v2\n"},
		{"a digest goes", "- name: app\n  newTag: v1\n  digest: " + digest + " # d\n", "app:v2", "- name: app\n  newTag: v2\n"},
		{"a name goes that is not given", "- name: app\n  newName: x\n  newTag: v1\n", "app:v2", "- name: app\n  newTag: v2\n"},
		{"a name stays by *", "- name: app\n  newName: x\n  newTag: v1\n", "app=*:v2", "- name: app\n  newName: x\n  newTag: v2\n"},
		{"a tag stays by *", "- name: app\n  newName: x\n  newTag: v1\n", "app=y:*", "- name: app\n  newName: y\n  newTag: v1\n"},
		{"nothing stays by * where nothing is", "- name: app\n", "app=*:v2", "- name: app\n  newTag: v2\n"},
		{"a name comes", "- name: app\n  newTag: v1\n", "app=x:v2", "- name: app\n  newName: x\n  newTag: v2\n"},
		{"all come", "- name: app\n- name: other\n", "app=x:v2@" + digest, "- name: app\n  newName: x\n  newTag: v2\n  digest: DIGEST\n- name: other\n"},
		{"an entry comes", "- name: other\n", "app=x:v2", "- name: other\n- name: app\n  newName: x\n  newTag: v2\n"},
		{"a name comes alone", "- name: other\n", "app=x", "- name: other\n- name: app\n  newName: x\n"},
		{"other fields stay", "- name: app\n  tagSuffix: -x\n  newTag: v1\n", "app:v2", "- name: app\n  tagSuffix: -x\n  newTag: v2\n"},
		{"what is so stays", "- {newTag: 'v2', name: app}\n", "app:v2", "- {newTag: 'v2', name: app}\n"},
		{"a tag in braces", "- {name: app, newTag: v1} # a\n", "app:v2", "- {name: app, newTag: \"v2\"} # a\n"},
		{"a tag before the name in braces", "- {newTag: v1, name: app}\n", "app=long.example/x:v2.0.0", "- {newTag: \"v2.0.0\", name: app, newName: \"long.example/x\"}\n"},
		{"all come in braces", "- {name: app}\n", "app=x:v2@" + digest, "- {name: app, newName: \"x\", newTag: \"v2\", digest: DIGEST}\n"},
		{"a digest that has to go in braces", "- {name: app, newTag: v1, digest: \"" + digest + "\"}\n", "app:v2", "error: remove the digest"},
		{"a name that has to go in braces", "- {name: app, newName: x, newTag: v1}\n", "app:v2", "error: cannot be edited in place"},
		{"two entries", "- name: app\n- name: app\n", "app:v2", "error: two entries named \"app\"; keep one"},
	} {
		entry, err := image.ParseEntry(c.entry)
		if err != nil {
			t.Fatal(err)
		}
		for _, end := range []string{"\n", "\r\n"} {
			in := strings.ReplaceAll("# first\nimages:\n"+c.in+"# last\nresources: [a.yaml]\n", "\n", end)
			got, err := image.SetEntry([]byte(in), entry)
			if part, failing := strings.CutPrefix(c.want, "error: "); failing {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("%s: error is %v, want %s", c.rule, err, part)
				}
				continue
			}
			want := strings.ReplaceAll("# first\nimages:\n"+strings.ReplaceAll(c.want, "DIGEST", digest)+"# last\nresources: [a.yaml]\n", "\n", end)
			if err != nil || string(got) != want {
				t.Errorf("%s: %v, got\n%s\nwant\n%s", c.rule, err, got, want)
			}
		}
	}
	if got, err := image.SetEntry([]byte("resources: [a.yaml]\n"), image.Entry{Name: "app", NewTag: "v2"}); err != nil || string(got) != "resources: [a.yaml]\nimages:\n- name: app\n  newTag: v2\n" {
		t.Errorf("without images: %v, %s", err, got)
	}
}
