package account

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newList(a *kit.Control) *cobra.Command {
	var out kit.Format
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the accounts", Example: "  cyan account list", Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			accounts, _, err := Of(a)
			if err != nil {
				return err
			}
			all, err := accounts.List(cmd.Context())
			if err != nil {
				return a.Explain(err, "listing accounts")
			}
			_, found, err := accounts.Settings(cmd.Context())
			if err != nil {
				return a.Explain(err, "listing accounts")
			}
			warn(a, found)
			list := make([]listed, len(all))
			rows := [][]string{{"NAME", "ENABLED", "CAPABILITIES"}}
			for i, account := range all {
				list[i] = shown(account)
				rows = append(rows, []string{list[i].Name, strconv.FormatBool(list[i].Enabled), list[i].capabilities()})
			}
			switch {
			case out.Machine():
				return a.Dump(list, out.Value)
			case out.Value == kit.Name:
				for _, l := range list {
					if err := a.Say(l.Name); err != nil {
						return err
					}
				}
				return nil
			}
			return a.Table(rows, 2)
		},
	}
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide, kit.Name)
	return cmd
}

func newGet(a *kit.Control) *cobra.Command {
	var out kit.Format
	var name string
	cmd := &cobra.Command{
		Use: "get", Short: "Show an account with its tokens", Example: "  cyan account get --account ci", Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			accounts, _, err := Of(a)
			if err != nil {
				return err
			}
			account, err := accounts.Get(cmd.Context(), name)
			if err != nil {
				return a.Explain(err, "reading account "+name)
			}
			l := shown(account)
			if out.Machine() {
				return a.Dump(l, out.Value)
			}
			lines := []string{"Name:               " + l.Name, "Enabled:            " + strconv.FormatBool(l.Enabled), "Capabilities:       " + l.capabilities()}
			if account.HasPassword() && !account.PasswordChanged.IsZero() {
				lines = append(lines, "Password Changed:   "+account.PasswordChanged.UTC().Format(time.RFC3339))
			}
			lines = append(lines, "", "Tokens:")
			if len(l.Tokens) == 0 {
				lines = append(lines, "NONE")
			}
			if err := a.SayAll(lines); err != nil || len(l.Tokens) == 0 {
				return err
			}
			return a.Table(tokenRows(l.Tokens), 0)
		},
	}
	accountFlag(a, cmd, &name)
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide)
	return cmd
}

func tokenRows(tokens []access.Token) [][]string {
	rows := [][]string{{"ID", "ISSUED AT", "EXPIRING AT"}}
	at := func(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }
	for _, t := range tokens {
		expires := "never"
		if t.ExpiresAt > 0 {
			expires = at(t.ExpiresAt)
		}
		rows = append(rows, []string{fmt.Sprint(t.ID), at(t.IssuedAt), expires})
	}
	return rows
}
