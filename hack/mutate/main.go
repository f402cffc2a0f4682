// Command mutate puts small bugs into a room of the house, one at a time, and reports those that the room's own tests
// let live.
//
// Every bug (a mutant) of a package is compiled in at once, behind a switch that an environment variable sets, so
// that a package is compiled once and not once for each of its mutants. The files are laid over the sources by `go
// test -overlay`: the work tree is not touched.
//
//	go run ./hack/mutate -at-least 90 ./internal/rollout ./internal/plan
//
// A room is a folder with everything below it; its own tests are those in it. The command ends with 1 when a room is
// below the percentage, and with 2 when its tests fail without any mutant.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

type options struct {
	atLeast float64
	workers int
	timeout time.Duration
	verbose bool
	match   string
	run     string
}

func main() {
	var o options
	flag.Float64Var(&o.atLeast, "at-least", 0, "percentage of a room's mutants that have to die")
	flag.IntVar(&o.workers, "workers", runtime.NumCPU(), "how many mutants are tested at a time")
	flag.DurationVar(&o.timeout, "timeout", 3*time.Second, "time, at least, after which a mutant counts as dead: it loops")
	flag.BoolVar(&o.verbose, "v", false, "list the mutants that die, too")
	flag.StringVar(&o.match, "match", "", "only mutants whose place, FILE:LINE, contains this")
	flag.StringVar(&o.run, "run", "", "only the tests whose names this expression matches, for rooms that have many others")
	flag.Parse()
	if i := slices.IndexFunc(flag.Args(), func(folder string) bool { return strings.HasPrefix(folder, "-") }); i >= 0 {
		fmt.Fprintf(os.Stderr, "%s: flags stand before the rooms\n", flag.Arg(i))
		os.Exit(2)
	}
	code := 0
	for _, folder := range flag.Args() {
		result, err := mutateRoom(folder, o)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", folder, err)
			os.Exit(2)
		}
		result.print(o)
		if result.score() < o.atLeast {
			code = 1
		}
	}
	os.Exit(code)
}

// result is what became of the mutants of a room.
type result struct {
	folder  string
	mutants []*mutant
	took    time.Duration
}

func (r result) count(f fate) int {
	n := 0
	for _, m := range r.mutants {
		if m.fate == f {
			n++
		}
	}
	return n
}

// score is the percentage of the mutants that died, of all that compile, whether a test reaches them or not.
func (r result) score() float64 {
	dead := r.count(killed)
	all := dead + r.count(survived) + r.count(unreached)
	if all == 0 {
		return 100
	}
	return 100 * float64(dead) / float64(all)
}

func (r result) print(o options) {
	for _, m := range r.mutants {
		if m.fate == survived || m.fate == unreached || o.verbose && m.fate == killed {
			fmt.Printf("%-9s %s:%d: %s: %s\n", m.fate, m.file, m.line, m.kind, m.change)
		}
	}
	reached := r.count(killed) + r.count(survived)
	ofReached := 100.0
	if reached > 0 {
		ofReached = 100 * float64(r.count(killed)) / float64(reached)
	}
	fmt.Printf("%s: %d of %d mutants killed, %.1f%% (%.1f%% of those that a test reaches; %d survived, %d unreached) in %s\n",
		strings.TrimPrefix(r.folder, "./"), r.count(killed), reached+r.count(unreached), r.score(), ofReached,
		r.count(survived), r.count(unreached), r.took.Round(time.Second))
}
