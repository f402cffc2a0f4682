package skaffold

import (
	"bytes"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// NewVersion makes the command version of the skaffold program, which prints the number alone, or a template over it.
func NewVersion(e *kit.Env) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version of Cyan", Example: "  skaffold version -o '{{.Version}}'", Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			format, err := formatOf(orElse(output, "{{.Version}}"))
			if err != nil {
				return err
			}
			var out bytes.Buffer
			if err := format.Execute(&out, map[string]string{"Version": e.Version}); err != nil {
				return kit.Usage("--output", err.Error(), "write a template over .Version, or json")
			}
			return e.Say(out.String())
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "json, or a template such as '{{.Version}}'")
	return cmd
}
