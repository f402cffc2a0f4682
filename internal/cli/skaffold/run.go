package skaffold

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/devloop"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// run is `skaffold run`, deploy and apply: their flags.
type run struct {
	deployment
	command     string
	statusCheck bool
	checkGiven  func() bool
	patient     bool
	given       given
}

func newOnce(e *kit.Env, w Wiring, use, short, long, example string) (*run, *cobra.Command) {
	c := &run{deployment: newDeployment(e, w)}
	c.command, _, _ = strings.Cut(use, " ")
	cmd := &cobra.Command{Use: use, Short: short, Long: long, Example: example, Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions}
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args) }
	flags := cmd.Flags()
	flags.BoolVar(&c.statusCheck, "status-check", true, "wait until what is deployed is ready")
	c.checkGiven = func() bool { return flags.Changed("status-check") }
	flags.BoolVar(&c.patient, "tolerate-failures-until-deadline", false, "go on waiting where something fails, until the deadline of the file")
	return c, cmd
}

func newRun(e *kit.Env, w Wiring) *cobra.Command {
	c, cmd := newOnce(e, w, "run", "Build the images of a skaffold.yaml, deploy them, and leave them running", `Build the images of a skaffold.yaml, deploy its manifests with them, and wait until all is ready. What runs is left; skaffold delete removes it.

Objects go to the namespace of the context, or to the one that the manifests or --namespace name. What an Application deploys is never touched.`,
		`  skaffold run -f k8s/skaffold.yml -p local
  skaffold run -n shop -d registry.example/team --tail`)
	c.bind(cmd.Flags())
	c.bindDeploy(cmd, false)
	cmd.Flags().StringSliceVarP(&c.only, "build-image", "b", nil, "build only images with this in their name; may be repeated")
	e.Idle(cmd, "images that are built are deployed by digest", "digest-source=")
	e.Idle(cmd, "what runs is left, and images are removed nowhere", "cleanup", "no-prune", "no-prune-children")
	c.idleBuild(cmd)
	return cmd
}

func newDeploy(e *kit.Env, w Wiring) *cobra.Command {
	c, cmd := newOnce(e, w, "deploy", "Deploy a skaffold.yaml with images that were built before", `Deploy the manifests of a skaffold.yaml with images that skaffold build --file-output has written to a file, or that --images names, and wait until all is ready.`,
		`  skaffold deploy -f k8s/skaffold.yml -p local -a builds.json
  skaffold deploy --images registry.example/shop:v2`)
	c.bind(cmd.Flags())
	c.bindDeploy(cmd, false)
	c.given.bind(cmd.Flags())
	e.Idle(cmd, "images are those that are given", "digest-source=")
	c.idleBuild(cmd)
	return cmd
}

func newApply(e *kit.Env, w Wiring) *cobra.Command {
	c, cmd := newOnce(e, w, "apply FILE…", "Apply manifests that were rendered before", `Apply manifests, such as skaffold render --output has written, as those of a skaffold.yaml, and wait until all is ready. Nothing is built.`,
		`  skaffold render -p local -a builds.json -o all.yaml
  skaffold apply -p local all.yaml`)
	cmd.Args, cmd.ValidArgsFunction = kit.AtLeast("FILE"), nil
	c.bind(cmd.Flags())
	c.bindDeploy(cmd, false)
	c.idleBuild(cmd)
	return cmd
}

func (c *run) run(ctx context.Context, args []string) error {
	c.files = args
	o, p, err := c.options(ctx, c.command)
	if err != nil {
		return err
	}
	once := devloop.Once{Unchecked: !c.waits(p), Patient: c.patient || p.Deploy.Tolerates, Stays: c.tail || o.Forward != devloop.ForwardOff}
	switch {
	case len(c.files) > 0:
		once.Images = map[string]string{}
	case c.command == "deploy":
		if once.Images, err = c.given.refs(p.Artifacts); err != nil {
			return err
		}
	}
	o.Report = c.Lines(c.Out, o.Root)
	return devloop.Deploy(ctx, o, once)
}

// waits reports whether what is deployed is waited for.
func (c *run) waits(p skaffold.Project) bool {
	if c.checkGiven() {
		return c.statusCheck
	}
	return p.Deploy.StatusCheck
}
