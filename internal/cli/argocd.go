package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cyan-cd/cyan/internal/cli/account"
	"github.com/cyan-cd/cyan/internal/cli/admin"
	"github.com/cyan-cd/cyan/internal/cli/app"
	"github.com/cyan-cd/cyan/internal/cli/cluster"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/login"
	"github.com/cyan-cd/cyan/internal/cli/project"
	"github.com/cyan-cd/cyan/internal/cli/repo"
	"github.com/cyan-cd/cyan/internal/cli/trust"
)

// newArgoCDRoot is the root for who calls the program argocd.
func newArgoCDRoot(e *kit.Env) *cobra.Command {
	root := &cobra.Command{
		Use:   kit.NameArgoCD,
		Short: "Applications that follow git, by Cyan",
		Long: `Applications that follow git, by Cyan, under the name that scripts know.

Who has logged in to a server goes through it; who has not works on the cluster, with the rights of the kubeconfig.` + kit.KubeconfigHelp,
		Example: `  argocd app create shop --repo https://git.example/shop --path k8s --dest-server https://kubernetes.default.svc --dest-namespace default
  argocd app sync shop`,
		Version: e.Version,
	}
	e.Kube.Bind(root, kit.ArgoCDFlags)
	e.Server.Bind(root)
	root.PersistentFlags().Var(new(logFormat), logFormatFlag, "how an error is printed: json, or text; a sentence to a terminal, and json to a program if not given")
	e.WithoutEffect(root, "the server is asked by its HTTP API, and the cluster as the kubeconfig has it", idleFlags())
	root.AddCommand(app.New(e), cluster.New(e), repo.New(e), repo.NewTemplates(e), project.New(e), trust.NewCert(e), trust.NewGPG(e), trust.NewSigner(e), account.New(e), admin.New(e), newVersionCommand(e))
	root.AddCommand(login.New(e)...)
	return root
}

// idleFlags are those by which argocd reaches its server in ways that there are not here.
func idleFlags() *pflag.FlagSet {
	f := pflag.NewFlagSet("server", pflag.ContinueOnError)
	for _, name := range []string{
		"client-crt", "client-crt-key", "server-name", "port-forward-namespace", "loglevel", "controller-name", "redis-name", "redis-haproxy-name", "redis-compress", "repo-server-name", "http-retry-max",
	} {
		f.String(name, "", "")
	}
	for _, name := range []string{"grpc-web", "port-forward", "prompts-enabled"} {
		f.Bool(name, false, "")
	}
	return f
}
