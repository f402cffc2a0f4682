package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/hack/benchreport"
)

// row is a line of the sheet.
type row struct {
	what, measured string
	// limit is what the machine can do, measured in the same run; "" where there is no such thing.
	limit string
	// target is what was asked for; "" for nothing, and met is whether it was reached.
	target string
	met    bool
	// failed is why there is no figure.
	failed string
}

func (r row) verdict() string {
	switch {
	case r.failed != "":
		return "no"
	case r.target == "":
		return ""
	case r.met:
		return "yes"
	}
	return "no"
}

func (r row) text() string {
	if r.failed != "" {
		return "failed: " + r.failed
	}
	return r.measured
}

// benchmark is the name of the lines between which a page holds the tables.
const benchmark = "bench-dev"

// sheet collects rows, and prints each as it comes.
type sheet struct {
	out  io.Writer
	rows []row
}

func (s *sheet) add(r row) {
	if len(s.rows) == 0 {
		_, _ = fmt.Fprintf(s.out, "%-66s %-24s %-44s %-18s %s\n", "", "measured", "limit, same run", "target", "met")
	}
	s.rows = append(s.rows, r)
	_, _ = fmt.Fprintf(s.out, "%-66s %-24s %-44s %-18s %s\n", r.what, r.text(), r.limit, r.target, r.verdict())
}

// markdown returns the sheet as a table, with a line that names the machine.
func (s *sheet) markdown(machine string) string {
	var b strings.Builder
	b.WriteString("| | measured | limit, same run | target | met |\n|---|---|---|---|---|\n")
	for _, r := range s.rows {
		cells := []string{r.what, r.text(), r.limit, r.target, r.verdict()}
		for i, c := range cells {
			cells[i] = benchreport.Cell(c)
		}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	return b.String() + "\n" + machine + "\n"
}

// quantile returns the smallest value that a share q of all does not exceed.
func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

func median(all []time.Duration) time.Duration { return quantile(all, 0.5) }

// spread writes the median and the 90th percentile.
func spread(all []time.Duration) string {
	return seconds(median(all)) + ", " + seconds(quantile(all, 0.9))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
