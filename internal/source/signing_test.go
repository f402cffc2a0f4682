package source_test

import (
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// Commits that Cyan makes are signed as the owner of the working copy signs theirs.
func TestCommitBackSigns(t *testing.T) {
	sue, ada := sshSigner(t, "sue"), gpgSigner(t, "ada")
	keys := source.SignerKeys{GPG: []string{ada.public}, SSH: sue.public}
	for _, c := range []struct {
		rule     string
		settings []string
		want     string // the ID of the key; "" for none
	}{
		{"not asked for", sue.settings, ""},
		{"switched off", append([]string{"commit.gpgsign=false"}, sue.settings...), ""},
		{"with an ssh key", append([]string{"commit.gpgsign=true"}, sue.settings...), sue.id},
		{"with a gpg key", append([]string{"commit.gpgsign=yes"}, ada.settings...), ada.id},
		{"with the gpg key of the owner's address", []string{"commit.gpgsign=true", ada.settings[1], "user.email=ada@example.com"}, ada.id},
	} {
		repo := testkit.GitRepo(t)
		repo.Commit(map[string]string{"list": "first\n"})
		for _, setting := range c.settings {
			key, value, _ := strings.Cut(setting, "=")
			repo.Git("config", key, value)
		}
		checkout, err := source.OpenCheckout(t.Context(), repo.Dir)
		must(t, err)
		signing, err := checkout.Signing(t.Context())
		must(t, err)
		intent := appending("list", "second")
		intent.Signing = signing
		m := open(t, source.Options{})
		at := source.Repository{URL: repo.URL}
		landed, err := m.CommitBack(t.Context(), at, "main", intent)
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		signature, err := m.Signature(t.Context(), at, "main", landed.Commit.SHA, keys)
		must(t, err)
		if signature.KeyID != c.want || (c.want != "") != signing.Signs() {
			t.Errorf("%s: signed by %q (%+v), want %q", c.rule, signature.KeyID, signature, c.want)
		}
	}
}

// A key that is missing ends a commit, with what to do: an unsigned one was not wanted.
func TestCommitBackWithoutTheKey(t *testing.T) {
	repo := testkit.GitRepo(t)
	repo.Commit(map[string]string{"list": "first\n"})
	before := repo.Served("rev-parse", "main")
	for _, setting := range [][2]string{{"commit.gpgsign", "true"}, {"gpg.format", "ssh"}, {"user.signingkey", "/nowhere/key"}} {
		repo.Git("config", setting[0], setting[1])
	}
	checkout, err := source.OpenCheckout(t.Context(), repo.Dir)
	must(t, err)
	intent := appending("list", "second")
	intent.Signing, err = checkout.Signing(t.Context())
	must(t, err)
	_, err = open(t, source.Options{}).CommitBack(t.Context(), source.Repository{URL: repo.URL}, "main", intent)
	if err == nil || !strings.Contains(err.Error(), "commit.gpgsign") || repo.Served("rev-parse", "main") != before {
		t.Errorf("the error is %v, want one about commit.gpgsign and nothing pushed", err)
	}
}
