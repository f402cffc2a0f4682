package skaffold

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/devloop"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// test is `skaffold test`: its flags.
type test struct {
	project
	given given
}

func newTest(e *kit.Env) *cobra.Command {
	c := &test{project: project{Env: e}}
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Run the tests of a skaffold.yaml on images that were built before",
		Example: `  skaffold build --file-output builds.json --skip-tests
  skaffold test -a builds.json`,
		Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	c.bind(flags)
	c.consent.Bind(flags)
	c.given.bind(flags)
	e.Idle(cmd, "images are those that are given", "d,default-repo=", "t,tag=", "build-concurrency=", "n,namespace=", "l,label=")
	return cmd
}

func (c *test) run(ctx context.Context) error {
	p, err := c.sound("test")
	if err != nil {
		return err
	}
	var tested []skaffold.Artifact
	count := 0
	for _, a := range p.Artifacts {
		if len(a.Tests) > 0 {
			tested, count = append(tested, a), count+len(a.Tests)
		}
	}
	if count == 0 {
		return &problem.Error{Kind: problem.Usage, Object: orElse(p.File, "folder"), Cause: "no tests to run", Remedy: "write test with an image and a command of custom, agree to it with --trust-hooks, or choose a profile that has one"}
	}
	refs, err := c.given.refs(tested)
	if err != nil {
		return err
	}
	for _, a := range tested {
		if err := devloop.TestImage(ctx, c.root, a, refs[desired.Name(a.Image)], func(line string) { c.Note("  %s", line) }); err != nil {
			return err
		}
	}
	return c.Say(counted(count, "test") + " passed")
}
