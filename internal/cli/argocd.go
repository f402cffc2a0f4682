package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cyan-cd/cyan/internal/cli/account"
	"github.com/cyan-cd/cyan/internal/cli/admin"
	"github.com/cyan-cd/cyan/internal/cli/app"
	"github.com/cyan-cd/cyan/internal/cli/cluster"
	"github.com/cyan-cd/cyan/internal/cli/kit"
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

It speaks to the Kubernetes API, not to a server of its own: there is nothing to log in to.` + kit.KubeconfigHelp,
		Example: `  argocd app create shop --repo https://git.example/shop --path k8s --dest-server https://kubernetes.default.svc --dest-namespace default
  argocd app sync shop`,
		Version: e.Version,
	}
	e.Kube.Bind(root, kit.ArgoCDFlags)
	e.WithoutEffect(root, "Cyan has no API server of its own; it speaks to the Kubernetes API of the kubeconfig's context", serverFlags())
	root.AddCommand(app.New(e), cluster.New(e), repo.New(e), repo.NewTemplates(e), project.New(e), trust.NewCert(e), trust.NewGPG(e), trust.NewSigner(e), account.New(e), admin.New(e), newVersionCommand(e))
	root.AddCommand(loginCommands(e)...)
	return root
}

// serverFlags are those by which argocd reaches its server.
func serverFlags() *pflag.FlagSet {
	f := pflag.NewFlagSet("server", pflag.ContinueOnError)
	for _, name := range []string{
		"server", "auth-token", "config", "argocd-context", "client-crt", "client-crt-key", "server-crt", "server-name", "grpc-web-root-path", "port-forward-namespace",
		"logformat", "loglevel", "controller-name", "redis-name", "redis-haproxy-name", "redis-compress", "repo-server-name", "http-retry-max",
	} {
		f.String(name, "", "")
	}
	f.StringArrayP("header", "H", nil, "")
	for _, name := range []string{"insecure", "plaintext", "grpc-web", "core", "port-forward", "prompts-enabled"} {
		f.Bool(name, false, "")
	}
	return f
}

// loginCommands are those of scripts that log in first. They succeed, and note that there was nothing to do.
func loginCommands(e *kit.Env) []*cobra.Command {
	const why = "rights are those of the kubeconfig's user, so there is nothing to log in to"
	nothing := func(use, example string) *cobra.Command {
		return &cobra.Command{
			Use: use, Short: "Does nothing here: " + why, Example: "  argocd " + example, DisableFlagParsing: true, ValidArgsFunction: cobra.NoFileCompletions,
			RunE: func(cmd *cobra.Command, args []string) error {
				for _, arg := range args {
					if arg == "--help" || arg == "-h" {
						return cmd.Help()
					}
				}
				e.Note("note: %s", why)
				return nil
			},
		}
	}
	return []*cobra.Command{nothing("login [SERVER]", "login cd.example"), nothing("logout [CONTEXT]", "logout cd.example"), nothing("relogin", "relogin")}
}
