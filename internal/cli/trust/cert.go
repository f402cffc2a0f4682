package trust

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/glob"
	"github.com/cyan-cd/cyan/internal/source"
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

func newCertAddTLS(a *kit.Control) *cobra.Command {
	var from string
	var upsert bool
	cmd := &cobra.Command{
		Use: "add-tls HOST", Short: "Trust certificates for a host", Example: "  cyan cert add-tls git.example --from ca.pem",
		Args: kit.Exactly("the host's name"), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			host := args[0]
			if err := source.CheckHost(host); err != nil {
				return err
			}
			text, err := input(a, from, "an authority")
			if err != nil {
				return err
			}
			found, err := source.ParseCertificates(host, text)
			if err != nil {
				return kit.Usage("--from "+from, err.Error(), "give certificates in PEM")
			}
			err = change(cmd.Context(), a, source.CertificatesName, func(entries map[string]string) error {
				return source.WithCertificates(entries, host, text, upsert)
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
			fresh, err := source.ParseKnownHosts(text)
			if err == nil && len(fresh) == 0 {
				err = fmt.Errorf("no key of a host found")
			}
			if err != nil {
				return kit.Usage("--from "+from, err.Error(), "give lines as `ssh-keyscan HOST` prints them")
			}
			added := 0
			err = change(cmd.Context(), a, source.KnownHostsName, func(entries map[string]string) (err error) {
				entries[source.KnownHostsKey], added, err = source.WithKnownHosts(entries[source.KnownHostsKey], fresh, upsert)
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
	if kind != "" && kind != source.KnownBySSH && kind != source.KnownByHTTPS {
		return kit.Usage("--cert-type", fmt.Sprintf("unknown type %q", kind), "give ssh or https")
	}
	return nil
}

// of returns those that are chosen.
func (c choice) of(all []source.Known) []source.Known {
	all = slices.DeleteFunc(all, func(k source.Known) bool {
		matched, _ := glob.Match(c.pattern, k.ServerName)
		return c.kind != "" && k.CertType != c.kind || c.pattern != "" && !matched
	})
	slices.SortStableFunc(all, func(x, y source.Known) int {
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
			all := chosen.of(source.Trust{KnownHosts: hosts, Certificates: authorities}.All())
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
			if kind != source.KnownByHTTPS {
				ofSSH, err := forgetSSH(cmd.Context(), a, args[0], subtype)
				if err != nil {
					return err
				}
				removed = ofSSH
			}
			if kind != source.KnownBySSH && subtype == "" {
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
		left, gone := source.WithoutKnownHosts(entries[source.KnownHostsKey], func(k source.Known) bool {
			return k.ServerName == host && (subtype == "" || k.CertSubType == subtype)
		})
		for _, k := range gone {
			removed = append(removed, "ssh key "+k.CertSubType+" of host "+host+" removed")
		}
		if len(gone) > 0 {
			entries[source.KnownHostsKey] = left
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
