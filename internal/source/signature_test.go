package source_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// signer signs with git's own settings.
type signer struct {
	// public is the armored key, or the line of allowed_signers.
	public, id string
	settings   []string
}

func run(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("%s %v: %v\n%s", name, args, err, exit.Stderr)
	}
	must(t, err)
	return strings.TrimSpace(string(out))
}

// gpgSigner makes a key in a home of its own, under a short path: gpg has sockets there.
func gpgSigner(t *testing.T, name string) signer {
	t.Helper()
	home, err := os.MkdirTemp("", "gpg")
	must(t, err)
	env := []string{"GNUPGHOME=" + home}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		_ = os.RemoveAll(home)
	})
	run(t, env, "gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-generate-key", name+" <"+name+"@example.com>", "ed25519", "sign", "never")
	fingerprint := ""
	for line := range strings.Lines(run(t, env, "gpg", "--batch", "--with-colons", "--list-keys")) {
		if fields := strings.Split(line, ":"); fields[0] == "fpr" && fingerprint == "" {
			fingerprint = fields[9]
		}
	}
	program := filepath.Join(home, "sign")
	must(t, os.WriteFile(program, []byte("#!/bin/sh\nGNUPGHOME="+home+" exec gpg \"$@\"\n"), 0o700))
	return signer{run(t, env, "gpg", "--batch", "--armor", "--export"), fingerprint[len(fingerprint)-16:], []string{"gpg.format=openpgp", "gpg.program=" + program, "user.signingKey=" + fingerprint}}
}

func sshSigner(t *testing.T, name string) signer {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	run(t, nil, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file)
	public, err := os.ReadFile(file + ".pub")
	must(t, err)
	fingerprint := strings.Fields(run(t, nil, "ssh-keygen", "-l", "-f", file))[1]
	return signer{name + "@example.com " + strings.TrimSpace(string(public)), fingerprint, []string{"gpg.format=ssh", "gpg.ssh.program=ssh-keygen", "user.signingKey=" + file}}
}

// commit makes a commit that s signs, or nobody, and pushes it.
func (s signer) commit(repo *testkit.Repo) string {
	for _, setting := range s.settings {
		key, value, _ := strings.Cut(setting, "=")
		repo.Git("config", key, value)
	}
	args := []string{"commit", "--quiet", "--allow-empty", "--message", "signed or not"}
	if len(s.settings) > 0 {
		args = append(args, "--gpg-sign")
	} else {
		args = append(args, "--no-gpg-sign")
	}
	repo.Git(args...)
	repo.Push("HEAD")
	return repo.Git("rev-parse", "HEAD")
}

// forge puts another message under the signature of a commit.
func forge(t *testing.T, repo *testkit.Repo, sha string) string {
	t.Helper()
	cmd := exec.Command("git", "-C", repo.Dir, "hash-object", "-t", "commit", "-w", "--stdin")
	cmd.Stdin = strings.NewReader(strings.Replace(repo.Git("cat-file", "commit", sha), "signed or not", "forged", 1) + "\n")
	out, err := cmd.Output()
	must(t, err)
	forged := strings.TrimSpace(string(out))
	repo.Push(forged + ":refs/heads/forged-" + forged[:7])
	return forged
}

func TestSignatures(t *testing.T) {
	repo := testkit.GitRepo(t)
	repo.Commit(map[string]string{"a": "1"})
	ada, eve, sue, mal := gpgSigner(t, "ada"), gpgSigner(t, "eve"), sshSigner(t, "sue"), sshSigner(t, "mal")
	keys := source.SignerKeys{GPG: []string{ada.public, ada.public}, SSH: sue.public}
	ids := []string{ada.id, sue.id}

	unsigned := signer{}.commit(repo)
	byAda := ada.commit(repo)
	repo.Git("tag", "--annotate", "--no-sign", "--message", "not signed", "plain")
	repo.Git("tag", "--sign", "--message", "signed", "by-ada")
	byEve := eve.commit(repo)
	repo.Git("tag", "--sign", "--message", "signed", "by-eve")
	repo.Git("tag", "light", byAda)
	bySue := sue.commit(repo)
	repo.Git("tag", "--sign", "--message", "signed", "by-sue")
	byMal := mal.commit(repo)
	repo.Git("tag", "--sign", "--message", "-----BEGIN PGP SIGNATURE-----\n\nfake", "by-mal")
	repo.Push("--tags")
	m := open(t, source.Options{})
	at := source.Repository{URL: repo.URL}

	for _, c := range []struct {
		rule, revision, sha string
		keys                source.SignerKeys
		state               source.SignatureState
		method, id          string
	}{
		{"no signature", "", unsigned, keys, source.SignatureNone, "", ""},
		{"gpg", "", byAda, keys, source.SignatureGood, "gpg", ada.id},
		{"gpg, of a key that is not given", "", byEve, keys, source.SignatureUnknown, "gpg", ""},
		{"gpg, while only ssh keys are given", "", byAda, source.SignerKeys{SSH: sue.public}, source.SignatureUnknown, "gpg", ""},
		{"gpg, another message under the signature", "", forge(t, repo, byAda), keys, source.SignatureBad, "gpg", ""},
		{"ssh", "", bySue, keys, source.SignatureGood, "ssh", sue.id},
		{"ssh, of a key that is not given", "", byMal, keys, source.SignatureUnknown, "ssh", ""},
		{"ssh, while only gpg keys are given", "", bySue, source.SignerKeys{GPG: []string{ada.public}}, source.SignatureUnknown, "ssh", ""},
		{"ssh, another message under the signature", "", forge(t, repo, bySue), keys, source.SignatureBad, "ssh", ""},
		{"no keys at all", "", byAda, source.SignerKeys{}, source.SignatureUnknown, "gpg", ""},
		{"a branch is judged by its commit", "main", byMal, keys, source.SignatureUnknown, "ssh", ""},
		{"a signed tag is judged by its own signature", "by-ada", byAda, keys, source.SignatureGood, "gpg", ada.id},
		{"a tag that is not signed, of a signed commit", "plain", byAda, keys, source.SignatureNone, "", ""},
		{"a tag signed by a stranger", "by-eve", byEve, keys, source.SignatureUnknown, "gpg", ""},
		{"a tag signed by ssh", "by-sue", bySue, keys, source.SignatureGood, "ssh", sue.id},
		{"a tag with the beginning of another signature in its message", "by-mal", byMal, keys, source.SignatureBad, "", ""},
		{"a light tag is judged by its commit", "light", byAda, keys, source.SignatureGood, "gpg", ada.id},
		{"a tag that is not of the commit any more", "by-ada", unsigned, keys, source.SignatureNone, "", ""},
	} {
		if c.revision != "" {
			must(t, m.Refresh(t.Context(), at))
		}
		got, err := m.Signature(t.Context(), at, c.revision, c.sha, c.keys)
		must(t, err)
		if got.State != c.state || got.Method != c.method && c.state != source.SignatureBad || c.id != "" && (got.KeyID != c.id || got.PrimaryKeyID != c.id) {
			t.Errorf("%s: got %+v, want %s by %s %s", c.rule, got, c.state, c.method, c.id)
		}
		if got.SignedBy(ids) != (c.state == source.SignatureGood) {
			t.Errorf("%s: SignedBy: got %v for %+v", c.rule, got.SignedBy(ids), got)
		}
		if text := got.String(); !strings.Contains(text, got.Object[:7]) {
			t.Errorf("%s: %q does not name the object", c.rule, text)
		}
	}
}

