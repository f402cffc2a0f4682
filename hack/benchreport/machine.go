// Package benchreport is what the reports of all benchmarks have: the machine that their figures were measured on, and
// the place of their tables in a page.
package benchreport

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// Machine describes what the figures were measured on, and how busy it was before: load is what LoadAverage returned.
func Machine(load string) string {
	_, model, _ := strings.Cut(LineOf("/proc/cpuinfo", "model name"), ":")
	var kilobytes int64
	_, _ = fmt.Sscan(LineOf("/proc/meminfo", "MemTotal:"), &kilobytes)
	system := strings.Trim(LineOf("/etc/os-release", "PRETTY_NAME="), `"`)
	return fmt.Sprintf("Machine: %s, %d processors, %d GiB, %s, %s; load average before the run: %s.",
		strings.TrimSpace(model), runtime.NumCPU(), (kilobytes+1<<19)>>20, system, time.Now().UTC().Format(time.DateOnly), load)
}

// LoadAverage is the number of processes that ran or waited in the last minute.
func LoadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

// LineOf returns what follows a prefix in the first line of a file that has it, without the space around it.
func LineOf(path, prefix string) string {
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
