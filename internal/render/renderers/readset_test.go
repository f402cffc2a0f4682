package renderers

import (
	"errors"
	"io/fs"
	"maps"
	"testing"
	"testing/fstest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o644} }

func TestUnchanged(t *testing.T) {
	kustomized := fstest.MapFS{
		"app/kustomization.yaml":  file("resources: [../base, cm.yaml]\n"),
		"app/cm.yaml":             file(configMap),
		"base/kustomization.yml":  file("resources: [link.yaml]\n"),
		"base/link.yaml":          link("files/real.yaml"),
		"base/files/real.yaml":    file("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n"),
		"base/not-in-it.yaml":     file("x: y\n"),
		"other/kustomization.yml": file("resources: [x.yaml]\n"),
	}
	plain := fstest.MapFS{
		"app/a.yaml":       file(configMap),
		"app/sub/b.yaml":   file("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n"),
		"app/sub/notes.md": file("notes"),
		"other/c.yaml":     file(configMap),
	}
	recurse := &v1alpha1.DirectorySource{Recurse: true}
	tests := []struct {
		name   string
		tree   fstest.MapFS
		src    v1alpha1.ApplicationSource
		change func(fstest.MapFS)
		want   bool
	}{
		{"nothing", kustomized, v1alpha1.ApplicationSource{}, func(fstest.MapFS) {}, true},
		{"a file that was read", kustomized, v1alpha1.ApplicationSource{}, func(f fstest.MapFS) { f["app/cm.yaml"] = file(configMap + "data: {x: y}\n") }, false},
		{"the kustomization", kustomized, v1alpha1.ApplicationSource{}, func(f fstest.MapFS) { f["base/kustomization.yml"] = file("resources: []\n") }, false},
		{"the target of a link", kustomized, v1alpha1.ApplicationSource{}, func(f fstest.MapFS) { f["base/files/real.yaml"] = file(configMap) }, false},
		{"a link", kustomized, v1alpha1.ApplicationSource{}, func(f fstest.MapFS) { f["base/link.yaml"] = link("not-in-it.yaml") }, false},
		{"a file that was removed", kustomized, v1alpha1.ApplicationSource{}, func(f fstest.MapFS) { delete(f, "app/cm.yaml") }, false},
		{"a file that was looked for", kustomized, v1alpha1.ApplicationSource{}, func(f fstest.MapFS) { f["app/Kustomization"] = file("resources: []\n") }, false},
		{"a file that is in no kustomization", kustomized, v1alpha1.ApplicationSource{}, func(f fstest.MapFS) { f["base/not-in-it.yaml"] = file("z") }, true},
		{"a new file beside", kustomized, v1alpha1.ApplicationSource{}, func(f fstest.MapFS) { f["app/new.yaml"] = file("z") }, true},
		{"another application", kustomized, v1alpha1.ApplicationSource{}, func(f fstest.MapFS) { f["other/kustomization.yml"] = file("z") }, true},
		{"a plain file", plain, v1alpha1.ApplicationSource{Directory: recurse}, func(f fstest.MapFS) { f["app/sub/b.yaml"] = file(configMap) }, false},
		{"a new plain file", plain, v1alpha1.ApplicationSource{Directory: recurse}, func(f fstest.MapFS) { f["app/sub/new.yaml"] = file(configMap) }, false},
		{"a removed plain file", plain, v1alpha1.ApplicationSource{Directory: recurse}, func(f fstest.MapFS) { delete(f, "app/sub/b.yaml") }, false},
		{"text of a file that is no manifest", plain, v1alpha1.ApplicationSource{Directory: recurse}, func(f fstest.MapFS) { f["app/sub/notes.md"] = file("other notes") }, true},
		{"another directory", plain, v1alpha1.ApplicationSource{Directory: recurse}, func(f fstest.MapFS) { f["other/d.yaml"] = file(configMap) }, true},
		{"below a directory that is not entered", plain, v1alpha1.ApplicationSource{}, func(f fstest.MapFS) { f["app/sub/new.yaml"] = file(configMap) }, true},
		{"a kustomization where there was none", plain, v1alpha1.ApplicationSource{}, func(f fstest.MapFS) { f["app/kustomization.yaml"] = file("resources: []\n") }, false},
		{"a directory that becomes a file", plain, v1alpha1.ApplicationSource{Directory: recurse}, func(f fstest.MapFS) {
			delete(f, "app/sub/b.yaml")
			delete(f, "app/sub/notes.md")
			f["app/sub"] = file("x")
		}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.src.Path = "app"
			result, err := Render(test.tree, test.src, render.Options{})
			if err != nil {
				t.Fatal(err)
			}
			changed := maps.Clone(test.tree)
			test.change(changed)
			if got := result.ReadSet.Unchanged(render.Hashed(changed)); got != test.want {
				t.Errorf("unchanged is %v, read were %v", got, result.ReadSet)
			}
		})
	}
}

