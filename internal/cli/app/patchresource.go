package app

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// patchTypes are the names that people give to the kinds of patches.
var patchTypes = map[string]types.PatchType{
	"": types.MergePatchType, "merge": types.MergePatchType, "json": types.JSONPatchType, "strategic": types.StrategicMergePatchType,
	string(types.MergePatchType): types.MergePatchType, string(types.JSONPatchType): types.JSONPatchType, string(types.StrategicMergePatchType): types.StrategicMergePatchType,
}

func newPatchResource(a *kit.Control) *cobra.Command {
	var flags objectFlags
	var patch, kind string
	cmd := &cobra.Command{
		Use: "patch-resource NAME", Short: "Change an object of an Application in the cluster; self-healing undoes it",
		Example: `  cyan app patch-resource shop --kind Deployment --resource-name web --patch '{"spec":{"replicas":3}}'`,
		Args:    kit.Exactly("the Application's name"), ValidArgsFunction: completeApps(a, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			as, ok := patchTypes[kind]
			if !ok {
				return kit.Usage("--patch-type", fmt.Sprintf("unknown type %q", kind), "give merge, json or strategic")
			}
			if !json.Valid([]byte(patch)) {
				return kit.Usage("--patch", "not JSON", `write it as '{"spec":{"replicas":3}}'`)
			}
			if err := checkPatch(as, []byte(patch), "--patch-type"); err != nil {
				return err
			}
			app, at, err := flags.ofApp(cmd.Context(), a, args[0])
			if err != nil {
				return err
			}
			objects, err := flags.change(cmd.Context(), a, at, app)
			if err != nil {
				return err
			}
			for _, o := range objects {
				before := o.DeepCopy()
				if err := at.Patch(cmd.Context(), o, client.RawPatch(as, []byte(patch))); err != nil {
					return a.Explain(refusedPatch(err, as, []byte(patch), before), "patching "+nameOf(before))
				}
				if err := a.Say(nameOf(o) + " patched"); err != nil {
					return err
				}
			}
			return nil
		},
	}
	flags.bind(cmd, true)
	flags.bindProject(cmd)
	flags.bindAll(cmd)
	cmd.Flags().StringVar(&patch, "patch", "", "the patch, as JSON")
	cmd.Flags().StringVar(&kind, "patch-type", "", "merge (also application/merge-patch+json), json or strategic; merge if not given")
	_ = cmd.MarkFlagRequired("patch")
	return cmd
}
