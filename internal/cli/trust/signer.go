package trust

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/settings"
	"github.com/cyan-cd/cyan/internal/source"
)

// NewSigner makes the command signer.
func NewSigner(e *kit.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "signer", Aliases: []string{"signers"}, Short: "ssh keys of those who sign commits",
		Long: `ssh keys of those who sign commits.

A project whose spec.signatureKeys names fingerprints permits commits that are signed by one of these keys alone. The
keys themselves are in ConfigMap ` + settings.SSHSignersName + `, under ` + settings.SSHSignersKey + `, in lines as git's gpg.ssh.allowedSignersFile has them.`,
		Example: `  cyan signer add --from ~/.ssh/id_ed25519.pub --principal ada@example.com
  cyan proj add-signature-key shop SHA256:oZadLeLJ75q2XywFfWlfBOWD1m0OvC8REu+Vl1SNnrA`,
	}
	a := kit.NewControl(e, cmd)
	cmd.AddCommand(newSignerAdd(a), newSignerList(a), newSignerRemove(a))
	return cmd
}

// listedSigner is an ssh key as it is printed.
type listedSigner struct {
	KeyID     string `json:"keyID"`
	Type      string `json:"type"`
	Principal string `json:"principal"`
}

func newSignerList(a *kit.Control) *cobra.Command {
	var out kit.Format
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the ssh keys", Example: "  cyan signer list", Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			entries, err := read(cmd.Context(), a, settings.SSHSignersName)
			if err != nil {
				return err
			}
			signers, wrong := settings.ParseSSHSigners(entries[settings.SSHSignersKey])
			for _, err := range wrong {
				a.Note("warning: %s of ConfigMap %s: %v", settings.SSHSignersKey, settings.SSHSignersName, err)
			}
			all := []listedSigner{}
			rows := [][]string{{"KEYID", "TYPE", "PRINCIPAL"}}
			for _, s := range signers {
				all = append(all, listedSigner{s.KeyID, s.Type, s.Principals})
				rows = append(rows, []string{s.KeyID, s.Type, s.Principals})
			}
			if out.Machine() {
				return a.Dump(all, out.Value)
			}
			return a.Table(rows, 2)
		},
	}
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide)
	return cmd
}

func newSignerAdd(a *kit.Control) *cobra.Command {
	var from, principal string
	cmd := &cobra.Command{
		Use: "add", Short: "Add ssh keys",
		Example: "  cyan signer add --from ~/.ssh/id_ed25519.pub --principal ada@example.com\n  cyan signer add --from allowed_signers",
		Args:    kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := input(a, from, "ssh-keygen or gpg.ssh.allowedSignersFile")
			if err != nil {
				return err
			}
			fresh, err := signersIn(text, principal)
			if err != nil {
				return kit.Usage("--from "+from, err.Error(), "give a public key with --principal, or lines as git's gpg.ssh.allowedSignersFile has them")
			}
			var lines []string
			err = change(cmd.Context(), a, settings.SSHSignersName, func(entries map[string]string) error {
				entries[settings.SSHSignersKey], lines = withSigners(entries[settings.SSHSignersKey], fresh)
				return nil
			})
			if err != nil {
				return err
			}
			return a.SayAll(lines)
		},
	}
	cmd.Flags().StringVarP(&from, "from", "f", "", "file with a public key, or of allowed_signers; - for standard input")
	cmd.Flags().StringVar(&principal, "principal", "", "whom a public key is of, such as a mail address")
	return cmd
}

// signersIn reads public keys, which are of principal, or lines of allowed_signers where there is none.
func signersIn(text, principal string) ([]settings.SSHSigner, error) {
	if strings.ContainsAny(principal, " \t\r\n\"#") {
		return nil, fmt.Errorf("principal %q has a space, a quote or a #", principal)
	}
	if principal != "" {
		var lines []string
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				lines = append(lines, principal+" "+line)
			}
		}
		text = source.JoinedLines(lines)
	}
	fresh, wrong := settings.ParseSSHSigners(text)
	switch {
	case len(wrong) > 0:
		return nil, wrong[0]
	case len(fresh) == 0:
		return nil, fmt.Errorf("no key found")
	}
	return fresh, nil
}

// withSigners adds keys to the text of an allowed_signers file, with a line that says so for each. A line of the same
// key and principals is replaced.
func withSigners(text string, fresh []settings.SSHSigner) (string, []string) {
	var said []string
	for _, s := range fresh {
		rest, removed := withoutSigners(text, func(before settings.SSHSigner) bool {
			return before.KeyID == s.KeyID && before.Principals == s.Principals
		})
		verb := "added"
		if removed {
			verb = "replaced"
		}
		text = rest + s.Line + "\n"
		said = append(said, fmt.Sprintf("key %s of %s %s", s.KeyID, s.Principals, verb))
	}
	return text, said
}

// withoutSigners removes the lines of some keys, and reports whether there were any.
func withoutSigners(text string, goes func(settings.SSHSigner) bool) (string, bool) {
	var lines []string
	removed := false
	for line := range strings.Lines(text) {
		found, _ := settings.ParseSSHSigners(line)
		if slices.ContainsFunc(found, goes) {
			removed = true
			continue
		}
		lines = append(lines, strings.TrimRight(line, "\r\n"))
	}
	return source.JoinedLines(lines), removed
}

func newSignerRemove(a *kit.Control) *cobra.Command {
	return &cobra.Command{
		Use: "rm KEY-ID", Aliases: []string{"remove", "delete"}, Short: "Remove an ssh key: what it has signed is not permitted any more",
		Example: "  cyan signer rm SHA256:oZadLeLJ75q2XywFfWlfBOWD1m0OvC8REu+Vl1SNnrA",
		Args:    kit.Exactly("the key's ID"), ValidArgsFunction: completeEntries(a, settings.SSHSignersName, signerIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := change(cmd.Context(), a, settings.SSHSignersName, func(entries map[string]string) error {
				text, removed := withoutSigners(entries[settings.SSHSignersKey], func(s settings.SSHSigner) bool { return s.KeyID == args[0] })
				if !removed {
					return kit.Missing("key", a.Namespace, args[0], signerIDs(entries), a.Command("signer add --from FILE")+" adds one")
				}
				entries[settings.SSHSignersKey] = text
				return nil
			})
			if err != nil {
				return err
			}
			return a.Say("key " + args[0] + " removed")
		},
	}
}

// signerIDs are the IDs of the keys in a ConfigMap.
func signerIDs(entries map[string]string) []string {
	all, _ := settings.ParseSSHSigners(entries[settings.SSHSignersKey])
	ids := []string{}
	for _, s := range all {
		ids = append(ids, s.KeyID)
	}
	return ids
}
