// Command benchdev measures what it takes from a save to the answer of new code with `cyan dev`: on real pods, stage by
// stage, beside what the compiler and the kubelet take alone, and beside a script that does the same with the usual
// programs.
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
	"strings"
	"syscall"
	"time"

	"github.com/cyan-cd/cyan/hack/benchreport"
)

func main() {
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
	bin, example, tables string
	only                 []string
	samples, files       int
	idleFor, timeout     time.Duration
	trace                bool
}

// scenario measures one thing.
type scenario struct {
	name, what string
	run        func(context.Context, *bench) error
}

var scenarios = []scenario{
	{"save", "a save of the example's Go program → the new code answers", measureSaves},
	{"other", "the same by a script: go build, buildah, image load, kubectl apply", measureScript},
	{"docker", "the same by the Dockerfile: buildah bud, image load, kubectl apply", measureDockerfile},
	{"sync", "a save of a file that is copied → it is served", measureSync},
	{"start", "`cyan dev` from its start to the first answer", measureStarts},
	{"idle", "a loop that waits, on a tree of many files", measureIdle},
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("benchdev", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.bin, "bin", "bin", "directory of the programs cyan and cyan-local")
	flags.StringVar(&o.example, "example", "examples/request-counter", "directory of the example")
	only := flags.String("only", "", "scenarios to measure, with commas between them (default: all)")
	flags.IntVar(&o.samples, "samples", 12, "how often each is repeated")
	flags.IntVar(&o.files, "files", 20_000, "files of the tree, for idle")
	flags.DurationVar(&o.idleFor, "idle", time.Minute, "how long a loop that waits is looked at")
	flags.StringVar(&o.tables, "tables", "", "FILE for the figures as a Markdown table; a page gets it between "+benchreport.Begin(benchmark)+" and "+benchreport.End(benchmark))
	flags.BoolVar(&o.trace, "trace", false, "print what the loop prints, and each sample")
	flags.DurationVar(&o.timeout, "timeout", 20*time.Minute, "how long the whole may take")
	flags.Usage = func() {
		_, _ = fmt.Fprintln(out, "Measures `cyan dev` on a cluster with real pods.\n\nScenarios:")
		for _, one := range scenarios {
			_, _ = fmt.Fprintf(out, "  %-6s %s\n", one.name, one.what)
		}
		_, _ = fmt.Fprintln(out, "\nFlags:")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unknown argument %q; see -help", flags.Arg(0))
	}
	return o, o.check(*only)
}

// check completes the options.
func (o *options) check(only string) error {
	for name := range strings.SplitSeq(only, ",") {
		if name == "" {
			continue
		}
		if !slices.ContainsFunc(scenarios, func(s scenario) bool { return s.name == name }) {
			return fmt.Errorf("-only %s: scenario %q not found; see -help", only, name)
		}
		o.only = append(o.only, name)
	}
	if o.samples < 1 || o.files < 1 || o.idleFor <= 0 {
		return errors.New("-samples, -files and -idle: give numbers above 0")
	}
	var errs [2]error
	o.bin, errs[0] = filepath.Abs(o.bin)
	o.example, errs[1] = filepath.Abs(o.example)
	return errors.Join(errs[:]...)
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args, os.Stderr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, fmt.Errorf("not done after %s (-timeout)", o.timeout))
	defer cancel()
	load := benchreport.LoadAverage()
	s := &sheet{out: os.Stdout}
	err = inCluster(ctx, o, s, func(b *bench) error {
		var errs []error
		for _, one := range scenarios {
			if len(o.only) > 0 && !slices.Contains(o.only, one.name) || ctx.Err() != nil {
				continue
			}
			if err := one.run(ctx, b); err != nil {
				s.add(row{what: one.what, failed: err.Error()})
				errs = append(errs, fmt.Errorf("%s: %w", one.name, err))
			}
		}
		return errors.Join(errs...)
	})
	fmt.Println(benchreport.Machine(load))
	if o.tables != "" {
		err = errors.Join(err, benchreport.Save(o.tables, benchmark, s.markdown(benchreport.Machine(load))))
	}
	return err
}
