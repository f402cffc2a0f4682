package trust

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/glob"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/source"
)

// The types of what is known of a host.
const (
	typeSSH   = "ssh"
	typeHTTPS = "https"
)

// NewCert makes the command cert.
func NewCert(e *kit.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "cert", Short: "Hosts of git that are trusted: their ssh keys, and their certificates",
		Long: `Hosts of git that are trusted: their ssh keys, and their certificates.

They are in the ConfigMaps ` + source.KnownHostsName + ` and ` + source.CertificatesName + `.`,
		Example: `  ssh-keyscan git.example | cyan cert add-ssh --batch
  cyan cert add-tls git.example --from ca.pem`,
	}
	a := kit.NewControl(e, cmd)
	cmd.AddCommand(newCertAddSSH(a), newCertAddTLS(a), newCertList(a), newCertRemove(a))
	return cmd
}

// known is what is known of a host.
type known struct {
	ServerName  string `json:"serverName"`
	CertType    string `json:"certType"`
	CertSubType string `json:"certSubType"`
	CertInfo    string `json:"certInfo"`
	// line is the line of a known_hosts file.
	line string
}

// knownHosts reads the lines of a known_hosts file.
func knownHosts(text string) ([]known, error) {
	var all []known
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
			return nil, fmt.Errorf("line %d: key is no %.40s key", number, fields[1])
		}
		all = append(all, known{fields[0], typeSSH, fields[1], ssh.FingerprintSHA256(key), line})
	}
	return all, nil
}

// certificates reads the certificates in PEM that are trusted for a host.
func certificates(host, text string) ([]known, error) {
	var all []known
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
		all = append(all, known{host, typeHTTPS, strings.ToLower(found.PublicKeyAlgorithm.String()), found.Subject.String(), ""})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no certificate found: its text begins with -----BEGIN CERTIFICATE-----")
	}
	return all, nil
}

func newCertAddTLS(a *kit.Control) *cobra.Command {
	var from string
	var upsert bool
	cmd := &cobra.Command{
		Use: "add-tls HOST", Short: "Trust certificates for a host", Example: "  cyan cert add-tls git.example --from ca.pem",
		Args: kit.Exactly("the host's name"), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			host := args[0]
			if strings.ContainsAny(host, "/:@ ") {
				return kit.Usage("host", fmt.Sprintf("%q is invalid", host), "give the name alone, without scheme, port and path")
			}
			text, err := input(a, from, "an authority")
			if err != nil {
				return err
			}
			found, err := certificates(host, text)
			if err != nil {
				return kit.Usage("--from "+from, err.Error(), "give certificates in PEM")
			}
			err = change(cmd.Context(), a, source.CertificatesName, func(entries map[string]string) error {
				if before := entries[host]; before != "" && strings.TrimSpace(before) != strings.TrimSpace(text) && !upsert {
					return &problem.Error{Kind: problem.Refused, Object: "host " + host, Cause: "has other certificates already", Remedy: "add --upsert to replace them"}
				}
				entries[host] = text
				return nil
			})
			if err != nil {
				return err
			}
			return a.Say(fmt.Sprintf("%d certificates trusted for host %s", len(found), host))
		},
	}
	cmd.Flags().StringVar(&from, "from", "-", "file with certificates in PEM; - for standard input")
	cmd.Flags().BoolVar(&upsert, "upsert", false, "replace what is there already")
	return cmd
}

func newCertAddSSH(a *kit.Control) *cobra.Command {
	var from string
	var upsert, batch bool
	cmd := &cobra.Command{
		Use: "add-ssh", Short: "Trust the ssh keys of hosts, as a known_hosts file has them", Example: "  ssh-keyscan git.example | cyan cert add-ssh --batch",
		Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := input(a, from, "ssh-keyscan")
			if err != nil {
				return err
			}
			fresh, err := knownHosts(text)
			if err == nil && len(fresh) == 0 {
				err = fmt.Errorf("no key of a host found")
			}
			if err != nil {
				return kit.Usage("--from "+from, err.Error(), "give lines as `ssh-keyscan HOST` prints them")
			}
			added := 0
			err = change(cmd.Context(), a, source.KnownHostsName, func(entries map[string]string) (err error) {
				entries[source.KnownHostsKey], added, err = withKnown(entries[source.KnownHostsKey], fresh, upsert)
				return err
			})
			if err != nil {
				return err
			}
			return a.Say(fmt.Sprintf("%d keys of hosts added, %d were there already", added, len(fresh)-added))
		},
	}
	cmd.Flags().StringVar(&from, "from", "-", "file as of known_hosts; - for standard input")
	cmd.Flags().BoolVar(&upsert, "upsert", false, "replace keys that are there already")
	cmd.Flags().BoolVar(&batch, "batch", false, "read many lines, which is done anyway")
	return cmd
}

// withKnown adds keys to the text of a known_hosts file, and returns how many were not there before. Another key of the
// same host and type is replaced only if that is allowed.
func withKnown(text string, fresh []known, replace bool) (string, int, error) {
	added := 0
	for _, k := range fresh {
		var lines []string
		there := false
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\r\n")
			before, err := knownHosts(line)
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
			lines = append(lines, k.line)
			added++
		}
		text = joined(lines)
	}
	return text, added, nil
}

