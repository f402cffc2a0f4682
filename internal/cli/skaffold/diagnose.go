package skaffold

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
)

// diagnose is `skaffold diagnose`: its flags.
type diagnose struct {
	check
	yamlOnly bool
	output   string
}

func newDiagnose(e *kit.Env) *cobra.Command {
	c := &diagnose{check: check{project: project{Env: e}, command: "diagnose"}}
	cmd := &cobra.Command{
		Use:   "diagnose",
		Short: "Show what a skaffold.yaml comes to, and what of it is honoured",
		Example: `  skaffold diagnose -f k8s/skaffold.yml -p local
  skaffold diagnose --yaml-only`,
		Args:              kit.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(*cobra.Command, []string) error { return c.diagnose() },
	}
	c.bind(cmd.Flags())
	cmd.Flags().BoolVar(&c.yamlOnly, "yaml-only", false, "print the modules with their profiles applied, as the newest version writes them")
	cmd.Flags().StringVarP(&c.output, "output", "o", "", "write them to this file")
	e.Idle(cmd, "templates are carried out where they are used", "enable-templating")
	return cmd
}

func (c *diagnose) diagnose() error {
	if !c.yamlOnly {
		return c.run()
	}
	result, err := c.read(c.command)
	if err != nil {
		return err
	}
	if err := wrong(result.Findings); err != nil {
		return err
	}
	if c.output == "" {
		return c.Data(result.Effective)
	}
	if err := os.WriteFile(c.output, []byte(result.Effective), 0o644); err != nil {
		return &problem.Error{Kind: problem.Refused, Object: "--output " + c.output, Cause: err.Error(), Err: err}
	}
	return nil
}
