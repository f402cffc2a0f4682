package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// profileEach is how long one profile of the CPU lasts.
const profileEach = 10 * time.Second

// profile takes profiles of the server's CPU time as long as a scenario runs, and one of its memory at the end, if a
// folder for them was named. What it returns ends that.
func (w *world) profile(ctx context.Context, name string) (stop func()) {
	if w.profiles == "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var taking sync.WaitGroup
	taking.Go(func() {
		for k := 0; ctx.Err() == nil; k++ {
			w.takeProfile(ctx, fmt.Sprintf("%s-cpu-%02d", name, k), fmt.Sprintf("profile?seconds=%d", int(profileEach.Seconds())))
			_ = pass(ctx, pollEvery)
		}
	})
	return func() {
		w.takeProfile(ctx, name+"-heap", "heap?gc=1")
		cancel()
		taking.Wait()
	}
}

// takeProfile writes a profile into a file. One that can't be had, because the server is being started again for
// example, is left out.
func (w *world) takeProfile(ctx context.Context, file, what string) {
	s := w.running.Load()
	if s == nil {
		return
	}
	if profile, err := get(ctx, s.profiles, "/debug/pprof/"+what); err == nil {
		_ = os.WriteFile(filepath.Join(w.profiles, file+".pb.gz"), profile, 0o600)
	}
}

// printHeap prints what holds the server's memory, if that is asked for.
func (w *world) printHeap(ctx context.Context) error {
	if !w.heap {
		return nil
	}
	cmd := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-nodecount=30", "-sample_index=inuse_space", "http://"+w.server.profiles+"/debug/pprof/heap?gc=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
