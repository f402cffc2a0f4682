// Command cyan takes a commit to live traffic on Kubernetes.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli"
)

// version is set by the build.
var version = "unknown"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := newRoot(os.Args[0]).ExecuteContext(ctx)
	stop()
	if message := cli.Message(err); message != "" {
		fmt.Fprintln(os.Stderr, message)
	}
	os.Exit(cli.ExitCode(err))
}

// newRoot makes the commands for the name that the program is called by. Running Cyan itself belongs to its own names.
func newRoot(name string) *cobra.Command {
	root := cli.New(name, version, cli.Standard())
	if cli.Native(name) {
		for _, cmd := range []*cobra.Command{newLocalCommand(), newServerCommand(), newDemoCommand()} {
			cmd.GroupID = cli.GroupRun
			root.AddCommand(cmd)
		}
		deliver := newDeliveryCommand()
		deliver.GroupID = cli.GroupDeliver
		root.AddCommand(deliver)
	}
	return root
}
