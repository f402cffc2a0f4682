package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
	"github.com/cyan-cd/cyan/internal/validate"
)

type renderCommand struct {
	*env
	root, output string
	validate     bool
	spec         *specFlags
}

func newRenderCommand(e *env) *cobra.Command {
	o := &renderCommand{env: e}
	cmd := &cobra.Command{
		Use:   "render [PATH]",
		Short: "Render a local directory as Cyan would, check it, and print it",
		Long: `Render a local directory as Cyan would: a kustomization, or plain manifests. What the API server would refuse is told with file and line, and
nothing is printed then. No cluster is needed.`,
		Example: `  cyan render k8s/overlays/local
  cyan render k8s --directory-recurse -o all.yaml
  cyan render k8s --kustomize-image shop=registry.example/shop:v2 | kubectl apply -f -`,
		Args: cobra.MaximumNArgs(1),
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
	o.spec = &specFlags{set: cmd.Flags()}
	o.spec.kustomize()
	o.spec.directory()
	return cmd
}

func (o *renderCommand) run(path string) error {
	app := &v1alpha1.Application{}
	if _, err := o.spec.changed(app); err != nil {
		return err
	}
	source := v1alpha1.ApplicationSource{}
	if app.Spec.Source != nil {
		source = *app.Spec.Source
	}
	result, err := renderDirectory(o.root, path, source, render.Options{})
	if err != nil {
		return err
	}
	for _, w := range result.Warnings {
		o.note("warning: %s", w.Message)
	}
	if o.validate {
		if err := findings(path, validate.Check(result.Objects, nil)); err != nil {
			return err
		}
	}
	data, err := render.Encode(result.Objects)
	if err != nil {
		return fmt.Errorf("encoding what %s renders to: %w", path, err)
	}
	if o.output == "" || o.output == "-" {
		return o.show(string(data))
	}
	if err := os.WriteFile(o.output, data, 0o644); err != nil {
		return &Trouble{Problem: "writing the result: " + err.Error(), Code: codeGeneric, cause: err}
	}
	o.note("%d objects written to %s", len(result.Objects), o.output)
	return nil
}

// findings makes an error of what validation found; nil when that is nothing.
func findings(what string, found []validate.Finding) error {
	if len(found) == 0 {
		return nil
	}
	lines := make([]string, len(found))
	for i, f := range found {
		lines[i] = "  " + f.String()
	}
	noun := "problems"
	if len(found) == 1 {
		noun = "problem"
	}
	return &Trouble{Problem: fmt.Sprintf("%s has %d %s:\n%s", what, len(found), noun, strings.Join(lines, "\n")), Code: codeNo}
}

// renderLocal renders a local directory with an Application's options.
func renderLocal(path string, app *v1alpha1.Application) ([]render.Rendered, error) {
	source := v1alpha1.ApplicationSource{}
	if app.Spec.Source != nil {
		source = *app.Spec.Source
	}
	result, err := renderDirectory("", path, source, render.Options{Namespace: app.Spec.Destination.Namespace, Env: buildEnvironment(app, "")})
	return result.Objects, err
}

// renderDirectory renders a directory on disk; root bounds what is read.
func renderDirectory(root, path string, source v1alpha1.ApplicationSource, options render.Options) (*render.Result, error) {
	top, inside, err := bounds(root, path)
	if err != nil {
		return &render.Result{}, err
	}
	disk, err := os.OpenRoot(top)
	if err != nil {
		return &render.Result{}, &Trouble{Problem: "reading " + top + ": " + err.Error(), Code: codeUsage, cause: err}
	}
	defer func() { _ = disk.Close() }()
	source.Path = inside
	result, err := renderers.Render(disk.FS(), source, options)
	if err != nil {
		return result, &Trouble{Problem: "rendering " + path + ": " + err.Error(), Code: codeNo, cause: err}
	}
	return result, nil
}

// bounds finds the directory that nothing outside is read of, and path within it.
func bounds(root, path string) (top, inside string, err error) {
	full, err := filepath.Abs(path)
	if err == nil {
		full, err = filepath.EvalSymlinks(full)
	}
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return "", "", &Trouble{Problem: "there is no directory " + path, Code: codeUsage, cause: err}
		}
		return "", "", err
	}
	if top = root; top == "" {
		top = enclosing(full)
	}
	if top, err = filepath.Abs(top); err == nil {
		top, err = filepath.EvalSymlinks(top)
	}
	if err != nil {
		return "", "", &Trouble{Problem: "--root: " + err.Error(), Code: codeUsage, cause: err}
	}
	inside, err = filepath.Rel(top, full)
	if err != nil || !filepath.IsLocal(inside) {
		return "", "", &Trouble{Problem: path + " is not below " + top, Remedy: "give another --root", Code: codeUsage, cause: err}
	}
	return top, filepath.ToSlash(inside), nil
}

// enclosing is the git work tree that a directory is in, or the working directory when it is below that, or itself.
func enclosing(full string) string {
	for dir := full; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	if here, err := os.Getwd(); err == nil {
		if inside, err := filepath.Rel(here, full); err == nil && filepath.IsLocal(inside) {
			return here
		}
	}
	return full
}

// buildEnvironment are the variables that a source may ask for, by the names that existing manifests use.
func buildEnvironment(app *v1alpha1.Application, revision string) map[string]string {
	env := map[string]string{
		"ARGOCD_APP_NAME": app.Name, "ARGOCD_APP_NAMESPACE": app.Spec.Destination.Namespace, "ARGOCD_APP_PROJECT_NAME": app.Spec.Project,
		"ARGOCD_APP_REVISION": revision,
	}
	if len(revision) == 40 {
		env["ARGOCD_APP_REVISION_SHORT"], env["ARGOCD_APP_REVISION_SHORT_8"] = revision[:7], revision[:8]
	}
	if s := app.Spec.Source; s != nil {
		env["ARGOCD_APP_SOURCE_PATH"], env["ARGOCD_APP_SOURCE_REPO_URL"], env["ARGOCD_APP_SOURCE_TARGET_REVISION"] = s.Path, s.RepoURL, s.TargetRevision
	}
	return env
}
