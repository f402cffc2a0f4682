package app

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/problem"
)

func newEdit(a *kit.Control) *cobra.Command {
	return &cobra.Command{
		Use:               "edit NAME",
		Short:             "Change an Application's spec in $EDITOR",
		Example:           "  EDITOR=vi cyan app edit shop",
		Args:              kit.Exactly("the Application's name"),
		ValidArgsFunction: completeApps(a, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return change(cmd.Context(), a, args[0], func(_ client.Client, app *v1alpha1.Application) error {
				before, err := yaml.Marshal(app.Spec)
				if err != nil {
					return err
				}
				after, err := editText(a.Env, cmd, before)
				if err != nil {
					return err
				}
				spec := v1alpha1.ApplicationSpec{}
				if err := yaml.UnmarshalStrict(after, &spec); err != nil {
					return &problem.Error{Kind: problem.Usage, Object: "edited spec", Cause: err.Error(), Remedy: "correct it; nothing was changed", Err: err}
				}
				app.Spec = spec
				return nil
			})
		},
	}
}

// editText returns a text as it was left in the person's editor.
func editText(e *kit.Env, cmd *cobra.Command, text []byte) (edited []byte, err error) {
	editor := strings.Fields(cmp.Or(os.Getenv("KUBE_EDITOR"), cmp.Or(os.Getenv("EDITOR"), "vi")))
	file, err := os.CreateTemp("", "cyan-*.yaml")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	if _, err := file.Write(text); err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	run := exec.CommandContext(cmd.Context(), editor[0], append(editor[1:], file.Name())...)
	run.Stdin, run.Stdout, run.Stderr = e.In, term.Raw(e.Out), term.Raw(e.Err)
	if err := run.Run(); err != nil {
		return nil, &problem.Error{Kind: problem.Refused, Object: "editor " + editor[0], Cause: err.Error(), Remedy: "set $EDITOR; nothing was changed", Err: err}
	}
	return os.ReadFile(file.Name())
}
