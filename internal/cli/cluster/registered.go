package cluster

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cluster"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Registered is a cluster that Applications can be deployed to, as its Secret has it.
type Registered struct {
	Name       string `json:"name"`
	Server     string `json:"server"`
	Namespaces string `json:"namespaces,omitempty"`
	Project    string `json:"project,omitempty"`

	secret *corev1.Secret
}

// List returns the registered clusters, by name.
func List(ctx context.Context, a *kit.Control, c client.Client) ([]Registered, error) {
	secrets, err := a.Secrets(ctx, c, v1alpha1.SecretTypeCluster)
	if err != nil {
		return nil, err
	}
	var all []Registered
	for i := range secrets {
		s := &secrets[i]
		all = append(all, Registered{
			Name: string(s.Data["name"]), Server: string(s.Data["server"]), Namespaces: string(s.Data["namespaces"]), Project: string(s.Data["project"]), secret: s,
		})
	}
	slices.SortFunc(all, func(x, y Registered) int { return strings.Compare(x.Name, y.Name) })
	return all, nil
}

// Find finds a registered cluster by URL or name.
func Find(ctx context.Context, a *kit.Control, c client.Client, wanted string) (Registered, error) {
	all, err := List(ctx, a, c)
	if err != nil {
		return Registered{}, err
	}
	var names []string
	for _, cluster := range all {
		if cluster.Server == wanted || cluster.Name == wanted {
			return cluster, nil
		}
		names = append(names, cluster.Name)
	}
	return Registered{}, kit.Missing("registered cluster", a.Namespace, wanted, names, a.Command("cluster add CONTEXT")+" registers one")
}

// Spec returns how the cluster is reached, with the rights that Cyan has there, and how much of it is used.
func (r Registered) Spec() (cluster.Cluster, error) {
	// A Secret's program would run as the person who typed the command.
	found, err := cluster.FromSecret(r.secret, cluster.Programs{Remedy: "commands run no program that a Secret names: register the cluster with a token, or ask the server, which may be allowed to"})
	if err != nil {
		return found, &problem.Error{Kind: problem.Refused, Cause: err.Error(), Err: err}
	}
	found.Config.QPS, found.Config.WarningHandler = -1, rest.NoWarnings{}
	return found, nil
}

func show(a *kit.Control, all []Registered, as string) error {
	if as == kit.JSON || as == kit.YAML {
		return a.Dump(all, as)
	}
	rows := [][]string{{"SERVER", "NAME", "NAMESPACES", "PROJECT"}}
	for _, cluster := range all {
		switch as {
		case kit.Name:
			rows = append(rows, []string{cluster.Name})
		case "server":
			rows = append(rows, []string{cluster.Server})
		default:
			rows = append(rows, []string{cluster.Server, cluster.Name, cmp.Or(cluster.Namespaces, "all"), cluster.Project})
		}
	}
	if as == kit.Name || as == "server" {
		for _, row := range rows[1:] {
			if err := a.Say(row[0]); err != nil {
				return err
			}
		}
		return nil
	}
	return a.Table(rows, 0)
}

func complete(a *kit.Control) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		list := &corev1.SecretList{}
		return a.CompleteObjects(cmd, list, a.Namespace, func() (names []string) {
			for _, s := range list.Items {
				if s.Labels[v1alpha1.SecretTypeLabel] == v1alpha1.SecretTypeCluster {
					names = append(names, cobra.CompletionWithDesc(string(s.Data["name"]), string(s.Data["server"])))
				}
			}
			return names
		})
	}
}
