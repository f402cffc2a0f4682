package cli_test

import (
	"context"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// entries are those of a ConfigMap in the control namespace.
func (s *shell) entries(name string) map[string]string {
	s.t.Helper()
	found := &corev1.ConfigMap{}
	if err := s.cluster.Client.Get(s.t.Context(), client.ObjectKey{Namespace: "argocd", Name: name}, found); client.IgnoreNotFound(err) != nil {
		s.t.Fatal(err)
	}
	return found.Data
}

// emptied deletes a ConfigMap after the test.
func (s *shell) emptied(names ...string) {
	s.t.Cleanup(func() {
		for _, name := range names {
			m := &corev1.ConfigMap{}
			m.Namespace, m.Name = "argocd", name
			if err := s.cluster.Client.Delete(context.Background(), m); client.IgnoreNotFound(err) != nil {
				s.t.Error(err)
			}
		}
	})
}

func TestKeysOfSigners(t *testing.T) {
	s := newShell(t)
	s.emptied("argocd-gpg-keys-cm")
	text, err := os.ReadFile("../source/testdata/keys/two.asc")
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, "two.asc", string(text))
	const first, second = "0AD41D13CA30D0F3", "D257C82D0ECAE63A"
	for _, c := range []struct {
		line string
		want outcome
	}{
		{"gpg list", outcome{0, "KEYID  TYPE  IDENTITY\n", ""}},
		{"gpg add", outcome{2, "", "Error: --from: not given; name a file as gpg --export --armor makes it, or - for standard input\n"}},
		{"gpg add --from " + file, outcome{0, "key " + first + " of Ada ed25519 <ada-ed25519@example.com> added\nkey " + second + " of Ada rsa2048 <ada-rsa2048@example.com> added\n", ""}},
		{"gpg add --from " + file, outcome{0, "key " + first + " of Ada ed25519 <ada-ed25519@example.com> replaced\nkey " + second + " of Ada rsa2048 <ada-rsa2048@example.com> replaced\n", ""}},
		{"gpg list", outcome{0, "KEYID             TYPE     IDENTITY\n" + first + "  ed25519  Ada ed25519 <ada-ed25519@example.com>\n" + second + "  rsa2048  Ada rsa2048 <ada-rsa2048@example.com>\n", ""}},
		{"gpg rm F14567ACE299476FC151C0F00AD41D13CA30D0F3", outcome{0, "key " + first + " removed\n", ""}},
		{"gpg rm " + first, outcome{13, "", "Error: key \"" + first + "\": not found in namespace \"argocd\"; there are: " + second + "\n"}},
		{"gpg rm 0", outcome{13, "", "Error: key \"0\": not found in namespace \"argocd\"; there are: " + second + "\n"}},
	} {
		if got := s.ends(append([]string{"argocd"}, strings.Fields(c.line)...)...); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.line, got, c.want)
		}
	}
	if got := s.ends("cyan", "gpg", "get", second); got.code != 0 || !strings.Contains(got.stdout, "Key subtype:      rsa2048\n") || !strings.Contains(got.stdout, "-----BEGIN PGP PUBLIC KEY BLOCK-----") {
		t.Errorf("gpg get: got %+v", got)
	}
	if got := s.entries("argocd-gpg-keys-cm"); len(got) != 1 || !strings.HasPrefix(got[second], "-----BEGIN PGP") {
		t.Errorf("got the keys %v, want the second alone", got)
	}
}

func TestSSHKeysOfSigners(t *testing.T) {
	s := newShell(t)
	const name = "cyan-ssh-signers-cm"
	s.emptied(name)
	const (
		one, oneID     = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDbuVefTXBUOIaJU0wqM8DwYYzKcDDuocbtVC/CYRdfG", "SHA256:txVF8wMITH8YaLGZZQFvW2we//3GrfAPnVFKj8cnJFU"
		other, otherID = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBH2S7vAhd2KPLoI0PzSufrH6heA1NRJYJnsuMvHheUloRUh64dUXVyIk5xr0qtRlgayacIaCP1h4qpRmX0czAhg=", "SHA256:PKVizCOf1LdzWucs2psBot1mqzDSQKNKuyKcRNUwFrY"
	)
	key, both := write(t, "key.pub", one+" laptop\n"), write(t, "allowed_signers", "# of the team\nsue@example.com "+one+"\nmal@example.com "+other+"\n")
	const remedy = "; give a public key with --principal, or lines as git's gpg.ssh.allowedSignersFile has them\n"
	for _, c := range []struct {
		line string
		want outcome
	}{
		{"signer list", outcome{0, "KEYID  TYPE  PRINCIPAL\n", ""}},
		{"signer add", outcome{2, "", "Error: --from: not given; name a file as ssh-keygen or gpg.ssh.allowedSignersFile makes it, or - for standard input\n"}},
		{"signer add --from " + key, outcome{2, "", "Error: --from " + key + ": line 1: not of the form PRINCIPAL TYPE KEY" + remedy}},
		{"signer add --from " + key + " --principal a#b", outcome{2, "", "Error: --from " + key + ": principal \"a#b\" has a space, a quote or a #" + remedy}},
		{"signer add --from " + write(t, "empty", "# none\n"), outcome{2, "", "Error: --from EMPTY: no key found" + remedy}},
		{"signer add --from " + key + " --principal sue@example.com", outcome{0, "key " + oneID + " of sue@example.com added\n", ""}},
		{"signer add --from " + both, outcome{0, "key " + oneID + " of sue@example.com replaced\nkey " + otherID + " of mal@example.com added\n", ""}},
		{"signer list", outcome{0, "KEYID                                               TYPE                 PRINCIPAL\n" + oneID + "  ssh-ed25519          sue@example.com\n" + otherID + "  ecdsa-sha2-nistp256  mal@example.com\n", ""}},
		{"signer rm " + oneID, outcome{0, "key " + oneID + " removed\n", ""}},
		{"signer rm " + oneID, outcome{13, "", "Error: key \"" + oneID + "\": not found in namespace \"argocd\"; there are: " + otherID + "\n"}},
	} {
		got := s.ends(append([]string{"cyan"}, strings.Fields(c.line)...)...)
		if at := strings.Fields(c.line); strings.HasSuffix(c.line, "/empty") {
			got.stderr = strings.Replace(got.stderr, at[len(at)-1], "EMPTY", 1)
		}
		if got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.line, got, c.want)
		}
	}
	if got := s.entries(name)["allowed_signers"]; got != "mal@example.com "+other+"\n" {
		t.Errorf("got the lines %q, want the other key alone", got)
	}
}

