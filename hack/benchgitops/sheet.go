package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/hack/benchreport"
)

// amount is a measured number with its unit.
type amount struct {
	value float64
	text  string
}

func lasting(d time.Duration) amount { return amount{d.Seconds(), rounded(d)} }

func number(n float64) amount {
	if n == float64(int64(n)) {
		return amount{n, fmt.Sprintf("%.0f", n)}
	}
	return amount{n, fmt.Sprintf("%.1f", n)}
}

func memory(bytes int64) amount { return amount{float64(bytes), megabytes(bytes)} }

// figure is a line of the sheet.
type figure struct {
	what     string
	measured []amount
	// limit is what the machine can do, measured in the same run; empty where there is no such thing.
	limit string
	// targets are what the measured amounts should not exceed, one for each; empty where nothing is asked for.
	targets []amount
	// failed is why there is no figure.
	failed string
}

// met returns "yes" or "no" where there is a target.
func (f figure) met() string {
	switch {
	case f.failed != "":
		return "no"
	case len(f.targets) == 0:
		return ""
	}
	for i, target := range f.targets {
		if i >= len(f.measured) || f.measured[i].value > target.value {
			return "no"
		}
	}
	return "yes"
}

func (f figure) text() string {
	if f.failed != "" {
		return "failed: " + f.failed
	}
	return joined(f.measured, "")
}

func (f figure) target() string { return joined(f.targets, "≤ ") }

func joined(all []amount, before string) string {
	var texts []string
	for _, a := range all {
		if before != "" && a.value == 0 {
			texts = append(texts, a.text)
			continue
		}
		texts = append(texts, before+a.text)
	}
	return strings.Join(texts, ", ")
}

// benchmark is the name of the lines between which a page holds the tables.
const benchmark = "bench-gitops"

// sheet collects figures, and prints each as it comes.
type sheet struct {
	out      io.Writer
	sections []section
}

// section is what was measured in one cluster.
type section struct {
	title   string
	figures []figure
}

func (s *sheet) begin(title string) {
	s.sections = append(s.sections, section{title: title})
	_, _ = fmt.Fprintf(s.out, "%s\n  %-62s %-20s %-34s %-16s %s\n", title, "", "measured", "limit, same run", "target", "met")
}

func (s *sheet) add(f figure) {
	last := &s.sections[len(s.sections)-1]
	last.figures = append(last.figures, f)
	_, _ = fmt.Fprintf(s.out, "  %-62s %-20s %-34s %-16s %s\n", f.what, f.text(), f.limit, f.target(), f.met())
}

// markdown returns the sheet as tables, with a line that names the machine.
func (s *sheet) markdown(machine string) string {
	var b strings.Builder
	for _, section := range s.sections {
		if len(section.figures) == 0 {
			continue
		}
		fmt.Fprintf(&b, "**%s**\n\n| | measured | limit, same run | target | met |\n|---|---|---|---|---|\n", section.title)
		for _, f := range section.figures {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", benchreport.Cell(f.what), benchreport.Cell(f.text()), benchreport.Cell(f.limit), benchreport.Cell(f.target()), f.met())
		}
		b.WriteString("\n")
	}
	b.WriteString(machine + "\n")
	return b.String()
}