func TestWhomASignatureIsBy(t *testing.T) {
	gpg := source.Signature{State: source.SignatureGood, Method: "gpg", KeyID: "0123456789ABCDEF", PrimaryKeyID: "FEDCBA9876543210"}
	ssh := source.Signature{State: source.SignatureGood, Method: "ssh", KeyID: "SHA256:abc"}
	for _, c := range []struct {
		rule string
		by   source.Signature
		ids  []string
		want bool
	}{
		{"the key", gpg, []string{"0123456789ABCDEF"}, true},
		{"the key in lower case", gpg, []string{" 0x0123456789abcdef"}, true},
		{"the primary key's fingerprint", gpg, []string{"00000000000000000000000000000000FEDCBA9876543210"}, true},
		{"one of several", gpg, []string{"1111111111111111", "0123456789ABCDEF"}, true},
		{"another key", gpg, []string{"1111111111111111"}, false},
		{"a short ID, which anyone can make", gpg, []string{"89ABCDEF"}, false},
		{"no keys", gpg, nil, false},
		{"an empty ID", gpg, []string{""}, false},
		{"an ssh key", ssh, []string{"SHA256:abc"}, true},
		{"an ssh key in other letters", ssh, []string{"SHA256:ABC"}, false},
		{"an empty ssh key", source.Signature{State: source.SignatureGood, Method: "ssh"}, []string{""}, false},
		{"one that is not good", source.Signature{State: source.SignatureExpired, Method: "gpg", KeyID: "0123456789ABCDEF"}, []string{"0123456789ABCDEF"}, false},
	} {
		if got := c.by.SignedBy(c.ids); got != c.want {
			t.Errorf("%s: got %v, want %v", c.rule, got, c.want)
		}
	}
}

// Without the program that checks them, signatures are never good.
func TestSignaturesWithoutTheProgram(t *testing.T) {
	repo := testkit.GitRepo(t)
	sha := repo.Commit(map[string]string{"a": "1"})
	git, err := exec.LookPath("git")
	must(t, err)
	m := open(t, source.Options{})
	must(t, readA(t.Context(), m, source.Repository{URL: repo.URL}, sha, "1"))
	only := t.TempDir()
	must(t, os.Symlink(git, filepath.Join(only, "git")))
	t.Setenv("PATH", only)
	for want, keys := range map[string]source.SignerKeys{"gnupg": {GPG: []string{"any"}}, "openssh-client": {SSH: "any"}} {
		_, err := m.Signature(t.Context(), source.Repository{URL: repo.URL}, "", sha, keys)
		if problem.KindOf(err) != problem.Refused || !strings.Contains(err.Error(), "install "+want) {
			t.Errorf("%s: got %v, want it refused", want, err)
		}
	}
}

func TestKeysThatAreNone(t *testing.T) {
	repo := testkit.GitRepo(t)
	sha := repo.Commit(map[string]string{"a": "1"})
	m := open(t, source.Options{})
	_, err := m.Signature(t.Context(), source.Repository{URL: repo.URL}, "", sha, source.SignerKeys{GPG: []string{"no key"}})
	if problem.KindOf(err) != problem.Usage || !strings.Contains(err.Error(), "gpg key 1 of 1") {
		t.Errorf("got %v, want the key named", err)
	}
}
