// Package demo shows the way of a commit on a real cluster, while it happens: the commit is pushed, built, set and
// committed back, synced, brought up beside the running version, and given the traffic, while a client sends requests
// and counts what fails.
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

	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/controller"
)

// Options are where the demo happens, and how long it goes on.
type Options struct {
	// LocalProgram carries the local cluster; LocalDir and Nodes are passed on to it when they are set. They are not
	// used with Context.
	LocalProgram, LocalDir, Nodes string
	// Context of the Kubeconfig is a cluster that is there already, and Registry HOST/PATH is where this machine pushes
	// images and the cluster pulls them. DataDir is where the demo keeps its repositories then.
	Context, Kubeconfig, Registry, DataDir string
	// Config is how the cluster of the Context is reached.
	Config *rest.Config
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
	// Version is that of the program.
	Version string
	// Browse opens the page where there is a desktop.
	Browse bool
}

// session is one run of the demo: all that is up for it, and where it is printed.
type session struct {
	Options
	*printer
	target     *target
	repo       *devRepo
	deliveries deliveries
	webhook    string
	page       page
	watcher    *watcher
	load       *Load
	logFile    string
}

// Run shows the way of one commit after another. It returns an error when one of them did not get the traffic.
func Run(ctx context.Context, o Options) (Summary, error) {
	if err := findExample(o.Example); err != nil {
		return Summary{}, err
	}
	if err := findCompiler(); err != nil {
		return Summary{}, err
	}
	o.Rounds = max(o.Rounds, 1)
	s := &session{Options: o, printer: newPrinter(o.Out, o.Terminal)}
	defer s.close()
	ctx, cancel := context.WithCancelCause(ctx)
	background := newBackground(cancel)
	defer background.wait()
	defer cancel(nil)
	background.run(ctx, s.keepRedrawing)

	s.title("Cyan: a commit on its way to live traffic")
	s.line("")
	if err := s.setUp(ctx, background); err != nil {
		return Summary{}, because(ctx, err)
	}
	summary, err := s.run(ctx)
	if err != nil {
		return summary, because(ctx, withLog(err, s.logFile))
	}
	return summary, nil
}

// because returns the reason why ctx ended rather than what followed from it.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, context.Canceled) {
		return cause
	}
	return err
}

func withLog(err error, file string) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w\nWhat the controllers did is in %s", err, file)
}

// setUp starts all that the demo needs: cluster, git server, Cyan itself.
func (s *session) setUp(ctx context.Context, background *background) error {
	start := time.Now()
	var err error
	s.status("starting the cluster")
	if s.Context != "" {
		s.target, err = otherCluster(ctx, s.Options)
	} else {
		s.target, err = localCluster(ctx, s.Options, s.status)
	}
	if err != nil {
		return err
	}
	s.done("cluster", s.target.about, time.Since(start))
	if s.target.simulated {
		s.warn("pods are simulated here: they change their phases and run nothing, and a request means finding the ready pod that the Service would send it to.")
		s.warn("Everything else is real: git, images, the API server, Cyan. For real pods, run it as root on Linux.")
	}
	s.done("registry", s.target.registry, 0)

	start = time.Now()
	if err := s.startServer(ctx, background); err != nil {
		return err
	}
	s.done("cyan", "controllers, and webhooks at "+s.webhook, time.Since(start))
	s.showPage(ctx)
	s.repo, err = openDevRepo(ctx, s.target.dir, func() {
		if err := sendWebhook(ctx, s.webhook, s.repo.url); err != nil && ctx.Err() == nil {
			s.warn(err.Error())
		}
	})
	if err != nil {
		return err
	}
	s.deliveries = deliveries{target: s.target, url: s.repo.url, progress: s.status}
	background.run(ctx, s.repo.serve)
	s.done("git server", s.repo.url, 0)
	return nil
}

// showPage prints where the page is, and opens it.
func (s *session) showPage(ctx context.Context) {
	for _, line := range s.page.lines() {
		s.line(line)
	}
	if s.Browse && s.page.address != "" && openInBrowser(ctx, s.page.address, os.Getenv) == nil {
		s.line("  (opened in the browser)")
	}
}

// startServer runs the controllers, as `cyan server` does, and returns when they work.
func (s *session) startServer(ctx context.Context, background *background) error {
	s.status("starting the controllers")
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening on 127.0.0.1: %w", err)
	}
	s.webhook = "http://" + listener.Addr().String() + "/api/webhook"
	s.logFile = filepath.Join(s.target.dir, "server.log")
	log, err := os.OpenFile(s.logFile, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing the log: %w", err)
	}
	onPage, err := listenForPage(ctx)
	if err != nil {
		return errors.Join(fmt.Errorf("listening for the page: %w", err), log.Close())
	}
	started, serving := make(chan struct{}), make(chan string, 1)
	background.run(ctx, func(ctx context.Context) error {
		defer log.Close()
		return controller.Run(ctx, s.target.config, controller.Options{
			MirrorDir: filepath.Join(s.target.dir, "mirrors"), Listener: listener, Started: func() { close(started) },
			API: controller.API{Listener: onPage, Version: s.Version, Serving: func(address string, _ bool) { serving <- address }},
			Log: slog.New(slog.NewTextHandler(log, nil)),
		})
	})
	select {
	case <-started:
		s.page, err = awaitPage(ctx, s.target, serving)
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
