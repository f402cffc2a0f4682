// Package cli is the command line of the local cluster: `cyan local …`.
package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

// Run carries the command out and returns the exit code: 0, 1 for an error, 2 for a command that makes no sense.
func Run() int {
	// Libraries of Kubernetes put flags of their own on it, such as --version, which would be flags of every command.
	pflag.CommandLine = pflag.NewFlagSet("", pflag.ContinueOnError)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	command := root()
	if err := command.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		var usage usageError
		if errors.As(err, &usage) {
			return 2
		}
		return 1
	}
	return 0
}

// usageError is a command that was typed wrongly.
type usageError struct{ error }

func root() *cobra.Command {
	command := &cobra.Command{
		Use:   "local",
		Short: "A real Kubernetes on this machine",
		Long: `A Kubernetes of your own on this machine: API server, a node that runs containers, cluster DNS and an image registry.

It runs in the background in a network of its own, leaves the machine's network alone, and offers its API server, its
registry and its Services on 127.0.0.1. Everything it makes is in one directory (--dir), and can be removed whole.

With root on Linux its node is real. Elsewhere nodes are simulated: pods change their phases and run nothing.`,
		Example: `  cyan local up
  export KUBECONFIG=$(cyan local kubeconfig --path)
  cyan local status
  cyan local down --delete`,
		SilenceErrors: true, SilenceUsage: true,
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: "cyan local"},
	}
	command.PersistentFlags().String("dir", "", "directory of the cluster (default $XDG_DATA_HOME/cyan, else ~/.local/share/cyan)")
	command.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (see `%s --help`)", err, c.CommandPath())}
	})
	command.AddCommand(upCommand(), downCommand(), statusCommand(), kubeconfigCommand(), logsCommand(), loadCommand(), imageCommand(), loginCommand(), superviseCommand())
	markUsageErrors(command)
	return command
}

// markUsageErrors has wrong arguments end every command below with the exit code for them.
func markUsageErrors(command *cobra.Command) {
	for _, c := range command.Commands() {
		markUsageErrors(c)
		if c.Args != nil {
			check := c.Args
			c.Args = func(c *cobra.Command, args []string) error {
				if err := check(c, args); err != nil {
					return usageError{fmt.Errorf("%w (see `%s --help`)", err, c.CommandPath())}
				}
				return nil
			}
		}
	}
}

func dirOf(command *cobra.Command) (state.Dir, error) {
	path, err := command.Flags().GetString("dir")
	if err != nil {
		return state.Dir{}, err
	}
	return state.At(path)
}
