package app

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
)

func newActions(a *kit.Control) *cobra.Command {
	cmd := &cobra.Command{
		Use: "actions", Aliases: []string{"action"}, Short: "What may be asked of an Application's objects: restart, pause, resume, …",
		Example: `  cyan app actions list shop
  cyan app actions run shop restart --kind Deployment`,
	}
	cmd.AddCommand(newActionsList(a), newActionsRun(a))
	return cmd
}

// listedAction is an action as it is printed.
type listedAction struct {
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Action    string `json:"action"`
	Disabled  bool   `json:"disabled"`
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
			all := []listedAction{}
			rows := [][]string{{"GROUP", "KIND", "NAME", "ACTION", "DISABLED"}}
			for _, o := range objects {
				for _, act := range action.ResourceActions(o, time.Now()) {
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
			requests := make([]action.Request, len(objects))
			for i, o := range objects {
				if requests[i], err = requested(nameOf(o), action.ResourceActions(o, time.Now()), args[1]); err != nil {
					return err
				}
			}
			for i, o := range objects {
				if err := kit.Send(cmd.Context(), at, o, requests[i]); err != nil {
					return a.Explain(err, args[1]+" of "+nameOf(o))
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

// requested finds the action of this name.
func requested(name string, all []action.ResourceAction, wanted string) (action.Request, error) {
	var there []string
	for _, act := range all {
		if act.Name != wanted {
			there = append(there, act.Name)
			continue
		}
		if !act.Available {
			return action.Request{}, &problem.Error{Kind: problem.Refused, Object: name, Cause: "in no state for the action " + wanted}
		}
		return act.Request, nil
	}
	missing := &problem.Error{Kind: problem.Usage, Object: name, Cause: fmt.Sprintf("unknown action %q", wanted)}
	if len(there) > 0 {
		missing.Remedy = "there are: " + kit.Choices(there)
	}
	return action.Request{}, missing
}
