package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/localcluster/internal/cluster"
	"github.com/cyan-cd/cyan/localcluster/internal/registry"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

func loginCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "login",
		Short: "Log docker, podman and buildah in to the cluster's registry",
		Long: `Only the owner of a cluster may push to its registry and pull from it. The cluster's nodes, "cyan local load" and the
commands of Cyan have the login by themselves; this command stores it for other programs, where "docker login" does.`,
		Example: "  cyan local login && docker push $(cyan local status -o json | jq -r .registry)/team/app:1",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := dirOf(c)
			if err != nil {
				return err
			}
			status, err := cluster.Inspect(c.Context(), dir)
			if err != nil {
				return err
			}
			if err := checkRunning(dir, status); err != nil {
				return err
			}
			account, err := registry.OpenAccount(dir.RegistryPassword())
			if err != nil {
				return err
			}
			file, err := account.Login(status.Registry)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "Logged in to %s, in %s\n", status.Registry, file)
			return nil
		},
	}
}

// checkRunning returns an error when a cluster does not run.
func checkRunning(dir state.Dir, status cluster.Status) error {
	if status.State == "running" {
		return nil
	}
	return fmt.Errorf("the cluster in %s is %s: run `cyan local up%s` first", dir.Path, status.State, dir.Flag())
}
