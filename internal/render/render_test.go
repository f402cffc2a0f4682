package render_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

// fake is a renderer that is asked for by source.ref or detects its own file.
type fake struct {
	kind string
	// objects are the names of what it makes.
	objects []string
	refuses bool
}

func (f fake) Type() string { return f.kind }

func (f fake) Named(src v1alpha1.ApplicationSource) (bool, error) {
	asked := slices.Contains(strings.Fields(src.Ref), f.kind)
	if asked && f.refuses {
		return false, &problem.Error{Kind: problem.Usage, Cause: f.kind + " is not served", Remedy: "remove it"}
	}
	return asked, nil
}

func (f fake) Detect(tree *render.Tree, dir string) (bool, error) {
	_, _, err := tree.Resolve(dir + "/" + f.kind)
	return err == nil, nil
}

func (f fake) Render(_ *render.Tree, _ string, _ v1alpha1.ApplicationSource, opts render.Options, result *render.Result) error {
	for i, name := range f.objects {
		o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap"}}
		o.SetName(strings.TrimPrefix(name, "here/"))
		if strings.HasPrefix(name, "here/") {
			o.SetNamespace(opts.Namespace)
		}
		result.Objects = append(result.Objects, render.Rendered{Object: o, Origin: render.Origin{File: "f", Line: i + 1}})
	}
	return nil
}

func TestWith(t *testing.T) {
	tree := fstest.MapFS{"app/b": text("x"), "app/c": text("x"), "chart/x": text("x"), "file": text("x")}
	renderers := []render.Renderer{
		fake{kind: "a", objects: []string{"a"}}, fake{kind: "b", objects: []string{"b", "c"}}, fake{kind: "c", objects: []string{"c"}},
		fake{kind: "d", refuses: true}, fake{kind: "twice", objects: []string{"x", "y", "x", "here/x", "", ""}},
		fake{kind: "many", objects: make([]string, 11)},
	}
	tests := []struct {
		name     string
		src      v1alpha1.ApplicationSource
		want     string // names of the objects
		kind     string
		warnings int
		err      string
	}{
		{name: "the first that detects the directory", src: v1alpha1.ApplicationSource{Path: "app"}, kind: "b", want: "b c"},
		{name: "the one that a field asks for", src: v1alpha1.ApplicationSource{Path: "app", Ref: "c"}, kind: "c", want: "c"},
		{name: "one that would not detect the directory", src: v1alpha1.ApplicationSource{Path: "app", Ref: "a"}, kind: "a", want: "a"},
		{name: "two fields", src: v1alpha1.ApplicationSource{Path: "app", Ref: "a b"}, err: "source has both a and b; keep the one that is meant"},
		{name: "a field that is not served", src: v1alpha1.ApplicationSource{Path: "app", Ref: "d"}, err: "d is not served; remove it"},
		{name: "no renderer", src: v1alpha1.ApplicationSource{Path: "chart"}, err: "chart: nothing in this directory can be rendered; check source.path"},
		{name: "no directory", src: v1alpha1.ApplicationSource{Path: "ap"}, err: `source.path ap: app path does not exist in this revision; did you mean app?`},
		{name: "nothing like it", src: v1alpha1.ApplicationSource{Path: "something"}, err: `source.path something: app path does not exist in this revision; check source.path and source.targetRevision`},
		{name: "a file", src: v1alpha1.ApplicationSource{Path: "file"}, err: `source.path "file" is a file; give its directory, the root of the repository`},
		{name: "below a file", src: v1alpha1.ApplicationSource{Path: "file/x"}, err: `source.path file/x: app path does not exist in this revision; check source.path and source.targetRevision`},
		{name: "outside", src: v1alpha1.ApplicationSource{Path: "app/../../x"}, err: `source.path "app/../../x" leaves the repository; give it relative to the root of the repository`},
		{name: "absolute", src: v1alpha1.ApplicationSource{Path: "/app"}, err: `source.path "/app" is absolute; give it relative to the root of the repository, with forward slashes`},
		{name: "a path of Windows", src: v1alpha1.ApplicationSource{Path: `app\b`}, err: `source.path "app\\b" is absolute; give it relative to the root of the repository, with forward slashes`},
		{name: "the last of repeated objects", src: v1alpha1.ApplicationSource{Path: "app", Ref: "twice"}, kind: "twice", want: "y x  ", warnings: 2},
		{name: "too many objects", src: v1alpha1.ApplicationSource{Path: "app", Ref: "many"}, kind: "many", err: "app: 11 objects are more than the limit of 10; split the source into several Applications"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			result, err := render.With(renderers...)(tree, test.src, render.Options{Namespace: "ns", Limits: render.Limits{Objects: 10}})
			if got := errorText(err); got != test.err {
				t.Errorf("the error is\n%s\nwant\n%s", got, test.err)
			}
			if err != nil && !render.IsRefusal(err) {
				t.Errorf("%v is no refusal", err)
			}
			names := make([]string, len(result.Objects))
			for i, o := range result.Objects {
				names[i] = o.Object.GetName()
			}
			if got := strings.Join(names, " "); got != test.want {
				t.Errorf("the objects are %q, want %q", got, test.want)
			}
			if result.SourceType != test.kind || len(result.Warnings) != test.warnings {
				t.Errorf("the type is %q with %d warnings, want %q with %d", result.SourceType, len(result.Warnings), test.kind, test.warnings)
			}
			if result.ReadSet == nil {
				t.Error("there is no read set")
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
