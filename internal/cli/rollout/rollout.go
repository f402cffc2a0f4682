// Package rollout is about Rollouts: how they are, and what a person may ask of them.
package rollout

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// New makes the command rollout.
func New(e *kit.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "rollout",
		Aliases: []string{"rollouts", "ro"},
		Short:   "Rollouts: how one version replaces another",
		Example: `  cyan rollout get shop --watch
  cyan rollout set-image shop shop=registry.example/shop:v2
  cyan rollout promote shop`,
	}
	e.Kube.BindNamespace(cmd)
	e.CompleteNamespaces(cmd)
	cmd.AddGroup(&cobra.Group{ID: "see", Title: "See:"}, &cobra.Group{ID: "do", Title: "Do:"})
	add := func(group string, commands ...*cobra.Command) {
		for _, command := range commands {
			command.GroupID = group
			cmd.AddCommand(command)
		}
	}
	add("see", newGet(e, "get NAME"), newList(e, "list"), newStatus(e), newLint(e))
	add("do", newPromote(e), newAbort(e), newRetry(e, "retry NAME…"), newUndo(e), newPause(e), newRestart(e), newSetImage(e, "set-image NAME CONTAINER=IMAGE…"))
	return cmd
}

// AddPlugin adds the same commands in the order of words of kubectl's plugin.
func AddPlugin(root *cobra.Command, e *kit.Env) {
	group := func(use, short, example string, below *cobra.Command, aliases ...string) *cobra.Command {
		below.Aliases = aliases
		cmd := &cobra.Command{Use: use, Short: short, Example: example}
		cmd.AddCommand(below)
		root.AddCommand(cmd)
		return cmd
	}
	group("get", "Show a Rollout", "  kubectl argo rollouts get rollout shop --watch", newGet(e, "rollout NAME"), "ro", "rollouts").AddCommand(newGetExperiment(e))
	group("list", "List Rollouts", "  kubectl argo rollouts list rollouts", newList(e, "rollouts"), "ro", "rollout").AddCommand(newListExperiments(e))
	group("terminate", "End an AnalysisRun or an Experiment", "  kubectl argo rollouts terminate experiment shop", newTerminateExperiment(e), "exp", "experiments").
		AddCommand(newTerminateRun(e))
	group("retry", "Try again", "  kubectl argo rollouts retry rollout shop", newRetry(e, "rollout NAME…"), "ro", "rollouts")
	group("set", "Change a Rollout", "  kubectl argo rollouts set image shop shop=registry.example/shop:v2", newSetImage(e, "image NAME CONTAINER=IMAGE…"))
	root.AddCommand(newStatus(e), newPromote(e), newAbort(e), newUndo(e), newPause(e), newRestart(e), newLint(e))
}
