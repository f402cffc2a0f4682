package kit

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/secret"
)

// Output formats.
const (
	JSON = "json"
	YAML = "yaml"
	Wide = "wide"
	Name = "name"
	Tree = "tree"
	// DetailedTree is Tree with the health's reasons.
	DetailedTree = "tree=detailed"
)

// Format is the value of -o.
type Format struct {
	Value   string
	allowed []string
}

// Bind adds -o to a command.
func (f *Format) Bind(cmd *cobra.Command, allowed ...string) {
	f.allowed = allowed
	cmd.Flags().StringVarP(&f.Value, "output", "o", "", "output format: "+strings.Join(allowed, "|"))
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(allowed, cobra.ShellCompDirectiveNoFileComp))
}

// Check returns an error unless the format is one of those that the command has.
func (f *Format) Check() error {
	if f.Value == "" || slices.Contains(f.allowed, f.Value) {
		return nil
	}
	return Usage("--output", fmt.Sprintf("unknown format %q", f.Value), "give one of "+strings.Join(f.allowed, ", "))
}

// Machine reports whether the output is for a program.
func (f *Format) Machine() bool { return f.Value == JSON || f.Value == YAML }

// Streams are what a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Standard returns the process's own streams.
func Standard() Streams { return Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr} }

// Shown returns the streams with nothing written to them that steers a terminal: what comes from git, the cluster or a
// command line is foreign.
func (s Streams) Shown() Streams {
	s.Out, s.Err = term.NewWriter(s.Out), term.NewWriter(s.Err)
	return s
}

// Data prints what a program reads: as it is, unless it goes to a terminal.
func (s Streams) Data(text string) error {
	to := s.Out
	if !s.Terminal().IsTerminal() {
		to = term.Raw(to)
	}
	_, err := io.WriteString(to, text)
	return err
}

// Terminal returns where Out goes.
func (s Streams) Terminal() term.Terminal { return term.Detect(s.Out, os.Getenv) }

// Page returns a page for the terminal that Out is.
func (s Streams) Page() screens.Page {
	t := s.Terminal()
	return screens.Page{Width: t.Width(), Theme: t.Theme, Now: time.Now(), Bare: !t.IsTerminal()}
}

// Say prints a line.
func (s Streams) Say(line string) error {
	_, err := fmt.Fprintln(s.Out, line)
	return err
}

// SayAll prints lines.
func (s Streams) SayAll(lines []string) error {
	for _, line := range lines {
		if err := s.Say(line); err != nil {
			return err
		}
	}
	return nil
}

// Note prints a line beside the output.
func (s Streams) Note(format string, args ...any) { fmt.Fprintf(s.Err, format+"\n", args...) }

// Show prints text.
func (s Streams) Show(text string) error {
	_, err := io.WriteString(s.Out, text)
	return err
}

// Dump prints any value as JSON or YAML.
func (s Streams) Dump(value any, as string) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	if as == YAML {
		if data, err = yaml.JSONToYAML(data); err != nil {
			return err
		}
		return s.Data(string(data))
	}
	return s.Data(string(data) + "\n")
}

// Section prints a value as YAML below a title.
func (s Streams) Section(title string, value any) error {
	if err := s.Say("\n" + title + ":"); err != nil {
		return err
	}
	return s.DumpShown(value, YAML)
}

// DumpShown prints what names repositories as JSON or YAML, without what opens them.
func (s Streams) DumpShown(value any, as string) error {
	shown, err := secret.ShownJSON(value)
	if err != nil {
		return err
	}
	return s.Dump(json.RawMessage(shown), as)
}

// Object prints a Kubernetes object whole, without the bookkeeping of field managers.
func (s Streams) Object(o client.Object, as string) error { return s.Dump(plain(o), as) }

// List prints a list of objects as a v1 List, as kubectl does.
func (s Streams) List(objects []client.Object, as string) error {
	items := make([]any, len(objects))
	for i, o := range objects {
		items[i] = plain(o)
	}
	return s.Dump(map[string]any{"apiVersion": "v1", "kind": "List", "metadata": map[string]any{}, "items": items}, as)
}

// Table prints rows below a title row. shrink is the column that is shortened on a narrow terminal.
func (s Streams) Table(rows [][]string, shrink int) error {
	t := s.Terminal()
	for i, title := range rows[0] {
		rows[0][i] = t.Theme.Strong(title)
	}
	return s.Show(term.Columns(rows, t.Width(), shrink))
}

// plain returns a copy of an object with its kind, which a typed client leaves out, and without managed fields, as it
// may be shown: masked.
func plain(o client.Object) client.Object {
	o = o.DeepCopyObject().(client.Object)
	stamp(o)
	o.SetManagedFields(nil)
	u, ok := o.(*unstructured.Unstructured)
	if !ok {
		fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
		if err != nil {
			panic("an object does not convert: " + err.Error())
		}
		u = &unstructured.Unstructured{Object: fields}
	}
	if masked := Masked(u); masked != u {
		return masked
	}
	return o
}

func stamp(o runtime.Object) {
	if gvk, err := apiutil.GVKForObject(o, Scheme()); err == nil {
		o.GetObjectKind().SetGroupVersionKind(gvk)
	}
}

// Pointers returns the addresses of a list's items.
func Pointers[T any](all []T) []*T {
	to := make([]*T, len(all))
	for i := range all {
		to[i] = &all[i]
	}
	return to
}