func TestTrustedHosts(t *testing.T) {
	s := newShell(t)
	const hosts, authorities = "argocd-ssh-known-hosts-cm", "argocd-tls-certs-cm"
	s.emptied(hosts, authorities)
	const (
		one   = "git.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"
		other = "git.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICgpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZH"
	)
	first, second, ca := write(t, "one", "# by hand\n"+one+"\n"), write(t, "other", other+"\n"), write(t, "ca.pem", authority)
	for _, c := range []struct {
		line string
		want outcome
	}{
		{"cert add-ssh --batch --from " + first, outcome{0, "1 keys of hosts added, 0 were there already\n", ""}},
		{"cert add-ssh --batch --from " + first, outcome{0, "0 keys of hosts added, 1 were there already\n", ""}},
		{"cert add-ssh --batch --from " + second, outcome{20, "", "Error: host git.example: has another key of type ssh-ed25519 already; add --upsert to replace it, if the host has really changed its key\n"}},
		{"cert add-ssh --batch --upsert --from " + second, outcome{0, "1 keys of hosts added, 0 were there already\n", ""}},
		{"cert add-ssh --batch --from " + ca, outcome{2, "", "Error: --from " + ca + ": line 1 has no host, type and key; give lines as `ssh-keyscan HOST` prints them\n"}},
		{"cert add-tls https://git.example --from " + ca, outcome{2, "", "Error: host: \"https://git.example\" is invalid; give the name alone, without scheme, port and path\n"}},
		{"cert add-tls git.example --from " + first, outcome{2, "", "Error: --from " + first + ": no certificate found: its text begins with -----BEGIN CERTIFICATE-----; give certificates in PEM\n"}},
		{"cert add-tls git.example --from " + ca, outcome{0, "1 certificates trusted for host git.example\n", ""}},
		{"cert list --sort type", outcome{0, "HOSTNAME     TYPE   SUBTYPE      INFO\ngit.example  https  ecdsa        CN=ca.example\ngit.example  ssh    ssh-ed25519  SHA256:" + otherFingerprint + "\n", ""}},
		{"cert list --cert-type https --hostname-pattern *.test", outcome{0, "HOSTNAME  TYPE  SUBTYPE  INFO\n", ""}},
		{"cert list --cert-type tls", outcome{2, "", "Error: --cert-type: unknown type \"tls\"; give ssh or https\n"}},
		{"cert rm git.example --cert-type ssh", outcome{0, "ssh key ssh-ed25519 of host git.example removed\n", ""}},
		{"cert rm git.example", outcome{0, "certificates of host git.example removed\n", ""}},
		{"cert rm git.example", outcome{13, "", "Error: host \"git.example\": not found in namespace \"argocd\"; `argocd cert list` lists those that are trusted\n"}},
	} {
		if got := s.ends(append([]string{"argocd"}, strings.Fields(c.line)...)...); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.line, got, c.want)
		}
	}
	if got := s.entries(hosts)["ssh_known_hosts"]; got != "" {
		t.Errorf("got the hosts %q, want none", got)
	}
}

const otherFingerprint = "oZadLeLJ75q2XywFfWlfBOWD1m0OvC8REu+Vl1SNnrA"

// authority is a certificate that signs itself.
const authority = `-----BEGIN CERTIFICATE-----
MIIBgTCCASegAwIBAgIUDqc8iBGQsjS09s/3Ez6M8o2iALAwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKY2EuZXhhbXBsZTAgFw0yNjExMjYwNjA2NDlaGA8yMTI2MTEw
MjA2MDY0OVowFTETMBEGA1UEAwwKY2EuZXhhbXBsZTBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABOSnHFhRM7Xv9C9nDZzfjefKpxfj1JRonSbqd3uvI3wxfHkEwXrj
ZVGl5qznhYuyckJ5rDupqb7K68cM4qhbR0ajUzBRMB0GA1UdDgQWBBQ2l0H4pB7P
TLddEoUa/Y5dMfsqfDAfBgNVHSMEGDAWgBQ2l0H4pB7PTLddEoUa/Y5dMfsqfDAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIH4pbmAlT5eMllZ7pt8G
Ta+/3EWmMCfmTL6kAebLa41VAiEAxs61d/eh8TEzLNTmmXbu7zVvLDSbT1g66cBX
Kfekd8U=
-----END CERTIFICATE-----
`
