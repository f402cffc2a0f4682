package application_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/settings"
)

// signer signs commits with a key of its own.
type signer struct {
	public, id string
	// format and program are settings of git, and key the key as git wants it.
	format, program, key string
}

// newSSHSigner makes an ssh key. Its public part is a line of an allowed_signers file.
func newSSHSigner(t *testing.T, name string) signer {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	keygen := func(args ...string) string {
		out, err := exec.Command("ssh-keygen", args...).Output()
		if err != nil {
			t.Fatalf("ssh-keygen %v: %v", args, err)
		}
		return string(out)
	}
	keygen("-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file)
	public, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return signer{name + "@example.com " + string(public), strings.Fields(keygen("-l", "-f", file))[1], "ssh", "ssh-keygen", file}
}

func newSigner(t *testing.T, name string) signer {
	t.Helper()
	// A short path: gpg has sockets there.
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		_ = os.RemoveAll(home)
	})
	gpg := func(args ...string) string {
		out, err := exec.Command("gpg", append([]string{"--homedir", home, "--batch", "--quiet"}, args...)...).Output()
		if err != nil {
			t.Fatalf("gpg %v: %v", args, err)
		}
		return string(out)
	}
	gpg("--pinentry-mode", "loopback", "--passphrase", "", "--quick-generate-key", name+" <"+name+"@example.com>", "ed25519", "sign", "never")
	_, after, _ := strings.Cut(gpg("--with-colons", "--list-keys"), "\nfpr:::::::::")
	fingerprint, _, _ := strings.Cut(after, ":")
	id := fingerprint[len(fingerprint)-16:]
	s := signer{gpg("--armor", "--export"), id, "openpgp", filepath.Join(home, "sign"), id}
	if err := os.WriteFile(s.program, []byte("#!/bin/sh\nexec gpg --homedir "+home+" \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return s
}

// pushSigned is push, with commits that s signs.
func (w *world) pushSigned(s signer, colour string) string {
	w.Helper()
	w.repo.Git("config", "gpg.format", s.format)
	w.repo.Git("config", "gpg."+s.format+".program", s.program)
	w.repo.Git("config", "user.signingKey", s.key)
	w.repo.Git("config", "commit.gpgSign", "true")
	defer w.repo.Git("config", "commit.gpgSign", "false")
	return w.push(map[string]string{"k8s/a.yaml": configMap("a", colour)})
}

func (w *world) untilRefused(app types.NamespacedName, parts ...string) {
	w.Helper()
	w.eventually(app, "the refusal "+strings.Join(parts, " … "), func(a *v1alpha1.Application) bool {
		got := condition(a, v1alpha1.ConditionComparisonError)
		for _, part := range parts {
			if !strings.Contains(got, part) {
				return false
			}
		}
		return a.Operation == nil
	})
}

// Where a project names keys, what none of them has signed is not synced, by whichever way it is asked for.
func TestOnlySignedCommitsAreSynced(t *testing.T) {
	w := newWorld(t)
	ada, eve := newSigner(t, "ada"), newSigner(t, "eve")
	w.teamProject(func(p *v1alpha1.AppProject) {
		p.Spec.SignatureKeys = []runtime.RawExtension{rawJSON(t, map[string]string{"keyID": ada.id})}
	})
	w.start()
	stays := func(when, colour string) {
		t.Helper()
		if got := w.data("a")["colour"]; got != colour {
			t.Errorf("%s: the cluster has %q, want %q", when, got, colour)
		}
	}
	unsigned := w.push(map[string]string{"k8s/a.yaml": configMap("a", "red")})
	app := w.app("shop", func(a *v1alpha1.Application) { automated(a); a.Spec.Project = "team" })
	w.untilRefused(app, "AppProject team: spec.signatureKeys: commit "+unsigned[:7]+" is not signed", "one of the keys "+ada.id)

	green := w.pushSigned(ada, "green")
	w.untilRefused(app, "commit "+green[:7]+" is signed with a key that is not known", "add the public key of "+ada.id+" to ConfigMap argocd-gpg-keys-cm")
	stays("before the public key is there", "")
	w.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: settings.GPGKeysName}, Data: map[string]string{ada.id: ada.public, eve.id: eve.public}})
	w.eventually(app, "the sync of a signed commit", syncedTo(green))

	byEve := w.pushSigned(eve, "red")
	w.untilRefused(app, "commit "+byEve[:7]+" is signed with gpg key "+eve.id, "add the key that has signed it to the project")
	stays("signed by somebody else", "green")
	w.repo.Git("tag", "--annotate", "--no-sign", "--message", "not signed", "v1", green)
	w.repo.Push("--tags")

	for what, revision := range map[string]string{"an unsigned commit": unsigned, "a commit of somebody else": byEve, "an unsigned tag of a signed commit": "v1"} {
		// The controller may write the Application at the same time.
		asked := client.RawPatch(types.MergePatchType, []byte(`{"operation":{"sync":{"revision":"`+revision+`"}}}`))
		if err := w.Patch(t.Context(), &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: app.Namespace, Name: app.Name}}, asked); err != nil {
			t.Fatal(err)
		}
		got := w.eventually(app, "the end of the sync to "+what, func(a *v1alpha1.Application) bool {
			return a.Operation == nil && a.Status.OperationState != nil && a.Status.OperationState.Operation.Sync.Revision == revision && a.Status.OperationState.FinishedAt != nil
		})
		if s := got.Status.OperationState; s.Phase == v1alpha1.OperationSucceeded || !strings.Contains(s.Message, "spec.signatureKeys") {
			t.Errorf("a sync to %s is %s: %s", what, s.Phase, s.Message)
		}
		stays("a sync to "+what, "green")
	}
	blue := w.pushSigned(ada, "blue")
	w.eventually(app, "the sync of the next signed commit", syncedTo(blue))

	// Without gpg nothing can be checked, and what was good a moment ago is not believed.
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(git, filepath.Join(bin, "git")); err != nil {
		t.Fatal(err)
	}
	path := os.Getenv("PATH")
	t.Setenv("PATH", bin)
	w.refresh(app)
	w.untilRefused(app, "program gpg: not found", "install gnupg")
	t.Setenv("PATH", path)
	w.refresh(app)
	w.eventually(app, "the way back", func(a *v1alpha1.Application) bool { return condition(a, v1alpha1.ConditionComparisonError) == "" })
	w.until("the blue one", func(context.Context) (bool, error) { return w.data("a")["colour"] == "blue", nil })
}

