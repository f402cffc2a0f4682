package parts

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"syscall"

	"github.com/cyan-cd/cyan/localcluster/internal/simnodes"
)

// runNodes moves pods through their phases, and runs none of them.
func runNodes() error {
	flags := flag.NewFlagSet(Nodes, flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "how to reach the API server")
	count := flags.Int("count", 1, "how many nodes there are")
	besideReal := flags.Bool("beside-real", false, "whether there is a real node as well")
	_ = flags.Parse(os.Args[1:])
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	beside := simnodes.Nothing
	if *besideReal {
		beside = simnodes.RealNode
	}
	return simnodes.Run(ctx, *kubeconfig, *count, beside)
}
