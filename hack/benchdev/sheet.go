package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
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
			cells[i] = strings.NewReplacer("|", "\\|", "\n", " ").Replace(c)
		}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	return b.String() + "\n" + machine + "\n"
}

// Lines between which a page holds the table of the last run.
const (
	tablesBegin = "<!-- bench-dev: begin -->"
	tablesEnd   = "<!-- bench-dev: end -->"
)

// save writes a table into a file: between the two lines if it has them, else as the whole file.
func save(path, table string) error {
	page, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.WriteFile(path, []byte(inserted(string(page), table)), 0o600)
}

// inserted returns a page with a new table.
func inserted(page, table string) string {
	before, rest, ok := strings.Cut(page, tablesBegin)
	_, after, closed := strings.Cut(rest, tablesEnd)
	if !ok || !closed {
		return table
	}
	return before + tablesBegin + "\n" + table + tablesEnd + after
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

// machine describes what the figures were measured on, and how busy it was before.
func machine(load string) string {
	_, model, _ := strings.Cut(lineOf("/proc/cpuinfo", "model name"), ":")
	var kilobytes int64
	_, _ = fmt.Sscan(lineOf("/proc/meminfo", "MemTotal:"), &kilobytes)
	return fmt.Sprintf("Machine: %s, %d processors, %d GiB, %s, %s; load average before the run: %s.",
		strings.TrimSpace(model), runtime.NumCPU(), (kilobytes+1<<19)>>20, strings.Trim(lineOf("/etc/os-release", "PRETTY_NAME="), `"`), time.Now().UTC().Format(time.DateOnly), load)
}

// loadAverage is the number of processes that ran or waited in the last minute.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

// lineOf returns what follows a prefix in the first line of a file that has it.
func lineOf(path, prefix string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if after, ok := strings.CutPrefix(line, prefix); ok {
			return strings.TrimSpace(after)
		}
	}
	return ""
}
