package app

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/settings"
)

func newActions(a *kit.Control) *cobra.Command {
	cmd := &cobra.Command{
		Use: "actions", Aliases: []string{"action"}, Short: "What may be asked of an Application's objects: restart, pause, resume, …",
		Long: `What may be asked of an Application's objects: restart, pause, resume, and what scripts offer that are kept in ConfigMap
` + settings.ConfigName + ` under resource.customizations.actions.GROUP_KIND.`,
		Example: `  cyan app actions list shop
  cyan app actions run shop restart --kind Deployment`,
	}
	cmd.AddCommand(newActionsList(a), newActionsRun(a))
	return cmd
}

// listedAction is an action as it is printed, with the keys that scripts know.
type listedAction struct {
	Group     string `json:"Group"`
	Kind      string `json:"Kind"`
	Namespace string `json:"Namespace"`
	Name      string `json:"Name"`
	Action    string `json:"Action"`
	Disabled  bool   `json:"Disabled"`
}

func newActionsList(a *kit.Control) *cobra.Command {
	var flags objectFlags
	var out string
	cmd := &cobra.Command{
		Use: "list NAME", Aliases: []string{"ls"}, Short: "List what may be asked of an Application's objects", Example: "  cyan app actions list shop --kind Deployment",
		Args: kit.Exactly("the Application's name"), ValidArgsFunction: completeApps(a, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out != "" && out != kit.JSON && out != kit.YAML {
				return kit.Usage("--out", fmt.Sprintf("unknown format %q", out), "give json or yaml")
			}
			app, at, err := flags.ofApp(cmd.Context(), a, args[0])
			if err != nil {
				return err
			}
			objects, err := flags.find(cmd.Context(), a, at, app)
			if err != nil {
				return err
			}
			scripts, err := newScriptedActions(cmd.Context(), a)
			if err != nil {
				return err
			}
			all := []listedAction{}
			rows := [][]string{{"GROUP", "KIND", "NAME", "ACTION", "DISABLED"}}
			for _, o := range objects {
				actions, err := scripts.list(o)
				if err != nil {
					a.Note("warning: %v", err)
				}
				for _, act := range actions {
					all = append(all, listedAction{o.GroupVersionKind().Group, o.GetKind(), o.GetNamespace(), o.GetName(), act.Name, !act.Available})
					rows = append(rows, []string{o.GroupVersionKind().Group, o.GetKind(), o.GetName(), act.Name, strconv.FormatBool(!act.Available)})
				}
			}
			if out != "" {
				return a.Dump(all, out)
			}
			return a.Table(rows, 2)
		},
	}
	flags.bind(cmd, false)
	cmd.Flags().StringVarP(&out, "out", "o", "", "output format: json|yaml")
	return cmd
}

func newActionsRun(a *kit.Control) *cobra.Command {
	var flags objectFlags
	cmd := &cobra.Command{
		Use: "run NAME ACTION", Short: "Ask something of an Application's objects", Example: "  cyan app actions run shop restart --kind Deployment --resource-name web",
		Args: kit.Exactly("the Application's name", "the action"), ValidArgsFunction: completeApps(a, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, at, err := flags.ofApp(cmd.Context(), a, args[0])
			if err != nil {
				return err
			}
			objects, err := flags.change(cmd.Context(), a, at, app)
			if err != nil {
				return err
			}
			scripts, err := newScriptedActions(cmd.Context(), a)
			if err != nil {
				return err
			}
			requests := make([]action.Request, len(objects))
			for i, o := range objects {
				if requests[i], err = scripts.request(o, args[1]); err != nil {
					return err
				}
				if err := scripts.permit(cmd.Context(), at, app, o, requests[i]); err != nil {
					return err
				}
			}
			for i, o := range objects {
				if err := ask(cmd.Context(), at, o, requests[i]); err != nil {
					return a.Explain(refusedPatch(err, "", nil, o), args[1]+" of "+nameOf(o))
				}
				if err := a.Say(nameOf(o) + " " + requests[i].Outcome); err != nil {
					return err
				}
			}
			return nil
		},
	}
	flags.bind(cmd, true)
	flags.bindAll(cmd)
	return cmd
}
