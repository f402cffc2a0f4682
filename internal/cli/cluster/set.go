package cluster

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
)

func newSet(a *kit.Control) *cobra.Command {
	var name string
	var namespaces, labels, annotations []string
	cmd := &cobra.Command{
		Use: "set SERVER|NAME", Short: "Change what is kept of a cluster", Example: "  cyan cluster set staging --namespace shop --label env=staging",
		Args: kit.Exactly("the cluster's URL or name"), ValidArgsFunction: complete(a),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.Connect()
			if err != nil {
				return err
			}
			cluster, err := Find(cmd.Context(), a, c, args[0])
			if err != nil {
				return err
			}
			if name == "" && len(namespaces)+len(labels)+len(annotations) == 0 {
				return kit.Usage(cmd.CommandPath(), "a flag is missing", "`"+cmd.CommandPath()+" --help` lists what can be set")
			}
			before := cluster.secret.DeepCopy()
			data := cluster.secret.Data
			if name != "" && name != cluster.Name {
				if _, err := Find(cmd.Context(), a, c, name); err == nil {
					return &problem.Error{Kind: problem.Refused, Object: fmt.Sprintf("cluster %q", name), Cause: "registered already", Remedy: "choose another name"}
				}
				data["name"] = []byte(name)
			}
			if slices.Contains(namespaces, "*") {
				delete(data, "namespaces")
				delete(data, "clusterResources")
			} else if len(namespaces) > 0 {
				data["namespaces"] = []byte(strings.Join(namespaces, ","))
			}
			if err := kit.Pairs(labels, func(k, v string) { kit.Put(&cluster.secret.Labels, k, v) }); err != nil {
				return kit.Usage("--label", err.Error(), "")
			}
			if err := kit.Pairs(annotations, func(k, v string) { kit.Put(&cluster.secret.Annotations, k, v) }); err != nil {
				return kit.Usage("--annotation", err.Error(), "")
			}
			if err := c.Patch(cmd.Context(), cluster.secret, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
				return a.Explain(err, "changing the cluster "+cluster.Name)
			}
			return a.Say(fmt.Sprintf("cluster '%s' updated", bytes.TrimSpace(data["name"])))
		},
	}
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "another name for it")
	f.StringArrayVar(&namespaces, "namespace", nil, "only this namespace of it; may be repeated; * for all")
	f.StringArrayVar(&labels, "label", nil, "KEY=VALUE on its Secret")
	f.StringArrayVar(&annotations, "annotation", nil, "KEY=VALUE on its Secret")
	return cmd
}
