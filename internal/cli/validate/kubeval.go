package validate

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// NewKubeval is the root for who calls the program kubeval.
func NewKubeval(e *kit.Env) *cobra.Command {
	p := &peer{Env: e, flags: pflag.NewFlagSet(kit.NameKubeval, pflag.ContinueOnError), unique: true, leaveOut: "ignored-filename-patterns"}
	f := p.flags
	f.StringSliceVarP(&p.directories, "directories", "d", nil, "directories with manifests, and those below them")
	f.StringVarP(&p.stdinName, "filename", "f", "stdin", "what standard input is called")
	f.StringVarP(&p.namespace, "default-namespace", "n", "default", "where objects go that name no namespace")
	f.StringSliceVar(&p.skip, "skip-kinds", nil, "kinds that are not checked")
	f.StringSliceVar(&p.reject, "reject-kinds", nil, "kinds that may not be there")
	f.StringSliceVarP(&p.ignored, "ignored-filename-patterns", "i", nil, "patterns of names of files that are left out")
	f.StringSliceVar(&p.ignored, "ignored-path-patterns", nil, "the same")
	p.common(f, "v", "o")
	f.Bool("strict", false, "fields that are unknown are refused anyway")
	for _, name := range []string{"exit-on-error", "force-color", "openshift", "quiet", "insecure-skip-tls-verify"} {
		f.Bool(name, false, "has no effect")
	}
	f.StringSlice("additional-schema-locations", nil, "has no effect")
	return p.command(kit.NameKubeval+" [FILE|-]…", p.printKubeval)
}

func (p *peer) printKubeval(files []checkedFile) error {
	switch p.output {
	case "", "stdout":
		return p.kubevalLines(files)
	case "json":
		type result struct {
			Filename string   `json:"filename"`
			Kind     string   `json:"kind"`
			Status   string   `json:"status"`
			Errors   []string `json:"errors"`
		}
		status := map[string]string{statusValid: "valid", statusInvalid: "invalid", statusError: "invalid", statusSkipped: "skipped"}
		all := []result{}
		for _, f := range files {
			for _, o := range f.objects {
				all = append(all, result{f.name, o.kind, status[o.status], append([]string{}, o.messages...)})
			}
			if len(f.problems) > 0 {
				all = append(all, result{f.name, "", "invalid", f.problems})
			}
		}
		return p.Dump(all, "json")
	}
	return p.others(files)
}

func (p *peer) kubevalLines(files []checkedFile) error {
	for _, f := range files {
		for _, text := range f.problems {
			if err := p.Say(fmt.Sprintf("ERR  - %s: %s", f.name, text)); err != nil {
				return err
			}
		}
		for _, o := range f.objects {
			name := o.name
			if o.namespace != "" {
				name = o.namespace + "." + name
			}
			lines := []string{}
			switch o.status {
			case statusValid:
				lines = append(lines, fmt.Sprintf("PASS - %s contains a valid %s (%s)", f.name, o.kind, name))
			case statusSkipped:
				lines = append(lines, fmt.Sprintf("WARN - %s containing a %s (%s) was not validated against a schema", f.name, o.kind, name))
			default:
				for _, text := range o.messages {
					lines = append(lines, fmt.Sprintf("WARN - %s contains an invalid %s (%s) - %s", f.name, o.kind, name, text))
				}
			}
			if err := p.SayAll(lines); err != nil {
				return err
			}
		}
	}
	return nil
}
