package cluster

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cluster"
)

func newRotateAuth(a *kit.Control) *cobra.Command {
	var account types.NamespacedName
	cmd := &cobra.Command{
		Use: "rotate-auth SERVER|NAME", Short: "Have a new token made for a cluster, and the old one forgotten", Example: "  cyan cluster rotate-auth staging",
		Args: kit.Exactly("the cluster's URL or name"), ValidArgsFunction: complete(a),
		RunE: func(cmd *cobra.Command, args []string) error { return rotate(cmd, a, args[0], account) },
	}
	f := cmd.Flags()
	f.StringVar(&account.Name, "service-account", "", "the service account whose token it is; the one that the token names when empty")
	f.StringVar(&account.Namespace, "system-namespace", "", "namespace of the service account; the one that the token names when empty")
	return cmd
}

func rotate(cmd *cobra.Command, a *kit.Control, name string, account types.NamespacedName) error {
	ctx := cmd.Context()
	c, err := a.Connect()
	if err != nil {
		return err
	}
	registered, err := Find(ctx, a, c, name)
	if err != nil {
		return err
	}
	spec, err := registered.Spec()
	if err != nil {
		return err
	}
	done, err := cluster.Rotation{
		Control: c, Secret: registered.secret, Config: spec.Config, Account: account,
		Connect: func(config *rest.Config) (client.WithWatch, error) {
			return client.NewWithWatch(config, client.Options{Scheme: kit.Scheme()})
		},
	}.Run(ctx)
	if err != nil {
		return a.Explain(err, "rotating the token of cluster "+registered.Name)
	}
	if done.Left {
		a.Note("note: the Secret of the old token was not found in namespace %s; the token may still work", done.Account.Namespace)
	}
	return a.Say(fmt.Sprintf("cluster '%s' rotated auth", registered.Name))
}
