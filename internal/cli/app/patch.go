package app

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newPatch(a *kit.Control) *cobra.Command {
	var patch, kind string
	cmd := &cobra.Command{
		Use:   "patch NAME --patch PATCH",
		Short: "Change any field of an Application by a patch",
		Example: `  cyan app patch shop --type merge --patch '{"spec":{"source":{"targetRevision":"v2"}}}'
  cyan app patch shop --patch '[{"op":"replace","path":"/spec/source/path","value":"k8s"}]'`,
		Args:              kit.Exactly("the Application's name"),
		ValidArgsFunction: completeApps(a, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			as, ok := map[string]types.PatchType{"json": types.JSONPatchType, "merge": types.MergePatchType}[kind]
			if !ok {
				return kit.Usage("--type", fmt.Sprintf("unknown type %q", kind), "give json or merge")
			}
			data, err := yaml.YAMLToJSON([]byte(patch))
			if err != nil || patch == "" {
				return kit.Usage("--patch", "neither JSON nor YAML", "write a patch of the type "+kind)
			}
			c, err := a.ConnectServed()
			if err != nil {
				return err
			}
			app, err := get(cmd.Context(), a, c, args[0])
			if err != nil {
				return err
			}
			if err := c.Patch(cmd.Context(), app, client.RawPatch(as, data)); err != nil {
				return a.Explain(err, "changing Application "+args[0])
			}
			return a.Say(fmt.Sprintf("application '%s' patched", app.Name))
		},
	}
	cmd.Flags().StringVar(&patch, "patch", "", "the patch, as JSON or YAML")
	cmd.Flags().StringVar(&kind, "type", "json", "json (RFC 6902) or merge (RFC 7386)")
	_ = cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions([]string{"json", "merge"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}
