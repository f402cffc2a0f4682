// Package kustomize is the commands of the kustomize program that people call in scripts: build, edit set image and
// edit fix.
package kustomize

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/manifests"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/kustomize"
)

// The values of --load-restrictor and --reorder.
const (
	rootOnly     = "LoadRestrictionsRootOnly"
	unrestricted = "LoadRestrictionsNone"
	legacyOrder  = "legacy"
	noOrder      = "none"
)

const (
	noPlugins = "plugins and functions are not run: commit what they make"
	noCharts  = "charts are not rendered yet: commit what `helm template` makes"
)

// Commands are build and edit.
func Commands(e *kit.Env) []*cobra.Command {
	return []*cobra.Command{newBuild(e), newEdit(e)}
}

type build struct {
	*kit.Env
	output, restrictor, order string
}

func newBuild(e *kit.Env) *cobra.Command {
	b := &build{Env: e}
	cmd := &cobra.Command{
		Use:   "build [DIR]",
		Short: "Build a kustomization, and print its objects",
		Long:  "Build a kustomization, and print its objects. What it is built on may be anywhere on this machine; nothing is fetched, and nothing is executed.",
		Example: `  kustomize build k8s/overlays/local | kubeval --strict
  kustomize build k8s/overlays/local -o all.yaml
  kustomize build --load-restrictor LoadRestrictionsNone k8s | kubectl apply -f -`,
		Args: kit.AtMost(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			return b.run(dir)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&b.output, "output", "o", "", "write to this file, or a file for each object into this folder")
	f.StringVar(&b.restrictor, "load-restrictor", rootOnly, "whether files may be outside of the kustomization's folder: "+unrestricted+" or "+rootOnly)
	f.StringVar(&b.order, "reorder", legacyOrder, "order of the objects: legacy (namespaces first, webhooks last) or none; sortOptions of the kustomization come first")
	e.Idle(cmd, noCharts, "enable-helm", "helm-command=", "helm-api-versions=", "helm-kube-version=", "helm-debug")
	e.Idle(cmd, noPlugins, "enable-alpha-plugins", "enable-exec", "enable-star", "network", "network-name=", "mount=", "e,env=", "as-current-user")
	e.Idle(cmd, "identifiers are kept consistent anyway", "allow-id-changes")
	// Before version 4, flags had underscores.
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(strings.ReplaceAll(name, "_", "-"))
	})
	return cmd
}

// elsewhere matches what the kustomize program would fetch.
var elsewhere = regexp.MustCompile(`(?i)^([a-z][a-z0-9+.-]*://|https?:|github\.com[/:]|gh:|git::|[a-z][a-z0-9-]*@)`)

func (b *build) settings() (render.Settings, error) {
	settings := render.Settings{}
	switch b.restrictor {
	case unrestricted, "none":
		settings.AnyFile = true
	case rootOnly, "":
	default:
		return settings, kit.Usage("--load-restrictor", fmt.Sprintf("unknown value %q", b.restrictor), "give "+unrestricted+" or "+rootOnly)
	}
	switch b.order {
	case noOrder:
		settings.Unsorted = true
	case legacyOrder:
	default:
		return settings, kit.Usage("--reorder", fmt.Sprintf("unknown value %q", b.order), "give legacy or none")
	}
	return settings, nil
}

func (b *build) run(dir string) error {
	settings, err := b.settings()
	if err != nil {
		return err
	}
	switch info, err := os.Stat(dir); {
	case err != nil && elsewhere.MatchString(dir):
		return kit.Usage("kustomization "+dir, "in another repository, and nothing is fetched", "clone the repository, and build its folder; `cyan validate --repo URL --revision REV --path DIR` checks one without a clone")
	case err != nil:
		return kit.Usage("kustomization "+dir, "not found", "name a folder that has a kustomization.yaml")
	case !info.IsDir():
		return kit.Usage("kustomization "+dir, "a file", "name the folder that it is in")
	}
	result, err := manifests.Build(dir, settings)
	if err != nil {
		return err
	}
	for _, w := range result.Warnings {
		b.Note("warning: %s", w.Message)
	}
	if info, err := os.Stat(b.output); err == nil && info.IsDir() {
		return writeEach(b.output, result.Objects)
	}
	data, err := render.Encode(result.Objects)
	switch {
	case err != nil:
		return fmt.Errorf("encoding what %s is built to: %w", dir, err)
	case b.output == "":
		return b.Data(string(data))
	}
	return writeFile(b.output, data)
}

func writeEach(folder string, objects []render.Rendered) error {
	for i, name := range kustomize.FileNames(objects) {
		data, err := render.Encode(objects[i : i+1])
		if err != nil {
			return fmt.Errorf("encoding %s: %w", name, err)
		}
		if err := writeFile(filepath.Join(folder, name), data); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(name string, data []byte) error {
	if err := os.WriteFile(name, data, 0o644); err != nil {
		return &problem.Error{Kind: problem.Refused, Object: "--output " + name, Cause: err.Error(), Err: err}
	}
	return nil
}
