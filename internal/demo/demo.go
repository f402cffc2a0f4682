// Package demo tells the whole story on a real cluster, while it happens: a commit is pushed, built, set and committed back, synced, brought up beside the running version, and given
// the traffic, while a client sends requests and counts what fails.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/controller"
)

// Options say where the story happens.
type Options struct {
	// LocalProgram carries the local cluster; LocalDir and Nodes are passed on to it when they are set. They are not used with Context.
	LocalProgram, LocalDir, Nodes string
	// Context of the Kubeconfig is a cluster that is there already, and Registry HOST/PATH is where this machine pushes images and the cluster pulls them. DataDir is where the demo keeps
	// its repositories then.
	Context, Kubeconfig, Registry, DataDir string
	// Example is the folder examples/request-counter.
	Example string
	// Edit changes the example before its first commit; nil leaves it as it is.
	Edit func(dir string) error
	// Rounds are the changes that are pushed; 1 when zero.
	Rounds int
	// Stay goes on after them, and delivers what is pushed, until ctx ends.
	Stay bool
	Out  io.Writer
	// Terminal is what Out is.
	Terminal term.Terminal
}

// stage is everything that is up while the story is told.
type stage struct {
	Options
	*narrator
	ground  *ground
	shop    *workshop
	webhook string
	watcher *watcher
	load    *Load
	logFile string
}

// Run tells the story. It returns an error when the story did not come to its end.
func Run(ctx context.Context, o Options) (Summary, error) {
	if err := findExample(o.Example); err != nil {
		return Summary{}, err
	}
	o.Rounds = max(o.Rounds, 1)
	s := &stage{Options: o, narrator: newNarrator(o.Out, o.Terminal)}
	defer s.quiet()
	ctx, cancel := context.WithCancelCause(ctx)
	background := newBackground(cancel)
	defer background.wait()
	defer cancel(nil)
	background.run(ctx, s.ticking)

	s.title("Cyan: a commit on its way to live traffic")
	s.line("")
	if err := s.build(ctx, background); err != nil {
		return Summary{}, because(ctx, err)
	}
	summary, err := s.perform(ctx)
	if err != nil {
		return summary, because(ctx, s.withLog(err))
	}
	return summary, nil
}

// because gives the reason why ctx ended rather than what followed from it.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, context.Canceled) {
		return cause
	}
	return err
}

func (s *stage) withLog(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w\nWhat the controllers did is in %s", err, s.logFile)
}

func (s *stage) ticking(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.tick()
		}
	}
}

// build puts up everything that the story needs: cluster, git server, Cyan itself.
func (s *stage) build(ctx context.Context, background *background) error {
	start := time.Now()
	var err error
	s.now("starting the cluster")
	if s.Context != "" {
		s.ground, err = otherCluster(ctx, s.Options)
	} else {
		s.ground, err = localCluster(ctx, s.Options, s.now)
	}
	if err != nil {
		return err
	}
	s.have("cluster", s.ground.about, time.Since(start))
	if s.ground.simulated {
		s.warn("pods are simulated here: they change their phases and run nothing, and a request means finding the ready pod that the Service would send it to.")
		s.warn("Everything else is real: git, images, the API server, Cyan. For real pods, run it as root on Linux.")
	}
	s.have("registry", s.ground.registry, 0)

	start = time.Now()
	if err := s.startServer(ctx, background); err != nil {
		return err
	}
	s.have("cyan", "controllers, and webhooks at "+s.webhook, time.Since(start))
	s.shop, err = openWorkshop(ctx, s.ground.dir, func() {
		if err := tell(ctx, s.webhook, s.shop.url); err != nil && ctx.Err() == nil {
			s.warn(err.Error())
		}
	})
	if err != nil {
		return err
	}
	background.run(ctx, s.shop.serve)
	s.have("git server", s.shop.url, 0)
	return nil
}

// startServer runs the controllers, as `cyan server` does, and returns when they work.
func (s *stage) startServer(ctx context.Context, background *background) error {
	s.now("starting the controllers")
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening on 127.0.0.1: %w", err)
	}
	s.webhook = "http://" + listener.Addr().String() + "/api/webhook"
	s.logFile = filepath.Join(s.ground.dir, "server.log")
	log, err := os.OpenFile(s.logFile, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing the log: %w", err)
	}
	started := make(chan struct{})
	background.run(ctx, func(ctx context.Context) error {
		defer log.Close()
		return controller.Run(ctx, s.ground.config, controller.Options{
			MirrorDir: filepath.Join(s.ground.dir, "mirrors"), Listener: listener, Started: func() { close(started) },
			Log: slog.New(slog.NewTextHandler(log, nil)),
		})
	})
	select {
	case <-started:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
