// Command cyan takes a commit to live traffic on Kubernetes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
)

// version is set by the build.
var version = "unknown"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	streams := kit.Standard()
	showAll := hideNotices(streams.Err)
	root := newRoot(os.Args[0], streams)
	err := run(ctx, root, streams.Err)
	stop()
	showAll()
	if line := cli.Report(root, streams, err, time.Now()); line != "" {
		fmt.Fprintln(streams.Err, line)
	}
	os.Exit(kit.ExitCode(err))
}

// run carries a command out. Where it panics is printed for a report, and with what is its error.
func run(ctx context.Context, root *cobra.Command, to io.Writer) error {
	err := problem.Guard(func() error { return root.ExecuteContext(ctx) })()
	var fault *problem.Panic
	if errors.As(err, &fault) {
		fmt.Fprintf(to, "%s\n", fault.Stack)
	}
	return err
}

// newRoot makes the commands for the name that the program is called by. Running Cyan itself belongs to its own names.
func newRoot(name string, streams kit.Streams) *cobra.Command {
	return cli.New(name, version, streams, newLocalCommand, newServerCommand, newDemoCommand, newDevCommand, newSkaffoldDevCommand, newSkaffoldDebugCommand)
}
