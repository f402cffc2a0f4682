package repository

import "testing"

func TestSecretName(t *testing.T) {
	for _, c := range []struct{ prefix, address, project, want string }{
		{"repo", "https://git.example/shop", "", "repo-git.example-"},
		{"repo", "https://git.example/shop", "shop", "repo-git.example-"},
		{"creds", "git@git.example:shop", "", "creds-"},
		{"cluster", "https://[::1]:6443", "", "cluster-1-"},
	} {
		got := SecretName(c.prefix, c.address, c.project)
		if len(got) != len(c.want)+10 || got[:len(c.want)] != c.want {
			t.Errorf("%+v: got %s", c, got)
		}
	}
	if SecretName("repo", "https://git.example/shop", "") == SecretName("repo", "https://git.example/shop", "shop") {
		t.Error("one of a project has the name of that of all")
	}
}
