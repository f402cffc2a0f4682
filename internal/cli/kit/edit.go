package kit

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/problem"
)

// EditText returns a text as it was left in the person's editor.
func (e *Env) EditText(cmd *cobra.Command, text []byte) (edited []byte, err error) {
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
