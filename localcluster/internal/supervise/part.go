// Package supervise starts programs, watches over them, starts those that die again, and stops them.
package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// State is where a part is in its life.
type State string

// The states that a part goes through.
const (
	Starting   State = "starting"
	Running    State = "running"
	Restarting State = "restarting"
	Stopped    State = "stopped"
)

const (
	firstDelay = 100 * time.Millisecond
	maxDelay   = 5 * time.Second
	// stableAfter is how long a part has to run before its next death counts as the first.
	stableAfter = 30 * time.Second
	// maxEarlyExits is how often a part may die before it was ready once.
	maxEarlyExits = 6
	probeEvery    = 25 * time.Millisecond
)

// Spec is how to run a part.
type Spec struct {
	Name    string
	Command []string
	Env     []string
	// Files are inherited from file descriptor 4 on; 3 is the pipe by which a part notices that its supervisor is gone.
	Files []*os.File
	// Log takes what the part writes.
	Log string
	// Start launches the process; nil means (*exec.Cmd).Start.
	Start func(*exec.Cmd) error
	// Ready returns nil once the part serves; nil means as soon as it runs.
	Ready func(context.Context) error
	// Grace is how long the part has between SIGTERM and SIGKILL.
	Grace time.Duration
}

// Status is what can be said of a part.
type Status struct {
	Name     string    `json:"name"`
	State    State     `json:"state"`
	PID      int       `json:"pid"`
	Restarts int       `json:"restarts"`
	Since    time.Time `json:"since"`
	// LastExit is how the part ended the last time, when it did.
	LastExit string `json:"lastExit,omitempty"`
}

// Part is a program that is kept running.
type Part struct {
	spec           Spec
	supervisorPipe *os.File

	stop    chan struct{}
	stopped chan struct{}
	ready   chan struct{}
	failed  chan struct{}

	mu     sync.Mutex
	status Status
	once   sync.Once
}

// Status is a copy of the part's status.
func (p *Part) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// Wait returns nil once the part has been ready, or why it will not be.
func (p *Part) Wait(ctx context.Context) error {
	select {
	case <-p.ready:
		return nil
	case <-p.failed:
		return p.startError()
	case <-p.stopped:
		return fmt.Errorf("%s was stopped before it was ready", p.spec.Name)
	case <-ctx.Done():
		return fmt.Errorf("waiting for %s: %w", p.spec.Name, context.Cause(ctx))
	}
}

// StartError is the error of a part that dies whenever it is started.
type StartError struct {
	Part, Exit string
	// Line is the last that the part wrote.
	Line string
}

func (p *Part) startError() error {
	return &StartError{Part: p.spec.Name, Exit: p.Status().LastExit, Line: lastLine(p.spec.Log)}
}

func (e *StartError) Error() string {
	if strings.Contains(e.Line, "no space left on device") {
		return fmt.Sprintf("%s cannot be started: the disk is full: free some space where the cluster's directory is", e.Part)
	}
	if e.Line == "" {
		return fmt.Sprintf("%s cannot be started: %s", e.Part, e.Exit)
	}
	return fmt.Sprintf("%s cannot be started: %s: %s", e.Part, e.Exit, e.Line)
}

// Stop ends the part and returns when it is gone.
func (p *Part) Stop() {
	p.once.Do(func() { close(p.stop) })
	<-p.stopped
}

func (p *Part) run() {
	defer close(p.stopped)
	delay := firstDelay
	for {
		began := time.Now()
		err := p.runOnce()
		if p.stopping() {
			p.set(func(s *Status) { s.State, s.PID = Stopped, 0 })
			return
		}
		if time.Since(began) > stableAfter {
			delay = firstDelay
		}
		p.set(func(s *Status) {
			s.State, s.PID, s.LastExit = Restarting, 0, exitReason(err)
			s.Restarts++
		})
		p.failWaiters()
		select {
		case <-p.stop:
			p.set(func(s *Status) { s.State = Stopped })
			return
		case <-time.After(delay):
		}
		delay = min(2*delay, maxDelay)
	}
}

// failWaiters ends the wait for a part that dies over and over. It goes on being started.
func (p *Part) failWaiters() {
	select {
	case <-p.ready:
	case <-p.failed:
	default:
		if p.Status().Restarts >= maxEarlyExits {
			close(p.failed)
		}
	}
}

// runOnce runs the process once, until it ends or is stopped.
func (p *Part) runOnce() error {
	log, err := os.OpenFile(p.spec.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := p.command(log)
	start := p.spec.Start
	if start == nil {
		start = (*exec.Cmd).Start
	}
	if err := start(cmd); err != nil {
		return err
	}
	p.set(func(s *Status) { s.State, s.PID = Starting, cmd.Process.Pid })
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go p.probe(ctx)

	select {
	case err := <-ended:
		return err
	case <-p.stop:
	}
	cancel()
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-ended:
		return err
	case <-time.After(p.spec.Grace):
	}
	_ = cmd.Process.Kill()
	return <-ended
}

func (p *Part) command(log *os.File) *exec.Cmd {
	cmd := exec.Command(p.spec.Command[0])
	cmd.Args = append([]string{p.spec.Name}, p.spec.Command[1:]...)
	cmd.Env = append(p.spec.Env, supervisorPipeEnv+"=3")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = append([]*os.File{p.supervisorPipe}, p.spec.Files...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C in a terminal is not for the parts
	return cmd
}

// probe marks the part as running once it answers.
func (p *Part) probe(ctx context.Context) {
	for p.spec.Ready != nil {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := p.spec.Ready(attempt)
		cancel()
		if err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(probeEvery):
		}
	}
	if ctx.Err() != nil {
		return
	}
	p.set(func(s *Status) { s.State = Running })
	select {
	case <-p.ready:
	default:
		close(p.ready)
	}
}

func (p *Part) stopping() bool {
	select {
	case <-p.stop:
		return true
	default:
		return false
	}
}

func (p *Part) set(change func(*Status)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.status.State
	change(&p.status)
	if p.status.State != before {
		p.status.Since = time.Now().UTC().Truncate(time.Second)
	}
}

func exitReason(err error) string {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "ended by itself"
	case errors.As(err, &exit):
		return exit.String()
	default:
		return err.Error()
	}
}
