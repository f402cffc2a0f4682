// Command metrics prints the shape of the house in figures, each with its bound, and ends with 1 when a bound does not
// hold.
//
//	go run ./hack/metrics
//
// It reads the code of both modules; nothing is compiled or run. How well tests notice bugs is measured by hack/mutate.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// roomRatios are the rooms whose tests are their specification: test lines per line of code, at least.
var roomRatios = []struct {
	room  string
	least float64
}{
	{"internal/rollout", 1.5}, {"internal/operation", 1.5}, {"internal/plan", 1.2},
}

// layeredRooms are those whose files once knew each other in circles.
var layeredRooms = []string{"internal/cli", "internal/source", "internal/controller/application"}

// Bounds that hold for the whole house.
const (
	mostMethods      = 15
	mostBackArrows   = 5
	mostCommentWidth = 120
	mostFunctionP99  = 44
	mostComplexity   = 15
	comparisons      = 1
)

func main() {
	h, err := load()
	if err != nil {
		fmt.Fprintln(os.Stderr, "metrics:", err)
		os.Exit(2)
	}
	if !measure(h, os.Stdout) {
		os.Exit(1)
	}
}

// measure prints every figure of the house, and reports whether all bounds hold.
func measure(h *house, out io.Writer) bool {
	r := &report{out: out}
	for _, room := range roomRatios {
		code, tests := h.lines(room.room)
		ratio := 0.0
		if code > 0 {
			ratio = float64(tests) / float64(code)
		}
		r.line(ratio >= room.least, fmt.Sprintf("test lines per code line, %s", room.room), fmt.Sprintf("%.2f (%d / %d)", ratio, tests, code), fmt.Sprintf("≥ %.1f", room.least))
	}
	receivers := h.receivers()
	r.line(receivers[0].methods <= mostMethods, "most methods on one pointer receiver", receivers[0].String(), fmt.Sprintf("≤ %d", mostMethods))
	r.note(receivers[1:min(len(receivers), 10)])
	for _, room := range layeredRooms {
		worst, arrows := h.backArrows(room)
		r.line(len(arrows) <= mostBackArrows, "arrows that run back up among the files of "+room, fmt.Sprintf("%d (%s)", len(arrows), worst), fmt.Sprintf("≤ %d", mostBackArrows))
	}
	callers := h.callers("internal/plan", "Build")
	r.line(len(callers) <= comparisons, "copies of the comparison (packages that call plan.Build)", fmt.Sprintf("%d %s", len(callers), strings.Join(callers, " ")), fmt.Sprintf("%d", comparisons))
	says, wide := h.comments()
	r.line(len(says) == 0, "doc comments of the form \"X says …\"", fmt.Sprint(len(says)), "0")
	r.note(says[:min(len(says), 3)])
	r.line(len(wide) == 0, fmt.Sprintf("comment lines over %d columns", mostCommentWidth), fmt.Sprint(len(wide)), "0")
	r.note(wide[:min(len(wide), 3)])
	vague := h.messages()
	r.line(len(vague) == 0, "messages that begin with it, this, that, nobody, or say \"is no\"", fmt.Sprint(len(vague)), "0")
	r.note(vague[:min(len(vague), 3)])
	loose := h.looseErrors()
	r.line(len(loose) == 0, "errors that begin with its, there, what, …, have several sentences, or address somebody", fmt.Sprint(len(loose)), "0")
	r.note(loose[:min(len(loose), 3)])
	p99, complex := h.functions()
	r.line(p99 <= mostFunctionP99, "lines of a function, 99th percentile", fmt.Sprint(p99), fmt.Sprintf("≤ %d", mostFunctionP99))
	r.line(len(complex) == 0, fmt.Sprintf("functions of a complexity above %d", mostComplexity), fmt.Sprint(len(complex)), "0")
	r.note(complex)
	circles := h.roomCircles()
	r.line(len(circles) == 0, "rooms that know each other in a circle", fmt.Sprint(len(circles)), "0")
	r.note(circles)
	silent := h.packagesWithoutDoc()
	r.line(len(silent) == 0, "packages without a sentence", fmt.Sprint(len(silent)), "0")
	r.note(silent)
	return !r.failed
}

// report prints a line for each figure.
type report struct {
	out    io.Writer
	failed bool
}

func (r *report) line(holds bool, what, figure, bound string) {
	mark := "ok  "
	if !holds {
		mark, r.failed = "FAIL", true
	}
	fmt.Fprintf(r.out, "%s  %-62s %s   [%s]\n", mark, what, figure, bound)
}

// note prints what a figure is made of.
func (r *report) note(parts any) {
	switch parts := parts.(type) {
	case []string:
		for _, p := range parts {
			fmt.Fprintln(r.out, "        "+p)
		}
	case []receiver:
		for _, p := range parts {
			fmt.Fprintln(r.out, "        "+p.String())
		}
	}
}

// lines counts code and tests of a room, with everything below it: all lines that are not blank.
func (h *house) lines(room string) (code, tests int) {
	for _, f := range h.files {
		if !strings.HasPrefix(f.name, room+"/") {
			continue
		}
		if f.test {
			tests += f.filled
		} else {
			code += f.filled
		}
	}
	return code, tests + stories(room)
}

// stories counts the lines of the stories and golden files beside the tests of a room.
func stories(room string) int {
	n := 0
	_ = filepath.WalkDir(room, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(filepath.ToSlash(path), "/testdata/") || !strings.HasSuffix(path, ".txtar") && !strings.HasSuffix(path, ".txt") {
			return nil
		}
		data, err := os.ReadFile(path)
		if err == nil {
			n += filled(string(data))
		}
		return nil
	})
	return n
}

func filled(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			n++
		}
	}
	return n
}

// receiver is a type with the methods on pointers to it.
type receiver struct {
	name    string
	methods int
}

func (r receiver) String() string { return fmt.Sprintf("%s %d", r.name, r.methods) }

func sortReceivers(counts map[string]int) []receiver {
	all := []receiver{{}}[:0]
	for name, n := range counts {
		all = append(all, receiver{name, n})
	}
	sort.Slice(all, func(i, j int) bool {
		if all[i].methods != all[j].methods {
			return all[i].methods > all[j].methods
		}
		return all[i].name < all[j].name
	})
	return all
}