// What made a rendering fail is in the read set: mending it makes the set changed.
func TestReadSetOfFailure(t *testing.T) {
	tree := kustomization("resources: [missing.yaml]")
	result, err := Render(tree, v1alpha1.ApplicationSource{Path: "app"}, render.Options{})
	if !render.IsRefusal(err) {
		t.Fatalf("the error is %v", err)
	}
	if !result.ReadSet.Unchanged(render.Hashed(tree)) {
		t.Error("it counts as changed at once")
	}
	tree["app/missing.yaml"] = file(configMap)
	if result.ReadSet.Unchanged(render.Hashed(tree)) {
		t.Error("the file is there now, and it counts as unchanged")
	}
}

func TestBlobHash(t *testing.T) {
	got, err := render.Hashed(fstest.MapFS{"a": file("hello\n")}).Hash("a")
	if want := "ce013625030ba8dba906f756967f9e9ca394464a"; err != nil || got != want {
		t.Errorf("the hash is %s, %v; git says %s", got, err, want)
	}
	if _, err := render.Hashed(fstest.MapFS{}).Hash("a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
}

// A variable counts as used where an error depends on it, too.
func TestEnvUsedOfFailure(t *testing.T) {
	tree := kustomization("resources: [cm.yaml]", "commonAnnotations: {owner: shop}")
	src := v1alpha1.ApplicationSource{Path: "app", Kustomize: &v1alpha1.KustomizeSource{
		CommonAnnotations: map[string]string{"owner": "$ARGOCD_APP_NAME"}, CommonAnnotationsEnvsubst: true,
	}}
	cached := render.Cached(Render, 1, 1<<20)
	for name, refused := range map[string]bool{"other": true, "shop": false} {
		result, err := cached(tree, src, render.Options{Env: map[string]string{"ARGOCD_APP_NAME": name}})
		if (err != nil) != refused {
			t.Errorf("as %s, the error is %v; want one: %v", name, err, refused)
		}
		if got := result.EnvUsed; len(got) != 1 || got[0] != "ARGOCD_APP_NAME" {
			t.Errorf("as %s, %v are used, want ARGOCD_APP_NAME", name, got)
		}
	}
}

// A tree that cannot be read is not a fault of what it holds, wherever in a rendering that happens: it is tried again.
func TestFailureToRead(t *testing.T) {
	away := errors.New("git is away")
	for rule, name := range map[string]string{"by the inspection": "app/cm.yaml", "by kustomize": "app/data"} {
		failing := true
		tree := kustomization("resources: [cm.yaml]", "configMapGenerator: [{name: c, files: [data]}]")
		tree["app/data"] = file("x")
		unreadable := unreadableTree{tree, name, func() error {
			if failing {
				return away
			}
			return nil
		}}
		cached := render.Cached(Render, 1, 1<<20)
		_, err := cached(unreadable, v1alpha1.ApplicationSource{Path: "app"}, render.Options{})
		if !errors.Is(err, away) || render.IsRefusal(err) {
			t.Errorf("%s: the error is %v, want %v and no refusal", rule, err, away)
		}
		failing = false
		if _, err := cached(unreadable, v1alpha1.ApplicationSource{Path: "app"}, render.Options{}); err != nil {
			t.Errorf("%s: once it can be read, the error is %v", rule, err)
		}
	}
}

// unreadableTree fails to read one file.
type unreadableTree struct {
	fstest.MapFS
	name string
	fail func() error
}

func (u unreadableTree) ReadFile(name string) ([]byte, error) {
	if name == u.name {
		if err := u.fail(); err != nil {
			return nil, err
		}
	}
	return u.MapFS.ReadFile(name)
}
