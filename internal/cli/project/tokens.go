package project

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/account"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newCreateToken(a *kit.Control) *cobra.Command {
	var id string
	var expires time.Duration
	var only bool
	cmd := &cobra.Command{
		Use: "create-token PROJECT ROLE", Short: "Print a new token of a role; it cannot be shown again", Example: "  cyan proj role create-token shop ci --expires-in 720h",
		Args: kit.Exactly("the project's name", "the role's name"), ValidArgsFunction: complete(a),
		RunE: func(cmd *cobra.Command, args []string) error {
			accounts, c, err := account.Of(a)
			if err != nil {
				return err
			}
			if _, err := Find(cmd.Context(), a, c, args[0]); err != nil {
				return err
			}
			token, entry, err := accounts.GenerateProjectToken(cmd.Context(), args[0], args[1], id, expires)
			if err != nil {
				return a.Explain(err, "making a token")
			}
			if only {
				return a.Say(token)
			}
			return a.SayAll([]string{
				fmt.Sprintf("Create token succeeded for proj:%s:%s.", args[0], args[1]), "  ID: " + entry.ID, "  Issued At: " + tokenTime(entry.IssuedAt, false), "  Expires At: " + never(entry.ExpiresAt), "  Token: " + token,
			})
		},
	}
	account.TokenFlags(cmd, "i", &id, &expires)
	cmd.Flags().BoolVarP(&only, "token-only", "t", false, "print the token alone")
	return cmd
}

func never(seconds int64) string {
	if seconds == 0 {
		return "Never"
	}
	return tokenTime(seconds, false)
}

func newDeleteToken(a *kit.Control) *cobra.Command {
	return &cobra.Command{
		Use: "delete-token PROJECT ROLE ISSUED-AT", Short: "Delete a token of a role, which holds no more", Example: "  cyan proj role delete-token shop ci 1696759698",
		Args: kit.Exactly("the project's name", "the role's name", "when it was issued, or its id"), ValidArgsFunction: complete(a),
		RunE: func(cmd *cobra.Command, args []string) error {
			accounts, c, err := account.Of(a)
			if err != nil {
				return err
			}
			if _, err := Find(cmd.Context(), a, c, args[0]); err != nil {
				return err
			}
			id := args[2]
			issuedAt, err := strconv.ParseInt(args[2], 10, 64)
			if err == nil {
				id = ""
			}
			if err := accounts.DeleteProjectToken(cmd.Context(), args[0], args[1], id, issuedAt); err != nil {
				return a.Explain(err, "deleting a token")
			}
			return a.Say(fmt.Sprintf("project '%s' updated", args[0]))
		},
	}
}
