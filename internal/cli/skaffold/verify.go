package skaffold

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/devloop"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// verify is `skaffold verify`: its flags.
type verify struct {
	deployment
	given given
}

func newVerify(e *kit.Env, w Wiring) *cobra.Command {
	c := &verify{deployment: newDeployment(e, w)}
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Run the containers of a skaffold.yaml that judge what is deployed",
		Long: `Run the containers that verify of a skaffold.yaml names, all at once, each as a Job of the namespace, and print what they print. One that ends with another code than 0
has not passed. Containers beside it count for nothing, and the Jobs are removed.`,
		Example: `  skaffold verify -f skaffold.yaml -n shop
  skaffold verify -a builds.json                  # with images that skaffold build has built`,
		Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	c.project.bind(flags)
	c.bindPlace(flags)
	c.given.bind(flags)
	e.Idle(cmd, "images are those that are given", "default-repo=", "t,tag=", "load-images", "build-concurrency=")
	e.Idle(cmd, "nothing is deployed", "status-check", "tail", "l,label=", "iterative-status-check", "port-forward=")
	return cmd
}

func (c *verify) run(ctx context.Context) error {
	p, err := c.sound("verify")
	if err != nil {
		return err
	}
	if len(p.Verifications) == 0 {
		return &problem.Error{Kind: problem.Usage, Object: orElse(p.File, "folder"), Cause: "nothing to verify", Remedy: "write verify with a name and a container, or choose a profile or module that has it"}
	}
	v := devloop.Verifier{Tree: c.tree, Line: func(name, text string) { c.Note("[%s] %s", name, text) }}
	if v.Images, err = c.given.refs(verified(p)); err != nil {
		return err
	}
	c.take(p.Deploy.KubeContext)
	config, err := c.Config()
	if err != nil {
		return err
	}
	if v.Namespace = c.namespace; v.Namespace == "" {
		if v.Namespace, err = c.Kube.Namespace(); err != nil {
			return err
		}
	}
	if v.Clients, err = kubernetes.NewForConfig(config); err != nil {
		return fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	if err := v.Run(ctx, p.Verifications); err != nil {
		return err
	}
	return c.Say(counted(len(p.Verifications), "verification") + " passed")
}

// verified are the images of a project that its verifications run.
func verified(p skaffold.Project) []skaffold.Artifact {
	return slices.DeleteFunc(slices.Clone(p.Artifacts), func(a skaffold.Artifact) bool {
		return !slices.ContainsFunc(p.Verifications, func(v skaffold.Verification) bool { return bare(v.Image) == bare(a.Image) })
	})
}
