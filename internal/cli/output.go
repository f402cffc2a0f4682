package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/cli/term"
)

// Output formats.
const (
	outJSON = "json"
	outYAML = "yaml"
	outWide = "wide"
	outName = "name"
	outTree = "tree"
)

// format is the value of -o.
type format struct {
	value   string
	allowed []string
}

func (f *format) bind(cmd *cobra.Command, allowed ...string) {
	f.allowed = allowed
	cmd.Flags().StringVarP(&f.value, "output", "o", "", "output format: "+strings.Join(allowed, "|"))
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(allowed, cobra.ShellCompDirectiveNoFileComp))
}

func (f *format) check() error {
	if f.value == "" || slices.Contains(f.allowed, f.value) {
		return nil
	}
	return &Trouble{Problem: fmt.Sprintf("there is no output format %q", f.value), Remedy: "give -o one of " + strings.Join(f.allowed, ", "), Code: codeUsage}
}

// machine says that the output is for a program.
func (f *format) machine() bool { return f.value == outJSON || f.value == outYAML }

// say prints a line.
func (e *env) say(line string) error {
	_, err := fmt.Fprintln(e.Out, line)
	return err
}

// note prints a line beside the output.
func (e *env) note(format string, args ...any) { fmt.Fprintf(e.Err, format+"\n", args...) }

// show prints text.
func (e *env) show(text string) error {
	_, err := io.WriteString(e.Out, text)
	return err
}

// dump prints any value as JSON or YAML.
func (e *env) dump(value any, as string) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	if as == outYAML {
		if data, err = yaml.JSONToYAML(data); err != nil {
			return err
		}
		return e.show(string(data))
	}
	return e.say(string(data))
}

// object prints a Kubernetes object whole, without the bookkeeping of field managers.
func (e *env) object(o client.Object, as string) error {
	o = o.DeepCopyObject().(client.Object)
	stamp(o)
	o.SetManagedFields(nil)
	return e.dump(o, as)
}

// stamp writes an object's kind into it, which a typed client leaves out.
func stamp(o runtime.Object) {
	if gvk, err := apiutil.GVKForObject(o, scheme()); err == nil {
		o.GetObjectKind().SetGroupVersionKind(gvk)
	}
}

// list prints a list of objects as a v1 List, as kubectl does.
func (e *env) list(objects []client.Object, as string) error {
	items := make([]any, len(objects))
	for i, o := range objects {
		o = o.DeepCopyObject().(client.Object)
		stamp(o)
		o.SetManagedFields(nil)
		items[i] = o
	}
	return e.dump(map[string]any{"apiVersion": "v1", "kind": "List", "metadata": map[string]any{}, "items": items}, as)
}

// table prints rows below a title row. shrink is the column that gives way on a narrow terminal.
func (e *env) table(rows [][]string, shrink int) error {
	t := e.terminal()
	for i, title := range rows[0] {
		rows[0][i] = t.Theme.Strong(title)
	}
	return e.show(term.Columns(rows, t.Width(), shrink))
}
