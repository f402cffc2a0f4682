package repo_test

import (
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/cli/repo"
)

func TestFromPage(t *testing.T) {
	for _, c := range []struct{ address, want string }{
		{"https://github.com/a/b/tree/main/k8s/overlays", "https://github.com/a/b main k8s/overlays"},
		{"https://github.com/a/b/tree/main", "https://github.com/a/b main "},
		{"https://github.com/a/b/blob/v1/k8s/app.yaml?plain=1#L3", "https://github.com/a/b v1 k8s/app.yaml"},
		{"https://gitlab.com/g/sub/b/-/tree/main/k8s?ref_type=heads", "https://gitlab.com/g/sub/b main k8s"},
		{"https://codeberg.org/a/b/src/branch/main/k8s", "https://codeberg.org/a/b main k8s"},
		{"https://bitbucket.org/a/b/src/main/k8s/", "https://bitbucket.org/a/b main k8s"},
		{"https://github.com/a/b", ""}, {"https://github.com/a/b.git", ""}, {"https://git.example/src/app", ""}, {"https://git.example/team/src/app", ""},
		{"https://git.example/tree/main", ""}, {"https://git.example/a/tree", ""}, {"git@github.com:a/b.git", ""}, {"ssh://git@h/a/b/tree/main/x", ""}, {"/srv/a/b/tree/main", ""}, {"", ""},
	} {
		url, revision, path, ok := repo.FromPage(c.address)
		got := ""
		if ok {
			got = strings.Join([]string{url, revision, path}, " ")
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.address, got, c.want)
		}
	}
}
