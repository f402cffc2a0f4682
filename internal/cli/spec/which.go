package spec

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Which are the flags that tell the sources of an Application apart.
type Which struct {
	cmd      *cobra.Command
	position int
	name     string
}

// Bind adds the flags to a command.
func (w *Which) Bind(cmd *cobra.Command) {
	w.cmd = cmd
	cmd.Flags().IntVar(&w.position, "source-position", 0, "place of the source in spec.sources, counted from 1")
	cmd.Flags().StringVar(&w.name, "source-name", "", "name of the source in spec.sources")
}

// Of returns the place in spec.sources of the source that is meant, counted from 0; given is false where no flag says
// so.
func (w *Which) Of(app *v1alpha1.Application) (at int, given bool, err error) {
	position, name := w.cmd.Flags().Changed("source-position"), w.cmd.Flags().Changed("source-name")
	switch {
	case position && name:
		return 0, false, kit.Usage("--source-position, --source-name", "given together", "leave one out")
	case position:
		if w.position < 1 || w.position > len(app.Spec.Sources) {
			return 0, false, w.absent(app, fmt.Sprint("source ", w.position))
		}
		return w.position - 1, true, nil
	case name:
		for i, s := range app.Spec.Sources {
			if s.Name == w.name {
				return i, true, nil
			}
		}
		return 0, false, w.absent(app, fmt.Sprintf("source %q", w.name))
	}
	return 0, false, nil
}

func (w *Which) absent(app *v1alpha1.Application, what string) error {
	e := &problem.Error{Kind: problem.Absent, Field: "spec.sources", Cause: what + " not found", Remedy: fmt.Sprintf("there are %d, counted from 1", len(app.Spec.Sources))}
	if len(app.Spec.Sources) == 0 {
		e.Remedy = "the Application has spec.source alone"
	}
	return e
}
