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
	return dev.New(e, dev.Wiring{Rollouts: rollouts, Show: showLoop})
}

// newSkaffoldDevCommand is the loop as the skaffold program has it.
func newSkaffoldDevCommand(e *kit.Env) *cobra.Command {
	return skaffold.NewDev(e, skaffoldWiring)
}

// newSkaffoldDebugCommand is the same under a debugger.
func newSkaffoldDebugCommand(e *kit.Env) *cobra.Command {
	return skaffold.NewDebug(e, skaffoldWiring)
}

var skaffoldWiring = skaffold.Wiring{Lines: dev.Lines, Show: showLoopOfSkaffold, Rollouts: rollouts, Delve: dev.Delve}

func showLoopOfSkaffold(ctx context.Context, e *kit.Env, o devloop.Options) error {
	return showLoop(ctx, e, o, dev.Display{})
}

// showLoop runs a loop and shows it. What it needs while it builds is returned to the system once it waits.
func showLoop(ctx context.Context, e *kit.Env, o devloop.Options, how dev.Display) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	go func() { _ = controller.ReturnMemory(ctx) }()
	return dev.Show(ctx, e, o, how)
}

// rollouts carries out the Rollouts of a namespace with an instance ID.
func rollouts(ctx context.Context, config *rest.Config, namespace, instance string, ready func()) error {
	return controller.RunRollouts(ctx, config, namespace, instance, slog.New(slog.DiscardHandler), ready)
}
