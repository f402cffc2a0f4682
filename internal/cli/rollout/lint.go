package rollout

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/manifests"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/rollout/strategy"
	"github.com/cyan-cd/cyan/internal/settings"
	"github.com/cyan-cd/cyan/internal/validate"
)

func newLint(e *kit.Env) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:               "lint -f FILE",
		Short:             "Check Rollouts in a file or directory, without a cluster",
		Example:           "  cyan rollout lint -f k8s/rollout.yaml",
		Args:              kit.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return kit.Usage(cmd.CommandPath(), "the file is missing", "give it with --filename")
			}
			objects, err := readManifests(file)
			if err != nil {
				return err
			}
			objects = slices.DeleteFunc(objects, ofOperators)
			var found []*problem.Error
			if len(objects) > 0 {
				found = validate.Check(objects, nil)
			}
			rollouts := 0
			for _, o := range objects {
				if o.Object.GroupVersionKind().GroupKind() == v1alpha1.GroupVersion.WithKind(v1alpha1.RolloutKind).GroupKind() {
					rollouts++
					found = append(found, lint(o)...)
					misspelt, unserved := unservedOf(o)
					found = append(found, misspelt...)
					for _, p := range unserved {
						e.Note("%s", p)
					}
				}
			}
			if err := manifests.Findings(file, found); err != nil {
				return err
			}
			return e.Say(fmt.Sprintf("%s: %d Rollouts are valid", file, rollouts))
		},
	}
	cmd.Flags().StringVarP(&file, "filename", "f", "", "file or directory")
	return cmd
}

// manifests reads a file with manifests, or a directory as Cyan would render it.
func readManifests(path string) ([]render.Rendered, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &problem.Error{Kind: problem.Usage, Object: "file " + path, Cause: "not found", Err: err}
	} else if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		result, err := manifests.File(path)
		return result.Objects, err
	}
	result, err := manifests.Directory("", path, v1alpha1.ApplicationSource{}, render.Options{})
	return result.Objects, err
}

// ofOperators reports whether an object is of a kind that a program defines which is neither Kubernetes nor Cyan.
// Nothing is known of those without a cluster, and they are no Rollouts.
func ofOperators(o render.Rendered) bool {
	group := o.Object.GroupVersionKind().Group
	return strings.Contains(group, ".") && !strings.HasSuffix(group, ".k8s.io") && group != v1alpha1.GroupVersion.Group
}

// Findings returns what only the Rollout controller knows of a Rollout: what it refuses, and each field that is not
// honoured. Of any other object there is nothing.
func Findings(o render.Rendered) (refused, unserved []*problem.Error) {
	if o.Object.GroupVersionKind().GroupKind() != v1alpha1.GroupVersion.WithKind(v1alpha1.RolloutKind).GroupKind() {
		return nil, nil
	}
	misspelt, unserved := unservedOf(o)
	return append(lint(o), misspelt...), unserved
}

// unservedOf returns the fields of a Rollout whose names are not those that were meant, and each other that is not
// honoured.
func unservedOf(o render.Rendered) (misspelt, unserved []*problem.Error) {
	for _, f := range settings.Unserved(o.Object) {
		switch {
		case f.Verdict == settings.Refused:
			// The strategy refuses these itself.
		case f.Meant != "":
			p := f.Problem()
			at, _ := o.Place(f.Field)
			p.File, p.Line, p.Column = at.File, at.Line, at.Column
			misspelt = append(misspelt, p)
		default:
			unserved = append(unserved, f.Problem())
		}
	}
	return misspelt, unserved
}

// lint checks what only the Rollout controller knows.
func lint(o render.Rendered) []*problem.Error {
	ro := &v1alpha1.Rollout{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object.Object, ro); err != nil {
		// Fields of a wrong type are found by the validation against the definition.
		return nil
	}
	var found []*problem.Error
	for _, p := range strategy.Lint(ro) {
		at, _ := o.Place(p.Field)
		found = append(found, &problem.Error{
			Kind: problem.Usage,
			File: at.File, Line: at.Line, Column: at.Column, Object: v1alpha1.RolloutKind + " " + ro.Name, Field: p.Field, Cause: p.Cause, Remedy: p.Remedy,
		})
	}
	return found
}