// joined are lines as text; "" for none.
func joined(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

// allKnown lists what is known of hosts. What can't be read is listed as such.
func allKnown(hosts, authorities map[string]string) []known {
	all := []known{}
	for line := range strings.Lines(hosts[source.KnownHostsKey]) {
		found, err := knownHosts(line)
		if err != nil {
			found = []known{{ServerName: strings.Fields(line)[0], CertType: typeSSH, CertSubType: "invalid", CertInfo: err.Error()}}
		}
		all = append(all, found...)
	}
	for _, host := range slices.Sorted(maps.Keys(authorities)) {
		found, err := certificates(host, authorities[host])
		if err != nil {
			found = []known{{ServerName: host, CertType: typeHTTPS, CertSubType: "invalid", CertInfo: err.Error()}}
		}
		all = append(all, found...)
	}
	return all
}

// choice is which hosts are listed, and in which order.
type choice struct{ kind, pattern, sortBy string }

func (c choice) check() error {
	if c.sortBy != "" && c.sortBy != "hostname" && c.sortBy != "type" {
		return kit.Usage("--sort", fmt.Sprintf("unknown order %q", c.sortBy), "give hostname or type")
	}
	if _, err := glob.Match(c.pattern, ""); err != nil {
		return kit.Usage("--hostname-pattern", err.Error(), "correct it")
	}
	return checkType(c.kind)
}

func checkType(kind string) error {
	if kind != "" && kind != typeSSH && kind != typeHTTPS {
		return kit.Usage("--cert-type", fmt.Sprintf("unknown type %q", kind), "give ssh or https")
	}
	return nil
}

// of returns those that are chosen.
func (c choice) of(all []known) []known {
	all = slices.DeleteFunc(all, func(k known) bool {
		matched, _ := glob.Match(c.pattern, k.ServerName)
		return c.kind != "" && k.CertType != c.kind || c.pattern != "" && !matched
	})
	slices.SortStableFunc(all, func(x, y known) int {
		if c.sortBy == "type" {
			return cmp.Or(strings.Compare(x.CertType, y.CertType), strings.Compare(x.ServerName, y.ServerName))
		}
		return strings.Compare(x.ServerName, y.ServerName)
	})
	return all
}

func newCertList(a *kit.Control) *cobra.Command {
	var out kit.Format
	var chosen choice
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the hosts that are trusted", Example: "  cyan cert list --cert-type ssh",
		Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			if err := chosen.check(); err != nil {
				return err
			}
			hosts, err := read(cmd.Context(), a, source.KnownHostsName)
			if err != nil {
				return err
			}
			authorities, err := read(cmd.Context(), a, source.CertificatesName)
			if err != nil {
				return err
			}
			all := chosen.of(allKnown(hosts, authorities))
			if out.Machine() {
				return a.Dump(all, out.Value)
			}
			rows := [][]string{{"HOSTNAME", "TYPE", "SUBTYPE", "INFO"}}
			for _, k := range all {
				rows = append(rows, []string{k.ServerName, k.CertType, k.CertSubType, k.CertInfo})
			}
			return a.Table(rows, 3)
		},
	}
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide)
	cmd.Flags().StringVar(&chosen.kind, "cert-type", "", "only those of this type: ssh or https")
	cmd.Flags().StringVar(&chosen.pattern, "hostname-pattern", "", "only hosts that match a pattern such as *.example")
	cmd.Flags().StringVar(&chosen.sortBy, "sort", "", "hostname or type")
	return cmd
}

func newCertRemove(a *kit.Control) *cobra.Command {
	var kind, subtype string
	cmd := &cobra.Command{
		Use: "rm HOST", Aliases: []string{"remove", "delete"}, Short: "Trust a host no more", Example: "  cyan cert rm git.example --cert-type ssh",
		Args: kit.Exactly("the host's name"), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkType(kind); err != nil {
				return err
			}
			var removed []string
			if kind != typeHTTPS {
				ofSSH, err := forgetSSH(cmd.Context(), a, args[0], subtype)
				if err != nil {
					return err
				}
				removed = ofSSH
			}
			if kind != typeSSH && subtype == "" {
				ofTLS, err := forgetTLS(cmd.Context(), a, args[0])
				if err != nil {
					return err
				}
				removed = append(removed, ofTLS...)
			}
			if len(removed) == 0 {
				return kit.Missing("host", a.Namespace, args[0], nil, a.Command("cert list")+" lists those that are trusted")
			}
			return a.SayAll(removed)
		},
	}
	cmd.Flags().StringVar(&kind, "cert-type", "", "only what is of this type: ssh or https")
	cmd.Flags().StringVar(&subtype, "cert-sub-type", "", "only ssh keys of this type, such as ssh-ed25519")
	return cmd
}

// forgetSSH removes the keys of a host, and returns a line for each.
func forgetSSH(ctx context.Context, a *kit.Control, host, subtype string) (removed []string, err error) {
	err = change(ctx, a, source.KnownHostsName, func(entries map[string]string) error {
		removed = nil
		var lines []string
		for line := range strings.Lines(entries[source.KnownHostsKey]) {
			line = strings.TrimRight(line, "\r\n")
			found, err := knownHosts(line)
			if err == nil && len(found) > 0 && found[0].ServerName == host && (subtype == "" || found[0].CertSubType == subtype) {
				removed = append(removed, "ssh key "+found[0].CertSubType+" of host "+host+" removed")
				continue
			}
			lines = append(lines, line)
		}
		if len(removed) > 0 {
			entries[source.KnownHostsKey] = joined(lines)
		}
		return nil
	})
	return removed, err
}

// forgetTLS removes the certificates of a host, and returns a line where there were some.
func forgetTLS(ctx context.Context, a *kit.Control, host string) (removed []string, err error) {
	there := false
	err = change(ctx, a, source.CertificatesName, func(entries map[string]string) error {
		_, there = entries[host]
		delete(entries, host)
		return nil
	})
	if there {
		removed = []string{"certificates of host " + host + " removed"}
	}
	return removed, err
}
