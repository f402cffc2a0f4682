package settings

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// SSHSignersKey is the key of ConfigMap cyan-ssh-signers-cm that has the lines of an allowed_signers file.
const SSHSignersKey = "allowed_signers"

// SSHSigner is an ssh key by which somebody signs: a line of the allowed_signers format of ssh-keygen.
type SSHSigner struct {
	// KeyID is SHA256: and the fingerprint.
	KeyID string
	// Type is that of the key, such as ssh-ed25519.
	Type string
	// Principals are whom the key is of, comma-separated.
	Principals string
	// Line is the whole line.
	Line string
}

// maxSigner bounds a line.
const maxSigner = 16 << 10

// ParseSSHSigners reads the lines of an allowed_signers file. Each line that is no key of somebody is an error; it
// keeps no other from being read.
func ParseSSHSigners(text string) ([]SSHSigner, []error) {
	var all []SSHSigner
	var wrong []error
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		signer, err := parseSSHSigner(line)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("line %d: %w", number, err))
			continue
		}
		all = append(all, signer)
	}
	return all, wrong
}

func parseSSHSigner(line string) (SSHSigner, error) {
	if len(line) > maxSigner {
		return SSHSigner{}, fmt.Errorf("longer than %d bytes", maxSigner)
	}
	principals, rest := cutPrincipals(line)
	key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(rest))
	if principals == "" || err != nil {
		return SSHSigner{}, errors.New("not of the form PRINCIPAL TYPE KEY")
	}
	if _, certificate := key.(*ssh.Certificate); certificate {
		return SSHSigner{}, errors.New("a certificate is not a key")
	}
	if slices.ContainsFunc(options, func(option string) bool { return strings.EqualFold(option, "cert-authority") }) {
		return SSHSigner{}, errors.New("certificates of an authority are not served: a project names keys")
	}
	return SSHSigner{KeyID: ssh.FingerprintSHA256(key), Type: key.Type(), Principals: principals, Line: line}, nil
}

// cutPrincipals cuts the first field, which may be in quotes.
func cutPrincipals(line string) (principals, rest string) {
	if inside, quoted := strings.CutPrefix(line, `"`); quoted {
		principals, rest, _ = strings.Cut(inside, `"`)
		return principals, rest
	}
	at := strings.IndexAny(line, " \t")
	if at < 0 {
		return line, ""
	}
	return line[:at], line[at:]
}

// sshSigners reads ConfigMap cyan-ssh-signers-cm. A line that can't be used counts as not written: what its key has
// signed is not permitted.
func (p *parser) sshSigners(data map[string]string) {
	all, wrong := ParseSSHSigners(data[SSHSignersKey])
	p.settings.SSHSigners = all
	v := values{of: "ConfigMap " + SSHSignersName}
	for _, err := range wrong {
		v.invalid(SSHSignersKey, err.Error(), "write lines as git's gpg.ssh.allowedSignersFile has them", Named)
	}
	p.found = append(p.found, v.found...)
}