// Keys of ssh are as good as those of gpg, in either field of a project, and need no gpg.
func TestOnlyCommitsSignedWithSSHAreSynced(t *testing.T) {
	for field, set := range map[string]func(*v1alpha1.AppProject, string){
		"spec.signatureKeys": func(p *v1alpha1.AppProject, id string) {
			p.Spec.SignatureKeys = []runtime.RawExtension{rawJSON(t, map[string]string{"keyID": id})}
		},
		"spec.sourceIntegrity": func(p *v1alpha1.AppProject, id string) {
			policy := map[string]any{"repos": []any{map[string]string{"url": "*"}}, "gpg": map[string]any{"mode": "head", "keys": []string{id}}}
			written := rawJSON(t, map[string]any{"git": map[string]any{"policies": []any{policy}}})
			p.Spec.SourceIntegrity = &written
		},
	} {
		t.Run(field, func(t *testing.T) {
			w := newWorld(t)
			sue, mal := newSSHSigner(t, "sue"), newSSHSigner(t, "mal")
			w.teamProject(func(p *v1alpha1.AppProject) { set(p, sue.id) })
			// A gpg key that can't be read does not concern a project that names none.
			w.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: settings.GPGKeysName}, Data: map[string]string{"4AEE18F83AFDEB23": "no key"}})
			w.start()
			green := w.pushSigned(sue, "green")
			app := w.app("shop", func(a *v1alpha1.Application) { automated(a); a.Spec.Project = "team" })
			w.untilRefused(app, "AppProject team: "+field+": commit "+green[:7]+" is signed with a key that is not known", "add the public key of "+sue.id+" to key allowed_signers of ConfigMap cyan-ssh-signers-cm")
			w.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: settings.SSHSignersName}, Data: map[string]string{settings.SSHSignersKey: "nonsense\n" + sue.public + mal.public}})
			w.eventually(app, "the sync of a signed commit", syncedTo(green))

			byMal := w.pushSigned(mal, "red")
			w.untilRefused(app, "commit "+byMal[:7]+" is signed with ssh key "+mal.id+" (mal@example.com), and has to be signed with one of the keys "+sue.id, "add the key that has signed it to the project")
			unsigned := w.push(map[string]string{"k8s/a.yaml": configMap("a", "red")})
			w.untilRefused(app, "commit "+unsigned[:7]+" is not signed")
			if got := w.data("a")["colour"]; got != "green" {
				t.Errorf("the cluster has %q, want green", got)
			}
		})
	}
}
