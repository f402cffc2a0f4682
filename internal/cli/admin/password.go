package admin

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/account"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newInitialPassword(a *kit.Control) *cobra.Command {
	cmd := &cobra.Command{
		Use: "initial-password", Short: "Print the password that the first start has made for the account admin", Example: "  cyan admin initial-password", Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			accounts, _, err := account.Of(a)
			if err != nil {
				return err
			}
			password, err := accounts.InitialPassword(cmd.Context())
			if err != nil {
				return a.Explain(err, "reading the first password")
			}
			a.Note("change it with %s, which deletes it here", a.Command("account update-password"))
			return a.Say(password)
		},
	}
	return cmd
}
