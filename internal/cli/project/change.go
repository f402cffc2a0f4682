package project

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// edit is a change of an AppProject's spec, as JSON, so that fields that are not known here stay as they are.
type edit func(spec map[string]any) error

// read reads an AppProject with all its fields.
func read(ctx context.Context, a *kit.Control, c client.Client, name string) (*unstructured.Unstructured, error) {
	if _, err := Find(ctx, a, c, name); err != nil {
		return nil, err
	}
	p := &unstructured.Unstructured{}
	p.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(v1alpha1.AppProjectKind))
	err := c.Get(ctx, client.ObjectKey{Namespace: a.Namespace, Name: name}, p)
	return p, a.Explain(err, "reading AppProject "+name)
}

// change edits an AppProject, again when another writer was faster, and writes what became different.
func change(ctx context.Context, a *kit.Control, name string, do edit) error {
	c, err := a.Connect()
	if err != nil {
		return err
	}
	outcome := "updated"
	err = retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		p, err := read(ctx, a, c, name)
		if err != nil {
			return err
		}
		before := p.DeepCopy()
		spec := specOf(p)
		if err := do(spec); err != nil {
			return err
		}
		p.Object["spec"] = spec
		if reflect.DeepEqual(before.Object, p.Object) {
			outcome = "unchanged"
			return nil
		}
		return c.Patch(ctx, p, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	})
	if err != nil {
		return a.Explain(err, "changing AppProject "+name)
	}
	return a.Say(fmt.Sprintf("project '%s' %s", name, outcome))
}

func specOf(p *unstructured.Unstructured) map[string]any {
	if spec, ok := p.Object["spec"].(map[string]any); ok {
		return spec
	}
	return map[string]any{}
}

// editing is a command that changes one thing of a project.
type editing struct {
	use, short, example string
	// what names the arguments that must be there, the project first.
	what []string
	// more is how many arguments may come after these.
	more int
	// flags adds the command's flags; it may be nil.
	flags func(*cobra.Command)
	// do makes the edit of the arguments after the project's name.
	do func(project string, args []string) (edit, error)
	// note is told beside what was changed; it may be empty.
	note string
}

func (e editing) command(a *kit.Control) *cobra.Command {
	what := append([]string{"the project's name"}, e.what...)
	cmd := &cobra.Command{
		Use: e.use, Short: e.short, Example: "  cyan proj " + e.example, Args: e.args(what), ValidArgsFunction: complete(a),
		RunE: func(cmd *cobra.Command, args []string) error {
			do, err := e.do(args[0], args[1:])
			if err != nil {
				return err
			}
			if err := change(cmd.Context(), a, args[0], do); err != nil {
				return err
			}
			if e.note != "" {
				a.Note("%s", e.note)
			}
			return nil
		},
	}
	if e.flags != nil {
		e.flags(cmd)
	}
	return cmd
}

// args wants the arguments, none of them empty but the core group.
func (e editing) args(what []string) cobra.PositionalArgs {
	if slices.Contains(e.what, theGroup) {
		return kit.Counted(len(what), len(what)+e.more, what...)
	}
	return kit.Between(len(what), len(what)+e.more, what...)
}

// theGroup is an argument that is empty for the core group.
const theGroup = "the kind's group"

func commands(a *kit.Control, all ...editing) []*cobra.Command {
	made := make([]*cobra.Command, len(all))
	for i, e := range all {
		made[i] = e.command(a)
	}
	return made
}
