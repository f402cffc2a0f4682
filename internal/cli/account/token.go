package account

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newGenerateToken(a *kit.Control) *cobra.Command {
	var name, id string
	var expires time.Duration
	cmd := &cobra.Command{
		Use: "generate-token", Short: "Print a new token of an account; it cannot be shown again",
		Example: "  cyan account generate-token --account ci --expires-in 720h --id pipeline", Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			accounts, _, err := Of(a)
			if err != nil {
				return err
			}
			token, _, err := accounts.GenerateToken(cmd.Context(), name, id, expires)
			if err != nil {
				return a.Explain(err, "making a token of account "+name)
			}
			return a.Say(token)
		},
	}
	accountFlag(a, cmd, &name)
	TokenFlags(cmd, "", &id, &expires)
	return cmd
}

// TokenFlags adds the flags of what makes a token; a letter may stand for --id.
func TokenFlags(cmd *cobra.Command, letter string, id *string, expires *time.Duration) {
	f := cmd.Flags()
	f.DurationVarP(expires, "expires-in", "e", 0, "how long it holds, such as 12h; 0 for ever")
	kit.AcceptSeconds(f.Lookup("expires-in"))
	f.StringVarP(id, "id", letter, "", "a name to list and delete it by; made up without")
}

func newDeleteToken(a *kit.Control) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use: "delete-token ID", Short: "Delete a token of an account, which holds no more", Example: "  cyan account delete-token pipeline --account ci", Args: kit.Exactly("the token's id"), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			accounts, _, err := Of(a)
			if err != nil {
				return err
			}
			if err := accounts.DeleteToken(cmd.Context(), name, args[0]); err != nil {
				return a.Explain(err, "deleting a token of account "+name)
			}
			a.Note("token %s of account %s deleted", args[0], name)
			return nil
		},
	}
	accountFlag(a, cmd, &name)
	return cmd
}
