package kustomize

import (
	"bytes"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/manifests"
	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/problem"
)

func newEdit(e *kit.Env) *cobra.Command {
	edit := &cobra.Command{Use: "edit", Short: "Edit the kustomization of this folder"}
	set := &cobra.Command{Use: "set", Short: "Set a field of the kustomization"}
	set.AddCommand(&cobra.Command{
		Use:   "image [NAME=]IMAGE[:TAG][@DIGEST]…",
		Short: "Set images, their tags and digests",
		Long:  "Set images, their tags and digests, in entries of images. Only the lines concerned change. A *, in quotes, stands for what the entry has.",
		Example: `  kustomize edit set image app=registry.example/shop:v2
  kustomize edit set image registry.example/shop:v2
  kustomize edit set image 'app=*:v2'`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(_ *cobra.Command, args []string) error { return setImages(args) },
	})
	edit.AddCommand(set, newFix(e))
	return edit
}

func newFix(e *kit.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "fix",
		Short:             "Write deprecated fields as those that replace them",
		Long:              "Write deprecated fields as those that replace them, where what is built stays the same. Only the lines concerned change. `cyan validate --fix` does so in all kustomizations that one is built on.",
		Example:           "  kustomize edit fix",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(*cobra.Command, []string) error { return fix(e) },
	}
	e.Idle(cmd, "what a var is copied to is not known: write replacements", "vars")
	return cmd
}

// fix edits the kustomization of the working directory, and names what it has done and left.
func fix(e *kit.Env) error {
	name, before, err := kustomization()
	if err != nil {
		return err
	}
	fixed, err := manifests.FixKustomization(name, before)
	if err != nil {
		return err
	}
	for _, line := range slices.Concat(fixed.Done, fixed.Left) {
		e.Note("%s: %s", name, line)
	}
	return write(name, before, fixed.Data)
}

// write writes a kustomization in place, so that its mode and the links to it stay.
func write(name string, before, data []byte) error {
	if bytes.Equal(data, before) {
		return nil
	}
	if err := os.WriteFile(name, data, 0o600); err != nil {
		return &problem.Error{Kind: problem.Refused, Object: name, Cause: err.Error(), Err: err}
	}
	return nil
}

// setImages edits the kustomization of the working directory, all at once or not at all.
func setImages(args []string) error {
	name, before, err := kustomization()
	if err != nil {
		return err
	}
	data := before
	for _, arg := range args {
		entry, err := image.ParseEntry(arg)
		if err == nil {
			data, err = image.SetEntry(data, entry)
		}
		if err != nil {
			return &problem.Error{Kind: problem.Usage, Object: name, Cause: err.Error(), Err: err}
		}
	}
	return write(name, before, data)
}

// kustomization reads the one of the working directory.
func kustomization() (name string, data []byte, err error) {
	for _, name := range delivery.KustomizationNames() {
		data, err := os.ReadFile(name)
		if err == nil || !os.IsNotExist(err) {
			return name, data, err
		}
	}
	return "", nil, kit.Usage("kustomization", "no kustomization.yaml, kustomization.yml or Kustomization in this folder", "call it in the folder that has one")
}
