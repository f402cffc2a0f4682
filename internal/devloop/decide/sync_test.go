package decide

import (
	"slices"
	"testing"
)

func TestArrange(t *testing.T) {
	there, gone := Change{}, Change{Gone: true}
	for _, row := range []struct {
		rule        string
		files       map[string]Change
		remove, put []string
	}{
		{"nothing", nil, nil, nil},
		{"files", map[string]Change{"/b": there, "/a": there}, nil, []string{"/a", "/b"}},
		{"files that are gone", map[string]Change{"/b": gone, "/a": gone}, []string{"/a", "/b"}, nil},
		{"a file in the place of a folder", map[string]Change{"/x": there, "/x/y": gone, "/x/z/w": gone}, []string{"/x"}, []string{"/x"}},
		{"a folder in the place of a file", map[string]Change{"/x": gone, "/x/y": there}, []string{"/x"}, []string{"/x/y"}},
		{"a file that is gone, in a folder that goes on", map[string]Change{"/x/y": gone, "/x/z": there}, []string{"/x/y"}, []string{"/x/z"}},
		{"a file whose name begins like that of one that is gone", map[string]Change{"/x": there, "/xy": gone}, []string{"/xy"}, []string{"/x"}},
		{"what is gone below what is gone", map[string]Change{"/x": gone, "/x/y": gone}, []string{"/x"}, nil},
		{"what is gone below what is gone, with a folder in between", map[string]Change{"/x": there, "/x/y/z": gone, "/x/y": gone}, []string{"/x"}, []string{"/x"}},
		{"relative to where the container works", map[string]Change{"x": there, "x/y": gone}, []string{"x"}, []string{"x"}},
	} {
		if remove, put := Arrange(row.files); !slices.Equal(remove, row.remove) || !slices.Equal(put, row.put) {
			t.Errorf("%s: got %v removed and %v put, want %v and %v", row.rule, remove, put, row.remove, row.put)
		}
	}
}

func TestDestinations(t *testing.T) {
	a := Artifact{
		Context: ".", Sync: []SyncRule{{Src: "./a.conf", Dest: "/etc"}, {Src: "static/**", Dest: "/srv"}, {Src: "pages/", Dest: "/www", Strip: "pages/"}},
		Inferred: Inferred{Patterns: []string{"**"}, Copies: []Copied{{[]string{""}, "/app/"}}},
	}
	for _, row := range []struct {
		rule string
		c    Change
		want string
	}{
		{"a file that a rule names", Change{Path: "a.conf"}, "/etc/a.conf"},
		{"a link that a rule names: a build has what it leads to", Change{Path: "a.conf", Link: true}, ""},
		{"one that is gone", Change{Path: "a.conf", Gone: true}, "/etc/a.conf"},
		{"a link in a folder", Change{Path: "static/a", Link: true}, "/srv/static/a"},
		{"a file below a folder that a rule names", Change{Path: "pages/de/a.html"}, "/www/de/a.html"},
		{"a file that the Dockerfile copies", Change{Path: "b"}, "/app/b"},
		{"a link that the Dockerfile copies", Change{Path: "b", Link: true}, ""},
	} {
		got, ok := a.destination(row.c)
		if ok != (row.want != "") || ok && got != row.want {
			t.Errorf("%s: got %q, %v; want %q", row.rule, got, ok, row.want)
		}
	}
	a.Context = "web"
	if got, ok := a.destination(Change{Path: "static/a"}); ok {
		t.Errorf("a file outside of what is built: got %q, want none", got)
	}
}
