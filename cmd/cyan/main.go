// Command cyan takes a commit to live traffic on Kubernetes.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// version is set by the build.
var version = "unknown"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	streams := kit.Standard()
	showAll := hideNotices(streams.Err)
	root := newRoot(os.Args[0], streams)
	err := root.ExecuteContext(ctx)
	stop()
	showAll()
	if line := cli.Report(root, streams, err, time.Now()); line != "" {
		fmt.Fprintln(streams.Err, line)
	}
	os.Exit(kit.ExitCode(err))
}

// newRoot makes the commands for the name that the program is called by. Running Cyan itself belongs to its own names.
func newRoot(name string, streams kit.Streams) *cobra.Command {
	return cli.New(name, version, streams, newLocalCommand, newServerCommand, newDemoCommand, newDevCommand, newSkaffoldDevCommand, newSkaffoldDebugCommand)
}
