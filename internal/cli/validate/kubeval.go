package validate

import (
	"cmp"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// NewKubeval is the root for who calls the program kubeval.
func NewKubeval(e *kit.Env) *cobra.Command {
	p := &peer{Env: e, flags: pflag.NewFlagSet(kit.NameKubeval, pflag.ContinueOnError), unique: true, leaveOut: "ignored-path-patterns", formats: "stdout, json, tap or junit"}
	f := p.flags
	f.StringSliceVarP(&p.directories, "directories", "d", nil, "directories with manifests, and those below them")
	f.StringVarP(&p.stdinName, "filename", "f", "stdin", "what standard input is called")
	f.StringVarP(&p.namespace, "default-namespace", "n", "default", "where objects go that name no namespace")
	f.StringSliceVar(&p.skip, "skip-kinds", nil, "kinds that are not checked")
	f.StringSliceVar(&p.reject, "reject-kinds", nil, "kinds that may not be there")
	patterns := f.StringSliceP("ignored-path-patterns", "i", nil, "patterns of paths of files that are left out")
	others := f.StringSlice("ignored-filename-patterns", nil, "the same")
	p.common(f, "v", "o")
	f.Bool("strict", false, "fields that are unknown are refused anyway")
	f.BoolVar(&p.quiet, "quiet", false, "print no notes beside the results")
	more := f.StringSlice("additional-schema-locations", nil, "more folders with schemas of custom kinds")
	without(p, f, "force-color", "the output has no colors")
	without(p, f, "openshift", "the kinds of OpenShift are not built in; a folder with their schemas is given by --schema-location")
	without(p, f, "insecure-skip-tls-verify", nothingFetched)
	p.settle = func() {
		p.ignored = append(*patterns, *others...)
		if from := os.Getenv("KUBEVAL_SCHEMA_LOCATION"); from != "" && len(p.locations) == 0 {
			p.locations = []string{from}
		}
		p.locations = append(p.locations, *more...)
		if name := os.Getenv("KUBEVAL_FILENAME"); name != "" && !f.Changed("filename") {
			p.stdinName = name
		}
	}
	return p.command(kit.NameKubeval+" [FILE|-]…", p.printKubeval)
}

func (p *peer) printKubeval(files []checkedFile) error {
	switch p.output {
	case "", "stdout", "text":
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
				all = append(all, result{cmp.Or(o.source, f.name), o.kind, status[o.status], append([]string{}, o.messages...)})
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
			if err := p.SayAll(kubevalLinesOf(cmp.Or(o.source, f.name), o)); err != nil {
				return err
			}
		}
	}
	return nil
}

func kubevalLinesOf(file string, o checkedObject) []string {
	name := o.name
	if o.namespace != "" {
		name = o.namespace + "." + name
	}
	switch o.status {
	case statusValid:
		return []string{fmt.Sprintf("PASS - %s contains a valid %s (%s)", file, o.kind, name)}
	case statusSkipped:
		return []string{fmt.Sprintf("WARN - %s containing a %s (%s) was not validated against a schema", file, o.kind, name)}
	}
	var lines []string
	for _, text := range o.messages {
		lines = append(lines, fmt.Sprintf("WARN - %s contains an invalid %s (%s) - %s", file, o.kind, name, text))
	}
	return lines
}
