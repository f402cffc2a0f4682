package cli

import (
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cyan-cd/cyan/internal/cli/dev"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/skaffold"
)

// newSkaffoldRoot is the root for who calls the program skaffold. Of the commands that are wired elsewhere it has those
// that are the skaffold program's too.
func newSkaffoldRoot(e *kit.Env, run []Constructor) *cobra.Command {
	root := &cobra.Command{
		Use:   kit.NameSkaffold,
		Short: "Build and run what a skaffold.yaml says, by Cyan",
		Long:  "Build and run what a skaffold.yaml says, by Cyan, under the name that scripts know. Flags may be given as SKAFFOLD_FLAG in the environment too." + kit.KubeconfigHelp,
		Example: `  skaffold dev -p local --port-forward -f k8s/skaffold.yml
  skaffold run -p local
  skaffold diagnose -f k8s/skaffold.yml -p local`,
		Version: e.Version,
	}
	e.Kube.Bind(root, kit.SkaffoldFlags)
	e.WithoutEffect(root, "errors are printed as they are, and nothing is reported to anybody", skaffoldFlags())
	before := root.PersistentPreRunE
	root.PersistentPreRunE = func(cmd *cobra.Command, args []string) error {
		if err := fromEnvironment(cmd); err != nil {
			return err
		}
		return before(cmd, args)
	}
	root.AddCommand(skaffold.Commands(e, skaffoldWiring)...)
	for _, command := range run {
		if cmd := command(e); cmd.Annotations[kit.OfSkaffold] != "" {
			root.AddCommand(cmd)
		}
	}
	root.AddCommand(skaffold.NewVersion(e))
	return root
}

// skaffoldWiring is how the commands of the skaffold program show what they do.
var skaffoldWiring = skaffold.Wiring{Lines: dev.Lines}

// newSkaffoldGroup is the same below cyan, with its check.
func newSkaffoldGroup(e *kit.Env, run []Constructor) *cobra.Command {
	group := skaffold.New(e, skaffoldWiring)
	for _, command := range run {
		if cmd := command(e); cmd.Annotations[kit.OfSkaffold] != "" {
			group.AddCommand(cmd)
		}
	}
	return group
}

// skaffoldFlags are flags of the skaffold program that mean nothing here.
func skaffoldFlags() *pflag.FlagSet {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.StringP("verbosity", "v", "", "")
	for _, name := range []string{"color", "user-telemetry"} {
		flags.String(name, "", "")
	}
	for _, name := range []string{"interactive", "timestamps", "update-check", "assume-yes"} {
		flags.Bool(name, false, "")
		flags.Lookup(name).NoOptDefVal = "true"
	}
	return flags
}

// fromEnvironment sets flags that were not given by variables of their names.
func fromEnvironment(cmd *cobra.Command) error {
	var failed error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		variable := "SKAFFOLD_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value := os.Getenv(variable)
		if value == "" || f.Changed || f.Hidden {
			return
		}
		if err := cmd.Flags().Set(f.Name, value); err != nil && failed == nil {
			failed = kit.Usage(variable, err.Error(), "correct it, or unset it")
		}
	})
	return failed
}
