package skaffold

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// check is `cyan skaffold check`: its flags.
type check struct {
	project
	out     kit.Format
	command string
}

func newCheck(e *kit.Env, use string) *cobra.Command {
	c := &check{project: project{Env: e}}
	cmd := &cobra.Command{
		Use:   use,
		Short: "What is honoured of a skaffold.yaml or cyan.yaml, what is not, and why",
		Long: `What is honoured of a skaffold.yaml or cyan.yaml, what is not, and why, each with its line. Nothing is built, and no cluster is needed.

It ends with 1 when something has to be corrected before anything can be built: an unknown field, a path that leads nowhere, an image that is built under
another name than the one that is deployed.`,
		Example: `  cyan skaffold check                            # skaffold.yaml or cyan.yaml here, or what is found without
  cyan skaffold check k8s/skaffold.yml -p local
  cyan skaffold check --command build -o json`,
		Args: kit.AtMost(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				c.file = args[0]
			}
			return c.run()
		},
	}
	c.bind(cmd.Flags())
	cmd.Flags().StringVar(&c.command, "command", "dev", "the command whose profiles activate themselves")
	c.out.Bind(cmd, kit.JSON, kit.YAML)
	return cmd
}

func (c *check) run() error {
	if err := c.out.Check(); err != nil {
		return err
	}
	result, err := c.read(c.command)
	if err != nil {
		return err
	}
	return Show(c.Env, result, c.out)
}

// Show prints how a project was read. It is an error when something has to be corrected.
func Show(e *kit.Env, result skaffold.Result, out kit.Format) error {
	if out.Machine() {
		if err := e.Dump(result, out.Value); err != nil {
			return err
		}
	} else if err := e.SayAll(page(result)); err != nil {
		return err
	}
	if found := skaffold.Errors(result.Findings); len(found) > 0 {
		return &problem.Error{Kind: problem.Negative, Object: cmp.Or(result.Project.File, "folder"), Cause: counted(len(found), "place") + " to be corrected before anything is built"}
	}
	return nil
}

func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// page is what people read: what is done, then what of the file is honoured, and what is not.
func page(r skaffold.Result) []string {
	lines := summary(r.Project)
	sections := []struct {
		title string
		rows  []string
	}{
		{"Honoured:", written(r.Written)},
		{"Done in another way, or to be known:", found(r.Findings, skaffold.Note)},
		{"Not honoured:", found(r.Findings, skaffold.Warning)},
		{"To be corrected:", found(r.Findings, skaffold.Error)},
	}
	for _, s := range sections {
		if len(s.rows) > 0 {
			lines = append(append(lines, "", s.title), s.rows...)
		}
	}
	return lines
}

// summary is what the project comes to.
func summary(p skaffold.Project) []string {
	lines := []string{"Project " + p.Name + from(p.File)}
	for _, profile := range p.Profiles {
		lines = append(lines, fmt.Sprintf("  profile    %s (%s)", profile.Name, profile.Reason))
	}
	for _, a := range p.Artifacts {
		lines = append(lines, "  image      "+a.Image+", "+built(a))
	}
	for _, k := range p.Manifests.Kustomize {
		lines = append(lines, "  manifests  the kustomization "+k.Path+into(k.Namespace))
	}
	for _, raw := range p.Manifests.Raw {
		lines = append(lines, "  manifests  "+raw.Pattern+into(raw.Namespace))
	}
	for _, f := range p.Forwards {
		lines = append(lines, fmt.Sprintf("  forward    %s/%s, port %s%s", f.Type, f.Name, f.Port, into(f.Namespace)))
	}
	return lines
}

func from(file string) string {
	if file == "" {
		return ", as it was found in the folder"
	}
	return ", of " + file
}

func into(namespace string) string {
	if namespace == "" {
		return ""
	}
	return " in namespace " + namespace
}

func built(a skaffold.Artifact) string {
	switch {
	case a.Docker != nil && a.Docker.Target != "":
		return fmt.Sprintf("of stage %s of %s, with what is in %s", a.Docker.Target, a.Docker.Dockerfile, a.Context)
	case a.Docker != nil:
		return fmt.Sprintf("of %s, with what is in %s", a.Docker.Dockerfile, a.Context)
	case a.Go != nil:
		return fmt.Sprintf("of the Go package %s in %s", cmp.Or(a.Go.Main, "./..."), a.Go.Dir)
	}
	if a.Custom != nil {
		return fmt.Sprintf("by %s, in %s", a.Custom.Command, a.Context)
	}
	return "which is not built here"
}

// written lists what is honoured. A field is left out when it only leads to those below it.
func written(all []skaffold.Written) []string {
	var rows []string
	for i, w := range all {
		leads := i+1 < len(all) && (strings.HasPrefix(all[i+1].Path, w.Path+".") || strings.HasPrefix(all[i+1].Path, w.Path+"["))
		if w.Verdict != skaffold.Honoured || leads && w.Words == "" {
			continue
		}
		row := fmt.Sprintf("  %s:%d: %s", w.File, w.Line, w.Path)
		if w.Words != "" {
			row += ": " + w.Words
		}
		rows = append(rows, row)
	}
	return rows
}

func found(all []skaffold.Finding, severity skaffold.Severity) []string {
	var rows []string
	for _, f := range all {
		if f.Severity == severity {
			rows = append(rows, "  "+f.String())
		}
	}
	return rows
}
