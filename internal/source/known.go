package source

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/cyan-cd/cyan/internal/problem"
)

// The types of what is known of a host.
const (
	KnownBySSH   = "ssh"
	KnownByHTTPS = "https"
)

// Known is what is known of a host: a key, or a certificate.
type Known struct {
	ServerName  string `json:"serverName"`
	CertType    string `json:"certType"`
	CertSubType string `json:"certSubType"`
	CertInfo    string `json:"certInfo"`
	// Line is the line of a known_hosts file.
	Line string `json:"-"`
}

// ParseKnownHosts reads the lines of a known_hosts file.
func ParseKnownHosts(text string) ([]Known, error) {
	var all []Known
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		if strings.HasPrefix(fields[0], "@") {
			fields = fields[1:]
		}
		const least = 3
		if len(fields) < least {
			return nil, fmt.Errorf("line %d has no host, type and key", number)
		}
		raw, err := base64.StdEncoding.DecodeString(fields[2])
		var key ssh.PublicKey
		if err == nil {
			key, err = ssh.ParsePublicKey(raw)
		}
		if err != nil || key.Type() != fields[1] {
			return nil, fmt.Errorf("line %d: key is not of type %.40s", number, fields[1])
		}
		all = append(all, Known{fields[0], KnownBySSH, fields[1], ssh.FingerprintSHA256(key), line})
	}
	return all, nil
}

// ParseCertificates reads the certificates in PEM that are trusted for a host.
func ParseCertificates(host, text string) ([]Known, error) {
	var all []Known
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("%s found where a certificate is expected", block.Type)
		}
		found, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d is invalid: %w", len(all)+1, err)
		}
		all = append(all, Known{host, KnownByHTTPS, strings.ToLower(found.PublicKeyAlgorithm.String()), found.Subject.String(), ""})
	}
	if len(all) == 0 {
		return nil, errors.New("no certificate found: its text begins with -----BEGIN CERTIFICATE-----")
	}
	return all, nil
}

// CheckHost returns why a name is not that of a host alone.
func CheckHost(host string) error {
	if host == "" || strings.ContainsAny(host, "/:@ ") {
		return &problem.Error{Kind: problem.Usage, Object: "host", Cause: fmt.Sprintf("%q is invalid", host), Remedy: "give the name alone, without scheme, port and path"}
	}
	return nil
}

// WithKnownHosts adds keys to the text of a known_hosts file, and returns how many were not there before. Another key
// of the same host and type is replaced only if that is allowed.
func WithKnownHosts(text string, fresh []Known, replace bool) (string, int, error) {
	added := 0
	for _, k := range fresh {
		var lines []string
		there := false
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\r\n")
			before, err := ParseKnownHosts(line)
			switch {
			case err != nil || len(before) == 0 || before[0].ServerName != k.ServerName || before[0].CertSubType != k.CertSubType:
			case before[0].CertInfo == k.CertInfo:
				there = true
			case !replace:
				return "", 0, &problem.Error{Kind: problem.Refused, Object: "host " + k.ServerName, Cause: "has another key of type " + k.CertSubType + " already", Remedy: "add --upsert to replace it, if the host has really changed its key"}
			default:
				continue
			}
			lines = append(lines, line)
		}
		if !there {
			lines = append(lines, k.Line)
			added++
		}
		text = JoinedLines(lines)
	}
	return text, added, nil
}

// WithoutKnownHosts returns the text of a known_hosts file without the keys that are to go, and these.
func WithoutKnownHosts(text string, goes func(Known) bool) (left string, gone []Known) {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		found, err := ParseKnownHosts(line)
		if err == nil && len(found) > 0 && goes(found[0]) {
			gone = append(gone, found[0])
			continue
		}
		lines = append(lines, line)
	}
	if len(gone) == 0 {
		return text, nil
	}
	return JoinedLines(lines), gone
}

// JoinedLines returns lines as text; "" for none.
func JoinedLines(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

// WithCertificates adds the certificates of a host to those that are trusted. Others are replaced only if that is
// allowed.
func WithCertificates(trusted map[string]string, host, text string, replace bool) error {
	if before := trusted[host]; before != "" && strings.TrimSpace(before) != strings.TrimSpace(text) && !replace {
		return &problem.Error{Kind: problem.Refused, Object: "host " + host, Cause: "has other certificates already", Remedy: "add --upsert to replace them"}
	}
	trusted[host] = text
	return nil
}

// All lists what is known of hosts. What can't be read is listed as such.
func (t Trust) All() []Known {
	all := []Known{}
	for line := range strings.Lines(t.KnownHosts[KnownHostsKey]) {
		found, err := ParseKnownHosts(line)
		if err != nil {
			found = []Known{{ServerName: strings.Fields(line)[0], CertType: KnownBySSH, CertSubType: "invalid", CertInfo: err.Error()}}
		}
		all = append(all, found...)
	}
	for _, host := range slices.Sorted(maps.Keys(t.Certificates)) {
		found, err := ParseCertificates(host, t.Certificates[host])
		if err != nil {
			found = []Known{{ServerName: host, CertType: KnownByHTTPS, CertSubType: "invalid", CertInfo: err.Error()}}
		}
		all = append(all, found...)
	}
	return all
}
