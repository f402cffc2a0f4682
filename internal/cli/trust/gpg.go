package trust

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/settings"
	"github.com/cyan-cd/cyan/internal/source"
)

// NewGPG makes the command gpg.
func NewGPG(e *kit.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "gpg", Short: "Public keys of those who sign commits",
		Long: `Public keys of those who sign commits.

A project whose spec.signatureKeys names key IDs permits commits that are signed by one of them alone. The keys
themselves are in ConfigMap ` + settings.GPGKeysName + `.`,
		Example: `  cyan gpg add --from ada.asc
  cyan proj add-signature-key shop 4AEE18F83AFDEB23`,
	}
	a := kit.NewControl(e, cmd)
	cmd.AddCommand(newGPGAdd(a), newGPGList(a), newGPGGet(a), newGPGRemove(a))
	return cmd
}

// listedKey is a key as it is printed.
type listedKey struct {
	KeyID       string `json:"keyID"`
	Fingerprint string `json:"fingerprint,omitempty"`
	SubType     string `json:"subType,omitempty"`
	Owner       string `json:"owner,omitempty"`
	KeyData     string `json:"keyData,omitempty"`
}

// keysOf reads the entries of the ConfigMap. What is no key is listed all the same, by its name.
func keysOf(entries map[string]string) []listedKey {
	all := []listedKey{}
	for _, id := range slices.Sorted(maps.Keys(entries)) {
		key := listedKey{KeyID: id, SubType: "invalid"}
		if found, err := source.ParsePublicKeys(entries[id]); err == nil {
			key = listedKey{id, found[0].Fingerprint, found[0].Algorithm, found[0].UserID, entries[id]}
		}
		all = append(all, key)
	}
	return all
}

func newGPGList(a *kit.Control) *cobra.Command {
	var out kit.Format
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the public keys", Example: "  cyan gpg list", Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			entries, err := read(cmd.Context(), a, settings.GPGKeysName)
			if err != nil {
				return err
			}
			all := keysOf(entries)
			if out.Machine() {
				for i := range all {
					all[i].KeyData = ""
				}
				return a.Dump(all, out.Value)
			}
			rows := [][]string{{"KEYID", "TYPE", "IDENTITY"}}
			for _, key := range all {
				rows = append(rows, []string{key.KeyID, key.SubType, key.Owner})
			}
			return a.Table(rows, 2)
		},
	}
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide)
	return cmd
}

func newGPGGet(a *kit.Control) *cobra.Command {
	var out kit.Format
	cmd := &cobra.Command{
		Use: "get KEY-ID", Short: "Show a public key", Example: "  cyan gpg get 4AEE18F83AFDEB23",
		Args: kit.Exactly("the key's ID"), ValidArgsFunction: completeEntries(a, settings.GPGKeysName, names),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			entries, err := read(cmd.Context(), a, settings.GPGKeysName)
			if err != nil {
				return err
			}
			id, err := existingKey(a, entries, args[0])
			if err != nil {
				return err
			}
			key := keysOf(map[string]string{id: entries[id]})[0]
			if out.Machine() {
				return a.Dump(key, out.Value)
			}
			return a.Show(fmt.Sprintf("Key ID:           %s\nKey fingerprint:  %s\nKey subtype:      %s\nKey owner:        %s\nKey data follows until EOF:\n%s",
				key.KeyID, key.Fingerprint, key.SubType, key.Owner, entries[id]))
		},
	}
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide)
	return cmd
}

func newGPGAdd(a *kit.Control) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use: "add", Short: "Add public keys", Example: "  cyan gpg add --from ada.asc\n  gpg --export --armor ada@example.com | cyan gpg add --from -",
		Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := input(a, from, "gpg --export --armor")
			if err != nil {
				return err
			}
			keys, err := source.ParsePublicKeys(text)
			if err != nil {
				return kit.Usage("--from "+from, err.Error(), "export the key with `gpg --export --armor KEY-ID`")
			}
			var lines []string
			err = change(cmd.Context(), a, settings.GPGKeysName, func(entries map[string]string) error {
				lines = nil
				for _, key := range keys {
					verb := "added"
					if entries[key.ID] != "" {
						verb = "replaced"
					}
					entries[key.ID] = key.Armored
					lines = append(lines, fmt.Sprintf("key %s of %s %s", key.ID, key.UserID, verb))
				}
				return nil
			})
			if err != nil {
				return err
			}
			return a.SayAll(lines)
		},
	}
	cmd.Flags().StringVarP(&from, "from", "f", "", "file with armored keys; - for standard input")
	return cmd
}

func newGPGRemove(a *kit.Control) *cobra.Command {
	return &cobra.Command{
		Use: "rm KEY-ID", Aliases: []string{"remove", "delete"}, Short: "Remove a public key: what it has signed is not permitted any more", Example: "  cyan gpg rm 4AEE18F83AFDEB23",
		Args: kit.Exactly("the key's ID"), ValidArgsFunction: completeEntries(a, settings.GPGKeysName, names),
		RunE: func(cmd *cobra.Command, args []string) error {
			var id string
			err := change(cmd.Context(), a, settings.GPGKeysName, func(entries map[string]string) (err error) {
				if id, err = existingKey(a, entries, args[0]); err == nil {
					delete(entries, id)
				}
				return err
			})
			if err != nil {
				return err
			}
			return a.Say("key " + id + " removed")
		},
	}
}

// existingKey returns the name of a key's entry, whatever spelling of its ID or fingerprint was given.
func existingKey(a *kit.Control, entries map[string]string, written string) (string, error) {
	wanted := strings.ToUpper(strings.TrimPrefix(strings.ReplaceAll(written, " ", ""), "0x"))
	there := slices.Sorted(maps.Keys(entries))
	for _, id := range there {
		if wanted != "" && strings.HasSuffix(wanted, strings.ToUpper(id)) {
			return id, nil
		}
	}
	return "", kit.Missing("key", a.Namespace, written, there, a.Command("gpg add --from FILE")+" adds one")
}

// input reads a file that a flag names.
func input(a *kit.Control, from, made string) (string, error) {
	if from == "" {
		return "", kit.Usage("--from", "not given", "name a file as "+made+" makes it, or - for standard input")
	}
	text, err := a.ReadInput(from)
	if err != nil {
		return "", &problem.Error{Kind: problem.Usage, Object: "--from", Cause: err.Error(), Remedy: "name a file that can be read", Err: err}
	}
	return string(text), nil
}
