package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

func main() {
	ctrl.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error: "+err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	counts := flag.String("n", "1000", "numbers of Applications, with commas between them; each is a run of its own")
	bin := flag.String("bin", "bin", "directory of the programs cyan and cyan-local")
	plot := flag.String("plot", "", "file for a plot of how cost grows with the number of Applications (SVG)")
	samples := flag.Int("samples", 20, "how often a small thing is repeated: a commit to one Application, an object deleted by hand")
	flag.Parse()
	var results []result
	for _, text := range strings.Split(*counts, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("-n %s: %q is not a number of Applications", *counts, text)
		}
		r, err := measure(ctx, *bin, n, *samples)
		if err != nil {
			return err
		}
		results = append(results, r)
	}
	if *plot == "" {
		return nil
	}
	return os.WriteFile(*plot, []byte(drawing(results)), 0o600)
}

// measure makes a cluster and a repository of n Applications, measures, prints, and removes everything again.
func measure(ctx context.Context, bin string, n, samples int) (r result, err error) {
	dir, err := os.MkdirTemp("", "cyan-bench-")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program, err := filepath.Abs(bin)
	if err != nil {
		return r, err
	}
	c, err := startCluster(ctx, filepath.Join(program, "cyan-local"), filepath.Join(dir, "cluster"))
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, c.delete()) }()
	repo, err := serveRepository(ctx, dir)
	if err != nil {
		return r, err
	}
	defer repo.close()
	b := &bench{n: n, samples: samples, dir: dir, program: filepath.Join(program, "cyan"), cluster: c, repo: repo}
	defer func() { err = errors.Join(err, b.stop()) }()
	fmt.Printf("%d Applications\n", n)
	if err := b.run(ctx); err != nil {
		return r, err
	}
	return b.result, nil
}
