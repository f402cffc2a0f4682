package skaffold

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
)

// build is `skaffold build`: its flags.
type build struct {
	builder
	fileOutput, output string
	quiet, dryRun      bool
}

func newBuild(e *kit.Env) *cobra.Command {
	c := &build{builder: builder{project: project{Env: e}}}
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Build the images of a skaffold.yaml, and push them",
		Long: `Build the images of a skaffold.yaml, those that others depend on first, and push them by their names or below --default-repo.

A Go program whose Dockerfile runs nothing but go build is built in this process; anything else by the first of BuildKit, Docker, podman, buildah and nerdctl
that answers.`,
		Example: `  skaffold build -f k8s/skaffold.yml -p local -d localhost:5000
  skaffold build -d registry.example/team --file-output builds.json
  skaffold build -q -o json --dry-run`,
		Args:              kit.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	c.bind(flags)
	flags.BoolVar(&c.push, "push", true, "push the images (default: unless build.local.push is false and no --default-repo is given)")
	c.pushGiven = func() bool { return flags.Changed("push") }
	flags.StringSliceVarP(&c.only, "build-image", "b", nil, "build only images with this in their name; may be repeated")
	flags.StringVar(&c.fileOutput, "file-output", "", "write the images to this file, for `skaffold render -a`")
	flags.StringVarP(&c.output, "output", "o", "", "print the images: json, or a template such as '{{json .}}'")
	flags.BoolVarP(&c.quiet, "quiet", "q", false, "print the output alone")
	flags.BoolVar(&c.dryRun, "dry-run", false, "print what would be built")
	c.idleBuild(cmd)
	return cmd
}

// write writes the images to the file that was asked for.
func (c *build) write(builds Builds) error {
	if c.fileOutput == "" || c.dryRun {
		return nil
	}
	data, err := json.Marshal(builds)
	if err == nil {
		err = os.WriteFile(c.fileOutput, data, 0o644)
	}
	if err != nil {
		return &problem.Error{Kind: problem.Refused, Object: "--file-output " + c.fileOutput, Cause: err.Error(), Err: err}
	}
	return nil
}

func (c *build) run(ctx context.Context) error {
	format, err := formatOf(c.output)
	if err != nil {
		return err
	}
	if c.dryRun {
		// Nothing is done that there has to be consent for.
		c.consent.given = nil
	}
	p, err := c.sound("build")
	if err != nil {
		return err
	}
	c.show = !c.quiet
	asked := c.Config
	if c.dryRun || c.keepsAll() {
		asked = noCluster
	}
	if err := c.findRegistry(ctx, asked); err != nil {
		return err
	}
	builds, err := c.all(ctx, p, c.dryRun)
	if err != nil {
		return err
	}
	if err := c.write(builds); err != nil {
		return err
	}
	if format != nil {
		var out bytes.Buffer
		if err := format.Execute(&out, builds); err != nil {
			return kit.Usage("--output", err.Error(), "write a template over .Builds, each with .Image and .Tag, or json")
		}
		return c.Data(strings.TrimSuffix(out.String(), "\n") + "\n")
	}
	if c.quiet {
		return nil
	}
	var lines []string
	for _, b := range builds.Builds {
		lines = append(lines, b.Image+" -> "+b.Tag)
	}
	return c.SayAll(lines)
}
