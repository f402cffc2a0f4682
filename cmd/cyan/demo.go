package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/demo"
)

// exampleFolder is where the checkout keeps the example, and the archive of a release.
const exampleFolder = "examples/request-counter"

func newDemoCommand(e *kit.Env) *cobra.Command {
	var once, quiet bool
	var o demo.Options
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch a commit become live traffic, without losing a request",
		Long: `Watch a commit become live traffic: a push is built, set and committed back, synced, brought up beside the running version, and given the traffic, while
a client sends requests and counts what fails.

It prints where the page is on which all of that can be watched, and how to log in. It starts a Kubernetes cluster on this machine (see cyan local), or uses the one that --context names. A second run goes on from where things are.`,
		Example: `  cyan demo                     # tell the story, then deliver what you push until Ctrl-C
  cyan demo --once              # end with it: exit code 0 only if traffic moved and no request failed
  cyan demo --context kind-dev --registry localhost:5001`,
		Args:              kit.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			o.Kubeconfig, o.Context = e.Kube.Named()
			if o.Context == "" {
				if o.Registry != "" || o.Kubeconfig != "" {
					return kit.Usage("--registry, --kubeconfig", "given without the context of another cluster", "name it with --context")
				}
				o.LocalProgram, err = findLocalProgram()
			} else {
				o.Config, err = e.Kube.Config()
			}
			if err == nil && o.Example == "" {
				o.Example, err = findExample()
			}
			if err != nil {
				return err
			}
			o.DataDir = filepath.Join(kit.DataHome(), "cyan-demo")
			o.Stay, o.Browse, o.Version = !once, !once && !quiet, version
			o.Out, o.Terminal = cmd.OutOrStdout(), term.Detect(cmd.OutOrStdout(), os.Getenv)
			summary, err := demo.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			return summary.Err()
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&once, "once", false, "end after the story")
	flags.BoolVar(&quiet, "no-browser", false, "do not open the page, where there is a desktop")
	flags.StringVar(&o.Registry, "registry", "", "HOST/PATH of a registry that this machine pushes to and the other cluster pulls from")
	flags.StringVar(&o.LocalDir, "dir", "", "directory of the cluster on this machine (default: that of cyan local)")
	flags.StringVar(&o.Nodes, "nodes", "", "real or simulated, for the cluster on this machine (default: real where that is possible)")
	flags.StringVar(&o.Example, "example", "", "folder of the example (default: "+exampleFolder+" of Cyan's checkout, or beside the program)")
	flags.IntVar(&o.Rounds, "rounds", 1, "how many changes to push")
	return cmd
}

// findExample looks beside the program, as in the archive of a release, in the checkout that it stands in, and in the
// working directory.
func findExample() (string, error) {
	var places []string
	if self, err := os.Executable(); err == nil {
		if self, err = filepath.EvalSymlinks(self); err == nil {
			places = append(places, filepath.Join(filepath.Dir(self), exampleFolder), filepath.Join(filepath.Dir(filepath.Dir(self)), exampleFolder))
		}
	}
	if dir, err := os.Getwd(); err == nil {
		places = append(places, filepath.Join(dir, exampleFolder))
	}
	for _, place := range places {
		if _, err := os.Stat(place); err == nil {
			return place, nil
		}
	}
	return "", kit.Usage("--example", "not given, and "+exampleFolder+" not found", "run this from Cyan's checkout or the archive of a release, or name the folder")
}
