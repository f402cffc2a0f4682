package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/rollout"
)

// newPluginRoot is the root for kubectl's plugin, with its order of words.
func newPluginRoot(e *kit.Env) *cobra.Command {
	root := &cobra.Command{
		Use:         kit.NamePlugin,
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl argo rollouts"},
		Short:       "Rollouts, by Cyan",
		Long:        "Rollouts, by Cyan, in the words of kubectl's plugin." + kit.KubeconfigHelp,
		Example: `  kubectl argo rollouts get rollout shop --watch
  kubectl argo rollouts set image shop shop=registry.example/shop:v2
  kubectl argo rollouts promote shop`,
		Version: e.Version,
	}
	e.Kube.Bind(root, kit.PluginFlags)
	e.WithoutEffect(root, "errors are printed as they are, and nothing is cached", pluginFlags())
	e.CompleteNamespaces(root)
	rollout.AddPlugin(root, e)
	root.AddCommand(newVersionCommand(e))
	return root
}

// pluginFlags are flags of kubectl's plugin that mean nothing here.
func pluginFlags() *pflag.FlagSet {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.IntP("kloglevel", "v", 0, "")
	flags.String("loglevel", "info", "")
	flags.String("cache-dir", "", "")
	return flags
}
