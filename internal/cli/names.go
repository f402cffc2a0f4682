package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newArgoCDRoot is the root for who calls the program argocd.
func newArgoCDRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:   nameArgoCD,
		Short: "Applications that follow git, by Cyan",
		Long: `Applications that follow git, by Cyan, under the name that scripts know.

It speaks to the Kubernetes API, not to a server of its own: there is nothing to log in to.` + kubeconfigHelp,
		Example: `  argocd app create shop --repo https://git.example/shop --path k8s --dest-server https://kubernetes.default.svc --dest-namespace default
  argocd app sync shop`,
		Version: e.version,
	}
	e.kube.bind(root, argocdFlags)
	withoutEffect(e, root, "Cyan has no API server of its own; it speaks to the Kubernetes API of the kubeconfig's context", serverFlags())
	root.AddCommand(newAppCommand(e), newClusterCommand(e), newRepoCommand(e), newRepoCredsCommand(e), newProjectCommand(e), newVersionCommand(e))
	root.AddCommand(loginCommands(e)...)
	return root
}

// serverFlags are those that tell argocd how to reach its server.
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

// loginCommands are those of scripts that log in first. They succeed, and say that there was nothing to do.
func loginCommands(e *env) []*cobra.Command {
	nothing := func(use, why string) *cobra.Command {
		return &cobra.Command{
			Use: use, Short: "Does nothing here: " + why, DisableFlagParsing: true, ValidArgsFunction: cobra.NoFileCompletions,
			RunE: func(cmd *cobra.Command, args []string) error {
				for _, arg := range args {
					if arg == "--help" || arg == "-h" {
						return cmd.Help()
					}
				}
				e.note("note: %s", why)
				return nil
			},
		}
	}
	const who = "rights are those of the kubeconfig's user, so there is nothing to log in to"
	admin := &cobra.Command{Use: "admin", Short: "Does nothing here: " + who}
	admin.AddCommand(nothing("initial-password", "there is no password: "+who))
	return []*cobra.Command{
		nothing("login [SERVER]", who), nothing("logout [CONTEXT]", who), nothing("relogin", who), nothing("account", who),
		nothing("context [CONTEXT]", "the kubeconfig's contexts are used: `kubectl config use-context`, or --context"), admin,
	}
}

// newPluginRoot is the root for kubectl's plugin, with its order of words.
func newPluginRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:         namePlugin,
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl argo rollouts"},
		Short:       "Rollouts, by Cyan",
		Long:        "Rollouts, by Cyan, in the words of kubectl's plugin." + kubeconfigHelp,
		Example: `  kubectl argo rollouts get rollout shop --watch
  kubectl argo rollouts set image shop shop=registry.example/shop:v2
  kubectl argo rollouts promote shop`,
		Version: e.version,
	}
	e.kube.bind(root, pluginFlags)
	r := &rollouts{e}
	r.completeNamespaces(root)
	group := func(use, short, example string, below ...*cobra.Command) *cobra.Command {
		cmd := &cobra.Command{Use: use, Short: short, Example: example}
		cmd.AddCommand(below...)
		return cmd
	}
	get, list, again := newRolloutGet(r, "rollout NAME"), newRolloutList(r, "rollouts"), newRolloutRetry(r, "rollout NAME…")
	get.Aliases, list.Aliases, again.Aliases = []string{"ro", "rollouts"}, []string{"ro", "rollout"}, []string{"ro", "rollouts"}
	root.AddCommand(
		group("get", "Show a Rollout", "  kubectl argo rollouts get rollout shop --watch", get),
		group("list", "List Rollouts", "  kubectl argo rollouts list rollouts", list),
		group("retry", "Try again", "  kubectl argo rollouts retry rollout shop", again),
		group("set", "Change a Rollout", "  kubectl argo rollouts set image shop shop=registry.example/shop:v2", newRolloutSetImage(r, "image NAME CONTAINER=IMAGE…")),
		newRolloutStatus(r), newRolloutPromote(r), newRolloutAbort(r), newRolloutUndo(r), newRolloutPause(r), newRolloutRestart(r), newRolloutLint(r), newVersionCommand(e),
	)
	return root
}
