package settings

import (
	"strings"
	"testing"
)

const (
	ed25519   = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDbuVefTXBUOIaJU0wqM8DwYYzKcDDuocbtVC/CYRdfG"
	ed25519ID = "SHA256:txVF8wMITH8YaLGZZQFvW2we//3GrfAPnVFKj8cnJFU"
	ecdsa     = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBH2S7vAhd2KPLoI0PzSufrH6heA1NRJYJnsuMvHheUloRUh64dUXVyIk5xr0qtRlgayacIaCP1h4qpRmX0czAhg="
	ecdsaID   = "SHA256:PKVizCOf1LdzWucs2psBot1mqzDSQKNKuyKcRNUwFrY"
	// certificate is one of the first key by the second.
	certificate = "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIIrf3Ol+CxTvqbEqZd+7TPJqi9D1Bqk40tsdzs7hYUpWAAAAIDbuVefTXBUOIaJU0wqM8DwYYzKcDDuocbtVC/CYRdfGAAAAAAAAAAAAAAABAAAAAmlkAAAABwAAAANzdWUAAAAAAAAAAP//////////AAAAAAAAAIIAAAAVcGVybWl0LVgxMS1mb3J3YXJkaW5nAAAAAAAAABdwZXJtaXQtYWdlbnQtZm9yd2FyZGluZwAAAAAAAAAWcGVybWl0LXBvcnQtZm9yd2FyZGluZwAAAAAAAAAKcGVybWl0LXB0eQAAAAAAAAAOcGVybWl0LXVzZXItcmMAAAAAAAAAAAAAAGgAAAATZWNkc2Etc2hhMi1uaXN0cDI1NgAAAAhuaXN0cDI1NgAAAEEEfZLu8CF3Yo8ugjQ/NK5+sfqF4DU1Elgmey4y8eF5SWhFSHrh1RdXIiTnGvSq1GWBrJpwhoI/WHiqlGZfRzMCGAAAAGUAAAATZWNkc2Etc2hhMi1uaXN0cDI1NgAAAEoAAAAhAKwYLp0cHo/jVYYEc9ZBe9J3dXHRRWEaEcEF+tsLUt+YAAAAIQDMGJ8JI8JY+IZTX7odGKSH50f3rT4FrqQrcX62bli34A=="
)

// TestParseSSHSigners: the keys of an allowed_signers file as PRINCIPALS TYPE ID, and what is wrong with the others.
func TestParseSSHSigners(t *testing.T) {
	for _, test := range []struct{ rule, text, want, wrong string }{
		{"nothing", "", "", ""},
		{"comments and empty lines", "# ada\n\n  # sue\n", "", ""},
		{"a key", "sue@example.com " + ed25519, "sue@example.com ssh-ed25519 " + ed25519ID, ""},
		{"two keys, with a comment and other line ends", "sue " + ed25519 + " laptop\r\nmal\t" + ecdsa + "\r\n", "sue ssh-ed25519 " + ed25519ID + "|mal ecdsa-sha2-nistp256 " + ecdsaID, ""},
		{"several principals", "sue,ada " + ed25519, "sue,ada ssh-ed25519 " + ed25519ID, ""},
		{"principals in quotes", `"sue s" ` + ed25519, "sue s ssh-ed25519 " + ed25519ID, ""},
		{"options", `sue namespaces="git",valid-before="20300101" ` + ed25519, "sue ssh-ed25519 " + ed25519ID, ""},
		{"a public key without a principal", ed25519, "", "line 1: not of the form PRINCIPAL TYPE KEY"},
		{"a principal without a key", "sue", "", "line 1: not of the form PRINCIPAL TYPE KEY"},
		{"an empty principal", `"" ` + ed25519, "", "line 1: not of the form"},
		{"a principal whose quotes do not end", `"sue ` + ed25519, "", "line 1: not of the form"},
		{"a key that is cut off", "sue " + ed25519[:60], "", "line 1: not of the form"},
		{"a key of another type than it says", "sue ssh-rsa " + strings.Fields(ed25519)[1], "", "line 1: not of the form"},
		{"one wrong line keeps no other out", "mal\nsue " + ed25519, "sue ssh-ed25519 " + ed25519ID, "line 1: not of the form"},
		{"a certificate", "sue " + certificate, "", "line 1: a certificate is not a key"},
		{"an authority", "sue cert-authority " + ecdsa, "", "line 1: certificates of an authority are not served"},
		{"a long line", "sue " + ed25519 + " " + strings.Repeat("x", maxSigner), "", "line 1: longer than 16384 bytes"},
	} {
		all, wrong := ParseSSHSigners(test.text)
		var got, said []string
		for _, s := range all {
			got = append(got, s.Principals+" "+s.Type+" "+s.KeyID)
			if !strings.Contains(test.text, s.Line) || strings.ContainsAny(s.Line, "\r\n") {
				t.Errorf("%s: line %q is not one of the text", test.rule, s.Line)
			}
		}
		for _, err := range wrong {
			said = append(said, err.Error())
		}
		if g := strings.Join(got, "|"); g != test.want {
			t.Errorf("%s: got %q, want %q", test.rule, g, test.want)
		}
		if g := strings.Join(said, "|"); !strings.HasPrefix(g, test.wrong) || test.wrong == "" && g != "" {
			t.Errorf("%s: got wrong %q, want %q", test.rule, g, test.wrong)
		}
	}
}

func FuzzParseSSHSigners(f *testing.F) {
	for _, seed := range []string{"sue " + ed25519, `"a b" namespaces="git" ` + ecdsa, "# x\n\n", `"`, "a cert-authority b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, _ := ParseSSHSigners(text)
		for _, s := range all {
			if !strings.HasPrefix(s.KeyID, "SHA256:") || s.Principals == "" || strings.ContainsAny(s.Line, "\n") {
				t.Errorf("%q: got %+v", text, s)
			}
		}
	})
}
