// Package skaffold has the commands about the file of a dev loop: what of it is honoured, and the parts of the skaffold
// program that need no cluster.
package skaffold

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// New makes the command skaffold of cyan.
func New(e *kit.Env, w Wiring) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "skaffold",
		Short: "Build and run what a skaffold.yaml asks for, by the commands of that program",
		Example: `  cyan skaffold check k8s/skaffold.yml -p local
  cyan skaffold run -p local`,
	}
	cmd.AddCommand(newCheck(e, "check [FILE]"))
	cmd.AddCommand(Commands(e, w)...)
	return cmd
}

// Commands makes those of the skaffold program, but for what is wired elsewhere.
func Commands(e *kit.Env, w Wiring) []*cobra.Command {
	return []*cobra.Command{newRun(e, w), newBuild(e), newDeploy(e, w), newRender(e), newApply(e, w), newDelete(e, w), newTest(e), newVerify(e, w), newDiagnose(e), newInspect(e), newConfig(e), newSchema(e)}
}
