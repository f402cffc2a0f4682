package rollout

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// newGetExperiment makes the command that shows an Experiment, and so why it is not run.
func newGetExperiment(e *kit.Env) *cobra.Command {
	return &cobra.Command{
		Use: "experiment NAME", Aliases: []string{"exp", "experiments"}, Short: "Show an Experiment",
		Example: "  kubectl argo rollouts get experiment shop", Args: kit.Exactly("the Experiment's name"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, namespace, err := connect(e)
			if err != nil {
				return err
			}
			experiment := &v1alpha1.Experiment{}
			if err := c.Get(cmd.Context(), client.ObjectKey{Namespace: namespace, Name: args[0]}, experiment); err != nil {
				return e.Explain(err, "reading Experiment "+args[0])
			}
			return e.SayAll([]string{
				fmt.Sprintf("%-16s %s", "Name:", experiment.Name),
				fmt.Sprintf("%-16s %s", "Namespace:", experiment.Namespace),
				fmt.Sprintf("%-16s %s", "Status:", cmp.Or(string(experiment.Status.Phase), "Pending")),
				fmt.Sprintf("%-16s %s", "Message:", experiment.Status.Message),
			})
		},
	}
}

// newListExperiments makes the command that lists Experiments.
func newListExperiments(e *kit.Env) *cobra.Command {
	var everywhere bool
	cmd := &cobra.Command{
		Use: "experiments", Aliases: []string{"exp", "experiment"}, Short: "List Experiments",
		Example: "  kubectl argo rollouts list experiments", Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, namespace, err := connect(e)
			if err != nil {
				return err
			}
			if everywhere {
				namespace = ""
			}
			all := &v1alpha1.ExperimentList{}
			if err := c.List(cmd.Context(), all, client.InNamespace(namespace)); err != nil {
				return e.Explain(err, "listing Experiments")
			}
			if len(all.Items) == 0 {
				e.Note("no Experiments were found")
				return nil
			}
			slices.SortFunc(all.Items, func(a, b v1alpha1.Experiment) int {
				return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
			})
			lines := []string{fmt.Sprintf("%-40s %-14s %s", "NAME", "STATUS", "AGE")}
			for _, x := range all.Items {
				lines = append(lines, fmt.Sprintf("%-40s %-14s %s", x.Name, cmp.Or(string(x.Status.Phase), "Pending"), duration.HumanDuration(time.Since(x.CreationTimestamp.Time))))
			}
			return e.SayAll(lines)
		},
	}
	cmd.Flags().BoolVarP(&everywhere, "all-namespaces", "A", false, "in every namespace")
	return cmd
}

// newMerge makes a command that writes the same into each object of a kind that is named.
func newMerge(e *kit.Env, use, short, patch, done string, empty func() client.Object) *cobra.Command {
	noun, _, _ := strings.Cut(use, " ")
	return &cobra.Command{
		Use: use, Short: short, Args: kit.AtLeast("the name"), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, namespace, err := connect(e)
			if err != nil {
				return err
			}
			for _, name := range args {
				o := empty()
				o.SetNamespace(namespace)
				o.SetName(name)
				if err := c.Patch(cmd.Context(), o, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
					return e.Explain(err, "changing "+noun+" "+name)
				}
				if err := e.Say(fmt.Sprintf("%s '%s' %s", noun, name, done)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func newTerminateRun(e *kit.Env) *cobra.Command {
	cmd := newMerge(e, "analysisrun NAME…", "End an AnalysisRun", `{"spec":{"terminate":true}}`, "terminated", func() client.Object { return &v1alpha1.AnalysisRun{} })
	cmd.Aliases, cmd.Example = []string{"ar", "analysisruns"}, "  kubectl argo rollouts terminate analysisrun shop"
	return cmd
}

func newTerminateExperiment(e *kit.Env) *cobra.Command {
	cmd := newMerge(e, "experiment NAME…", "End an Experiment", `{"spec":{"terminate":true}}`, "terminated", func() client.Object { return &v1alpha1.Experiment{} })
	cmd.Aliases, cmd.Example = []string{"exp", "experiments"}, "  kubectl argo rollouts terminate experiment shop"
	return cmd
}

// connect returns a client and the namespace that is asked for.
func connect(e *kit.Env) (client.Client, string, error) {
	namespace, err := e.Kube.Namespace()
	if err != nil {
		return nil, "", err
	}
	c, err := e.Connect()
	return c, namespace, err
}
