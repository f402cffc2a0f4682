package manifests

import (
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/spec"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/validate"
)

type command struct {
	*kit.Env
	root, output string
	validate     bool
	spec         *spec.Flags
	schemas      Schemas
}

// New makes the command render.
func New(e *kit.Env) *cobra.Command {
	o := &command{Env: e}
	cmd := &cobra.Command{
		Use:   "render [PATH|-]",
		Short: "Render a local directory as Cyan would, check it, and print it",
		Long: `Render a local directory as Cyan would: a kustomization, or plain manifests. What the API server would refuse is shown with file and line, and
nothing is printed then. PATH may be a file, and - is standard input. No cluster is needed.

A custom kind is known by its CustomResourceDefinition: among the objects, anywhere in the git work tree, or in a folder that --schema-location
names.`,
		Example: `  cyan render k8s/overlays/local
  cyan render k8s --directory-recurse -o all.yaml
  cyan render k8s --schema-location ../crds --skip ServiceMonitor
  helm template shop | cyan render -
  cyan render k8s --kustomize-image shop=registry.example/shop:v2 | kubectl apply -f -`,
		Args: kit.AtMost(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(_ *cobra.Command, args []string) error {
			path := "."
			if len(args) > 0 {
				path = args[0]
			}
			return o.run(path)
		},
	}
	cmd.Flags().StringVar(&o.root, "root", "", "the directory that nothing outside is read of; the git work tree around PATH, or the working directory, if not given")
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "write to this file")
	cmd.Flags().BoolVar(&o.validate, "validate", true, "refuse what the API server would refuse")
	o.schemas.AddTo(cmd.Flags())
	o.spec = spec.NewRender(cmd)
	return cmd
}

func (o *command) run(path string) error {
	app := &v1alpha1.Application{}
	if _, err := o.spec.Apply(app); err != nil {
		return err
	}
	source := v1alpha1.ApplicationSource{}
	if sources := app.Spec.GetSources(); len(sources) > 0 {
		source = sources[0]
	}
	known, err := o.schemas.Known("")
	if err != nil {
		return err
	}
	result, err := o.render(path, source)
	if err != nil {
		return err
	}
	for _, file := range result.Overrides {
		o.Note("%s is merged over the source", file)
	}
	for _, w := range result.Warnings {
		o.Note("warning: %s", w.Message)
	}
	if o.validate {
		found, err := o.check(path, result.Objects, known)
		if err == nil {
			err = Findings(path, found)
		}
		if err != nil {
			return err
		}
		for _, f := range validate.Beside(result, known) {
			o.Note("warning: %s", f.Error)
		}
	}
	data, err := render.Encode(result.Objects)
	if err != nil {
		return fmt.Errorf("encoding what %s renders to: %w", path, err)
	}
	if o.output == "" || o.output == "-" {
		return o.Show(string(data))
	}
	if err := os.WriteFile(o.output, data, 0o644); err != nil {
		return &problem.Error{Kind: problem.Refused, Object: "--output " + o.output, Cause: err.Error(), Err: err}
	}
	o.Note("%d objects written to %s", len(result.Objects), o.output)
	return nil
}

func (o *command) render(path string, source v1alpha1.ApplicationSource) (*render.Result, error) {
	if path == "-" {
		return Stream(o.In, render.Options{})
	}
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		return File(path)
	}
	return Directory(o.root, path, source, render.Options{})
}

// check validates what a path renders to. Definitions of custom kinds are looked for in the whole work tree.
func (o *command) check(path string, objects []render.Rendered, known *validate.Known) (found []*problem.Error, err error) {
	if path == "-" {
		return validate.Check(objects, known), nil
	}
	err = open(o.root, path, func(tree fs.FS, _ string) error {
		found = validate.CheckIn(tree, objects, known)
		return nil
	})
	return found, err
}

// Findings makes an error of what validation found; nil when that is nothing.
func Findings(what string, found []*problem.Error) error {
	if len(found) == 0 {
		return nil
	}
	lines := make([]string, len(found))
	for i, f := range found {
		lines[i] = "  " + f.Error()
	}
	noun := "problems"
	if len(found) == 1 {
		noun = "problem"
	}
	no := &problem.Error{Kind: problem.Negative, Object: what, Cause: fmt.Sprintf("%d %s:\n%s", len(found), noun, strings.Join(lines, "\n"))}
	no.Cause += HintOfKinds(no.Cause)
	return no
}

// HintOfKinds returns a line on what to do where findings are of kinds that are unknown; empty where none is.
func HintOfKinds(findings string) string {
	if !strings.Contains(findings, ": unknown kind ") {
		return ""
	}
	return "\nA kind that is defined elsewhere is known by --schema-location FOLDER, or allowed by --skip KIND."
}
