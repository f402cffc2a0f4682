package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// world is what the scenarios of one cluster share.
type world struct {
	options
	// n is the number of Applications.
	n       int
	dir     string
	sheet   *sheet
	cluster *cluster
	host    *gitHost
	repo    *repository
	server  *server
	// processors are those that the server may use; "" for all.
	processors string
	// running is server, for those who look at it from aside.
	running atomic.Pointer[server]

	apps   *seen[*v1alpha1.Application]
	maps   *seen[*corev1.ConfigMap]
	leases *seen[*coordinationv1.Lease]

	limits limits
	curve  curve
}

// limits are what the machine can do.
type limits struct {
	// bare is the time in which a bare client applies all objects.
	bare time.Duration
	// clone and fetch are git's times for everything and for one commit, render that of one render, and apply that of one
	// object, until a watch shows it.
	clone, fetch, render, apply time.Duration
}

// one is the least time from a commit to its object.
func (l limits) one() time.Duration { return l.fetch + l.render + l.apply }

// inWorld makes a cluster and a git host, has them used, and removes everything again.
func inWorld(ctx context.Context, o options, s *sheet, nodes int, use func(context.Context, *world) error) (err error) {
	dir, err := os.MkdirTemp("", "cyan-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	c, err := startCluster(ctx, filepath.Join(o.bin, "cyan-local"), filepath.Join(dir, "cluster"), nodes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.delete()) }()
	host, err := serveGit(ctx, dir, endless{})
	if err != nil {
		return err
	}
	defer host.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := &world{options: o, dir: dir, sheet: s, cluster: c, host: host}
	if w.leases, err = watch(ctx, c, &coordinationv1.Lease{}, control); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	return use(ctx, w)
}

func (w *world) start(ctx context.Context) error {
	var err error
	w.server, err = startServer(ctx, filepath.Join(w.bin, "cyan"), w.cluster.kubeconfig, w.dir, w.pprof, w.processors)
	w.running.Store(w.server)
	return err
}

// stop ends the server, if it runs.
func (w *world) stop() error {
	if w.server == nil {
		return nil
	}
	err := w.server.stop()
	w.server = nil
	w.running.Store(nil)
	return err
}

func (w *world) restart(ctx context.Context) error {
	if err := w.stop(); err != nil {
		return err
	}
	return w.start(ctx)
}

const (
	// quiet is how long a server that has settled does nothing, and murmur the CPU time that it may use meanwhile.
	quiet  = 2 * time.Second
	murmur = 60 * time.Millisecond
)

// settle waits until the server has nothing to do, and returns what it had used up by then. Until it seems to be quiet
// nothing is asked of it, since answering costs CPU time as well.
func (w *world) settle(ctx context.Context) (usage, error) {
	for {
		if err := w.calm(ctx); err != nil {
			return usage{}, err
		}
		cpu, err := w.server.cpu()
		if err != nil {
			return usage{}, err
		}
		before, err := w.server.usage(ctx)
		if err != nil {
			return usage{}, err
		}
		if err := w.calm(ctx); err != nil {
			return usage{}, err
		}
		after, err := w.server.usage(ctx)
		if err != nil {
			return usage{}, err
		}
		if now := after.since(before); now.looks == 0 && now.writes() <= 1 {
			after.cpu = cpu
			return after, nil
		}
	}
}

// calm waits until the server has used nearly no CPU time for a while.
func (w *world) calm(ctx context.Context) error {
	cpu, err := w.server.cpu()
	if err != nil {
		return err
	}
	since := time.Now()
	return until(ctx, outcomeTimeout, func(context.Context) (bool, error) {
		now, err := w.server.cpu()
		if now > cpu+murmur {
			cpu, since = now, time.Now()
		}
		return time.Since(since) >= quiet, err
	})
}

// since is what was used after before was taken, up to now.
func (w *world) since(ctx context.Context, before usage) (usage, error) {
	cpu, err := w.server.cpu()
	if err != nil {
		return usage{}, err
	}
	now, err := w.server.usage(ctx)
	now.cpu = cpu
	return now.since(before), err
}
