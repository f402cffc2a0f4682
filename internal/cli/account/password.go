package account

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newUpdatePassword(a *kit.Control) *cobra.Command {
	var name, password, current string
	cmd := &cobra.Command{
		Use: "update-password", Short: "Set the password of an account, and end its sessions",
		Example: `  cyan account update-password
  cyan account update-password --account alice < password`,
		Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if s, is, err := kit.Remote(a.Env); err != nil {
				return err
			} else if is {
				if !cmd.Flags().Changed("account") {
					name = ""
				}
				return passwordThroughServer(cmd.Context(), a, s, passwords{name, current, password})
			}
			if current != "" {
				a.Note("note: --current-password has no effect: whoever may write Secret %s may set it", auth.SecretName)
			}
			if !cmd.Flags().Changed("new-password") {
				var err error
				if password, err = a.Secret("new password for " + name + ": "); err != nil {
					return err
				}
			}
			accounts, _, err := Of(a)
			if err != nil {
				return err
			}
			if err := accounts.SetPassword(cmd.Context(), name, password); err != nil {
				return a.Explain(err, "setting the password of account "+name)
			}
			return a.Say("Password updated")
		},
	}
	accountFlag(a, cmd, &name)
	cmd.Flags().StringVar(&password, "new-password", "", "the password; without it, it is asked for or read from standard input, which keeps it out of the shell's history")
	cmd.Flags().StringVar(&current, "current-password", "", "of who is logged in to a server; asked for without it")
	return cmd
}

func newBcrypt(a *kit.Control) *cobra.Command {
	var password string
	cmd := &cobra.Command{
		Use: "bcrypt", Short: "Print the hash of a password, as Secret " + auth.SecretName + " has it", Example: "  cyan account bcrypt < password", Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("password") {
				var err error
				if password, err = a.Secret("password: "); err != nil {
					return err
				}
			}
			hash, err := auth.Hash(password)
			if err != nil {
				return err
			}
			return a.Say(string(hash))
		},
	}
	cmd.Flags().StringVar(&password, "password", "", "the password; without it, it is asked for or read from standard input")
	return cmd
}
