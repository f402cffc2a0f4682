package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/internal/cli/dev"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/skaffold"
	"github.com/cyan-cd/cyan/internal/controller"
)

func newDevCommand(e *kit.Env) *cobra.Command {
	return dev.New(e, dev.Wiring{Rollouts: rollouts, Registry: localRegistry})
}

// newSkaffoldDevCommand is the loop as the skaffold program has it.
func newSkaffoldDevCommand(e *kit.Env) *cobra.Command {
	return skaffold.NewDev(e, skaffold.Wiring{Lines: dev.Lines, Rollouts: rollouts})
}

// rollouts carries out the Rollouts of a namespace with an instance ID.
func rollouts(ctx context.Context, config *rest.Config, namespace, instance string, ready func()) error {
	return controller.RunRollouts(ctx, config, namespace, instance, slog.New(slog.DiscardHandler), ready)
}

// localRegistry returns the registry of the local cluster that a kubeconfig is of: it is in the cluster's folder.
func localRegistry(ctx context.Context, kubeconfig string) (string, error) {
	program, err := findLocalProgram()
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, program, "status", "--dir", filepath.Dir(kubeconfig), "-o", "json").Output()
	if err != nil {
		return "", fmt.Errorf("asking for the local cluster in %s: %w", filepath.Dir(kubeconfig), err)
	}
	var status struct{ Registry string }
	if err := json.Unmarshal(out, &status); err != nil {
		return "", fmt.Errorf("reading the status of the local cluster in %s: %w", filepath.Dir(kubeconfig), err)
	}
	return status.Registry, nil
}
