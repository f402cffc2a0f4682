package project

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newSet(a *kit.Control) *cobra.Command {
	var flags specFlags
	cmd := &cobra.Command{
		Use: "set PROJECT", Short: "Replace what flags name of a project", Example: "  cyan proj set shop --description 'the shop' --src 'https://git.example/*'",
		Args: kit.Exactly("the project's name"), ValidArgsFunction: complete(a),
		RunE: func(cmd *cobra.Command, args []string) error {
			return change(cmd.Context(), a, args[0], func(spec map[string]any) error {
				edits, err := flags.apply(spec)
				if err == nil && edits == 0 {
					return kit.Usage(cmd.CommandPath(), "a flag is missing", "`"+cmd.CommandPath()+" --help` lists what can be set")
				}
				return err
			})
		},
	}
	flags.bind(cmd)
	return cmd
}
