package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/cyan-cd/cyan/hack/benchreport"
)

func main() {
	ctrl.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "Error: "+err.Error())
		os.Exit(1)
	}
}

// options are what is asked for.
type options struct {
	counts                             []int
	only                               selection
	bin                                string
	samples                            int
	others, objects, rollouts, hostile int
	pages                              int
	idleFor, timeout                   time.Duration
	plot, tables, profiles, pprof      string
	heap                               bool
}

const examples = `Examples:
  make bench-gitops                                            every scenario, 1000 Applications
  make bench-gitops BENCH='-n 20 -idle 10s -only commit,drift' some, quickly
  make bench-gitops BENCH='-tables docs/performance.md'        the figures into the page
  make bench-gitops BENCH='-n 10,100,1000,5000 -only first-sync,commit,base,restart -plot docs/applications.svg'
  make bench-gitops BENCH='-only base -profile /tmp/profiles'  then: go tool pprof -top /tmp/profiles/base-cpu-*
`

// parse reads the command line.
func parse(args []string, out io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("benchgitops", flag.ContinueOnError)
	flags.SetOutput(out)
	counts := flags.String("n", "1000", "numbers of Applications, with commas between them; each is measured in a cluster of its own")
	only := flags.String("only", "", "scenarios to measure, with commas between them (default: all)")
	flags.StringVar(&o.bin, "bin", "bin", "directory of the programs cyan and cyan-local")
	flags.IntVar(&o.samples, "samples", 20, "how often a commit to one Application is repeated; things are deleted or edited by hand five times as often")
	flags.DurationVar(&o.idleFor, "idle", time.Minute, "how long a server that has nothing to do is looked at, and one with open pages")
	flags.IntVar(&o.others, "others", 20_000, "other objects in the cluster, for others")
	flags.IntVar(&o.objects, "objects", 5000, "objects of one Application, for large")
	flags.IntVar(&o.rollouts, "rollouts", 500, "Rollouts, for rollouts")
	flags.IntVar(&o.hostile, "hostile", 20, "repositories that mean harm, for hostile")
	flags.IntVar(&o.pages, "pages", 200, "pages that are open, for pages")
	flags.StringVar(&o.plot, "plot", "", "FILE for a plot of how times grow with the number of Applications (SVG)")
	flags.StringVar(&o.tables, "tables", "", "FILE for the figures as Markdown tables; a page gets them between "+benchreport.Begin(benchmark)+" and "+benchreport.End(benchmark))
	flags.StringVar(&o.profiles, "profile", "", "DIR for profiles of the server, of each scenario")
	flags.StringVar(&o.pprof, "pprof", "", "ADDRESS at which the server serves its profiles (default: any)")
	flags.BoolVar(&o.heap, "heap", false, "print what holds the server's memory when it is idle")
	flags.DurationVar(&o.timeout, "timeout", time.Hour, "how long the whole may take")
	flags.Usage = func() {
		_, _ = fmt.Fprintln(out, "Measures what many Applications cost, each figure beside its limit.\n\nScenarios:")
		for _, one := range slices.Concat(manyApplications, alone) {
			_, _ = fmt.Fprintf(out, "  %-11s %s\n", one.name, one.what)
		}
		_, _ = fmt.Fprint(out, "\n"+examples+"\nFlags:\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unknown argument %q; see -help", flags.Arg(0))
	}
	return o, errors.Join(o.fill(*counts, *only), o.check())
}

// fill reads what is a list.
func (o *options) fill(counts, only string) error {
	for text := range strings.SplitSeq(counts, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("-n %s: invalid number of Applications %q", counts, text)
		}
		o.counts = append(o.counts, n)
	}
	slices.Sort(o.counts)
	var err error
	if o.only, err = selected(only); err != nil {
		return err
	}
	o.bin, err = filepath.Abs(o.bin)
	return err
}

func (o *options) check() error {
	for _, one := range []struct {
		name  string
		value int
		most  int
	}{{"samples", o.samples, 10_000}, {"others", o.others, 1_000_000}, {"objects", o.objects, 20_000}, {"rollouts", o.rollouts, 600}, {"hostile", o.hostile, 1000}, {"pages", o.pages, 300}} {
		if one.value < 1 || one.value > one.most {
			return fmt.Errorf("-%s %d: give a number from 1 to %d", one.name, one.value, one.most)
		}
	}
	if o.idleFor <= 0 {
		return fmt.Errorf("-idle %s: give a time above 0", o.idleFor)
	}
	return nil
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args, os.Stderr)
	if err != nil {
		return err
	}
	if o.profiles != "" {
		if err := os.MkdirAll(o.profiles, 0o700); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, fmt.Errorf("not done after %s (-timeout)", o.timeout))
	defer cancel()
	s, load := &sheet{out: os.Stdout}, benchreport.LoadAverage()
	curves, err := measure(ctx, o, s)
	fmt.Println(benchreport.Machine(load))
	if o.tables != "" {
		err = errors.Join(err, benchreport.Save(o.tables, benchmark, s.markdown(benchreport.Machine(load))))
	}
	if o.plot != "" && len(curves) > 0 {
		err = errors.Join(err, os.WriteFile(o.plot, []byte(drawing(curves)), 0o600))
	}
	return err
}
