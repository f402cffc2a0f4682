package project

import (
	"encoding/json"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
)

func newEdit(a *kit.Control) *cobra.Command {
	return &cobra.Command{
		Use: "edit PROJECT", Short: "Change a project's spec in $EDITOR", Example: "  EDITOR=vi cyan proj edit shop", Args: kit.Exactly("the project's name"), ValidArgsFunction: complete(a),
		RunE: func(cmd *cobra.Command, args []string) error {
			return change(cmd.Context(), a, args[0], func(spec map[string]any) error {
				before, err := yaml.Marshal(spec)
				if err != nil {
					return err
				}
				after, err := a.EditText(cmd, before)
				if err != nil {
					return err
				}
				edited := map[string]any{}
				if data, err := yaml.YAMLToJSONStrict(after); err != nil {
					return &problem.Error{Kind: problem.Usage, Object: "edited spec", Cause: err.Error(), Remedy: "correct it; nothing was changed", Err: err}
				} else if err := json.Unmarshal(data, &edited); err != nil {
					return &problem.Error{Kind: problem.Usage, Object: "edited spec", Cause: err.Error(), Remedy: "correct it; nothing was changed", Err: err}
				}
				clear(spec)
				for k, v := range edited {
					spec[k] = v
				}
				return nil
			})
		},
	}
}
