package validate

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// NewKubeconform is the root for who calls the program kubeconform.
func NewKubeconform(e *kit.Env) *cobra.Command {
	p := &peer{Env: e, flags: pflag.NewFlagSet(kit.NameKubeconform, pflag.ContinueOnError), stdinName: "stdin", namespace: "default", leaveOut: "ignore-filename-pattern", formats: "text, pretty, json, tap or junit"}
	f := p.flags
	f.StringSliceVar(&p.skip, "skip", nil, "kinds that are not checked")
	f.StringSliceVar(&p.reject, "reject", nil, "kinds that may not be there")
	// A pattern may have commas.
	f.StringArrayVar(&p.ignored, "ignore-filename-pattern", nil, "patterns of names of files that are left out")
	p.common(f, "", "")
	f.BoolVar(&p.summary, "summary", false, "print a summary at the end")
	f.BoolVar(&p.verbose, "verbose", false, "print what is valid, too")
	f.Bool("strict", false, "fields that are unknown are refused anyway")
	without(p, f, "insecure-skip-tls-verify", nothingFetched)
	without(p, f, "debug", "nothing more is known than what is printed")
	f.String("cache", "", "has no effect: "+nothingFetched)
	f.IntP("n", "n", 4, "has no effect: "+oneByOne)
	p.ineffective["cache"], p.ineffective["n"] = nothingFetched, oneByOne
	f.BoolVarP(&p.version, "v", "v", false, "print the version")
	return p.command(kit.NameKubeconform+" [FILE|FOLDER|-]…", p.printKubeconform)
}

const (
	nothingFetched = "nothing is fetched"
	oneByOne       = "objects are checked one after the other"
)

func (p *peer) printKubeconform(files []checkedFile) error {
	n := counts(files)
	switch p.output {
	case "", "text", "pretty":
	case "json":
		return p.kubeconformJSON(files, n)
	default:
		return p.others(files)
	}
	objects := 0
	for _, f := range files {
		for _, text := range f.problems {
			if err := p.Say(aboutFile(p, statusError, f.name) + "failed validation: " + text); err != nil {
				return err
			}
		}
		for _, o := range f.objects {
			objects++
			if line := kubeconformLine(p, f.name, o); line != "" {
				if err := p.Say(line); err != nil {
					return err
				}
			}
		}
	}
	if !p.summary {
		return nil
	}
	where := "in " + plural(len(files), "file")
	if len(files) == 1 && files[0].name == p.stdinName {
		where = "parsing stdin"
	} else {
		where = "found " + where
	}
	return p.Say(fmt.Sprintf("Summary: %s %s - Valid: %d, Invalid: %d, Errors: %d, Skipped: %d", plural(objects, "resource"), where, n[statusValid], n[statusInvalid], n[statusError], n[statusSkipped]))
}

// marks are what a line begins with in the format pretty, by status.
var marks = map[string]string{statusValid: "✔", statusInvalid: "✖", statusError: "✖", statusSkipped: "-"}

// aboutFile is the beginning of a line about something of a file.
func aboutFile(p *peer, status, file string) string {
	if p.output == "pretty" {
		return marks[status] + " " + file + ": "
	}
	return file + " - "
}

// kubeconformLine is what is said of an object; "" for nothing.
func kubeconformLine(p *peer, file string, o checkedObject) string {
	about := aboutFile(p, o.status, file) + o.kind + " " + o.name + " "
	switch {
	case o.status == statusInvalid:
		return about + "is invalid: problem validating schema: " + strings.Join(o.messages, "; ")
	case o.status == statusError:
		return about + "failed validation: " + strings.Join(o.messages, "; ")
	case !p.verbose:
		return ""
	case o.status == statusSkipped:
		return about + "skipped"
	default:
		return about + "is valid"
	}
}

func (p *peer) kubeconformJSON(files []checkedFile, n map[string]int) error {
	type resource struct {
		Filename string `json:"filename"`
		Kind     string `json:"kind"`
		Name     string `json:"name"`
		Version  string `json:"version"`
		Status   string `json:"status"`
		Msg      string `json:"msg"`
	}
	all := []resource{}
	for _, f := range files {
		for _, text := range f.problems {
			all = append(all, resource{Filename: f.name, Status: statusError, Msg: text})
		}
		for _, o := range f.objects {
			if p.verbose || o.status == statusInvalid || o.status == statusError {
				all = append(all, resource{f.name, o.kind, o.name, o.apiVersion, o.status, strings.Join(o.messages, "; ")})
			}
		}
	}
	report := map[string]any{"resources": all}
	if p.summary {
		report["summary"] = map[string]int{"valid": n[statusValid], "invalid": n[statusInvalid], "errors": n[statusError], "skipped": n[statusSkipped]}
	}
	data, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the report: %w", err)
	}
	return p.Data(string(data) + "\n")
}

// others prints the formats that both programs have.
func (p *peer) others(files []checkedFile) error {
	switch p.output {
	case "tap":
		return p.tap(files)
	case "junit":
		return p.junit(files)
	}
	return kit.Usage("--output", fmt.Sprintf("unknown format %q", p.output), "give one of "+p.formats)
}

func (p *peer) tap(files []checkedFile) error {
	var lines []string
	for _, f := range files {
		for _, text := range f.problems {
			lines = append(lines, fmt.Sprintf("not ok %d - %s: %s", len(lines)+1, f.name, text))
		}
		for _, o := range f.objects {
			result, skip := "ok", ""
			if o.status == statusInvalid || o.status == statusError {
				result = "not ok"
			}
			if o.status == statusSkipped {
				skip = " # skip"
			}
			about := ""
			if len(o.messages) > 0 {
				about = ": " + strings.Join(o.messages, "; ")
			}
			lines = append(lines, fmt.Sprintf("%s %d - %s (%s)%s%s", result, len(lines)+1, f.name, o.kind, about, skip))
		}
	}
	return p.SayAll(append([]string{"TAP version 13", fmt.Sprintf("1..%d", len(lines))}, lines...))
}

func (p *peer) junit(files []checkedFile) error {
	suite := junitSuite{Name: p.flags.Name(), Time: "0"}
	for _, f := range files {
		for _, text := range f.problems {
			suite.Cases = append(suite.Cases, junitCase{Name: f.name, Class: f.name, File: f.name, Failures: []junitFailure{{text, statusError, text}}})
		}
		for _, o := range f.objects {
			c := junitCase{Name: o.kind + " " + o.name, Class: o.apiVersion + "@" + f.name, File: f.name}
			for _, text := range o.messages {
				c.Failures = append(c.Failures, junitFailure{text, o.status, text})
			}
			suite.Cases = append(suite.Cases, c)
		}
	}
	return printSuite(p.Streams, suite)
}
