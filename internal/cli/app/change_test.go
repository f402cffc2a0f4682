package app

import (
	"slices"
	"testing"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// A repository on the server's disk is named when an Application gets it: that it is kept does not mean that it is
// read.
func TestRepositoriesOnTheServersDisk(t *testing.T) {
	of := func(urls ...string) *v1alpha1.Application {
		app := &v1alpha1.Application{}
		for _, u := range urls {
			app.Spec.Sources = append(app.Spec.Sources, v1alpha1.ApplicationSource{RepoURL: u})
		}
		return app
	}
	const shop = "repository file:///srv/shop: a directory of the server's machine, which a server refuses by default; start it with --allow-repository-directory /srv/shop, or give the URL of a git host"
	const path = "repository /srv/other: a directory of the server's machine, which a server refuses by default; start it with --allow-repository-directory /srv/other, or give the URL of a git host"
	for _, row := range []struct {
		rule        string
		before, app *v1alpha1.Application
		want        []string
	}{
		{"a git host", of(), of("https://git.example/shop"), nil},
		{"a file URL", of(), of("file:///srv/shop"), []string{shop}},
		{"a path, and a file URL", of(), of("/srv/other", "file:///srv/shop"), []string{path, shop}},
		{"one that was there before", of("file:///srv/shop"), of("file:///srv/shop", "https://git.example/shop"), nil},
		{"what is no URL is refused elsewhere", of(), of("::"), nil},
	} {
		if got := onDisk(row.before, row.app); !slices.Equal(got, row.want) {
			t.Errorf("%s: got %q, want %q", row.rule, got, row.want)
		}
	}
	one := &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{Source: &v1alpha1.ApplicationSource{RepoURL: "file:///srv/shop"}}}
	if got := onDisk(of(), one); !slices.Equal(got, []string{shop}) {
		t.Errorf("an Application with one source: got %q", got)
	}
}
