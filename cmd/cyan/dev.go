package main

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/internal/cli/dev"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/skaffold"
	"github.com/cyan-cd/cyan/internal/controller"
	"github.com/cyan-cd/cyan/internal/devloop"
)

func newDevCommand(e *kit.Env) *cobra.Command {
	return dev.New(e, dev.Wiring{Rollouts: rollouts})
}

// newSkaffoldDevCommand is the loop as the skaffold program has it.
func newSkaffoldDevCommand(e *kit.Env) *cobra.Command {
	return skaffold.NewDev(e, skaffoldWiring)
}

// newSkaffoldDebugCommand is the same under a debugger.
func newSkaffoldDebugCommand(e *kit.Env) *cobra.Command {
	return skaffold.NewDebug(e, skaffoldWiring)
}

var skaffoldWiring = skaffold.Wiring{Lines: dev.Lines, Show: showLoop, Rollouts: rollouts, Delve: dev.Delve}

func showLoop(ctx context.Context, e *kit.Env, o devloop.Options) error {
	return dev.Show(ctx, e, o, dev.Display{})
}

// rollouts carries out the Rollouts of a namespace with an instance ID.
func rollouts(ctx context.Context, config *rest.Config, namespace, instance string, ready func()) error {
	return controller.RunRollouts(ctx, config, namespace, instance, slog.New(slog.DiscardHandler), ready)
}
