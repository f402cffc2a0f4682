package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/cyan-cd/cyan/localcluster/internal/config"
	"github.com/cyan-cd/cyan/localcluster/internal/expose"
	"github.com/cyan-cd/cyan/localcluster/internal/registry"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
	"github.com/cyan-cd/cyan/localcluster/internal/supervise"
)

// startLimit is how long a start may take before it is given up.
const startLimit = 3 * time.Minute

// placement is where the parts run: on this machine as it is, or in namespaces of the cluster's own.
type placement struct {
	// start launches a part there.
	start func(*exec.Cmd) error
	// exited is closed when the namespaces are gone, and every part with it.
	exited <-chan struct{}
}

// supervisor holds one cluster while it runs.
type supervisor struct {
	dir    state.Dir
	record state.Record
	// settings are what the user's file says.
	settings config.Settings
	program  string

	api, registryPort *reservedPort
	// ingressPort is nil when nothing is served there.
	ingressPort *reservedPort
	ingress     *IngressStatus
	// egress is nil when pods have no way out; egressNote is why, when it is wanted.
	egress     *EgressStatus
	egressNote string
	account    registry.Account
	placement  placement
	group      *supervise.Group
	ports      func() []expose.Port

	mu    sync.Mutex
	phase string
	since time.Time
	stop  context.CancelFunc
}

// Supervise runs the cluster that options describe in dir until it is told to stop, and tells events how the start
// goes.
func Supervise(dir state.Dir, options Options, events *os.File) error {
	report := reporter(events)
	lock, err := dir.LockSupervisor()
	if err != nil {
		return err
	}
	defer lock.Release()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	s := &supervisor{dir: dir, phase: "starting", stop: stop, ports: func() []expose.Port { return nil }}
	err = s.serve(ctx, options, report)
	if err != nil {
		report(Event{Error: err.Error()})
	}
	return err
}

func reporter(to *os.File) func(Event) {
	if to == nil {
		return func(Event) {}
	}
	encoder := json.NewEncoder(to)
	return func(e Event) { _ = encoder.Encode(e) } // who listened may be gone
}

func (s *supervisor) serve(ctx context.Context, options Options, report func(Event)) error {
	var err error
	if s.program, err = os.Executable(); err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	if err := s.prepare(options); err != nil {
		return err
	}
	defer s.api.close()
	defer s.registryPort.close()
	defer s.ingressPort.close()
	if s.group, err = supervise.NewGroup(); err != nil {
		return err
	}
	server, err := serveControl(s.dir, s.status, s.stop)
	if err != nil {
		return err
	}
	defer server.Close()
	defer func() { _ = s.dir.RemoveRun() }()
	limited, cancel := s.limitStart(ctx)
	run, err := s.start(limited, report)
	cancel(nil)
	defer run.stop()
	if err != nil {
		return err
	}
	s.enter("running")
	report(Event{Ready: true})
	slog.Info("cluster is ready", "dir", s.dir.Path, "mode", s.record.Mode)
	return s.watch(ctx)
}

// limitStart ends a start that takes too long, or in which a part dies over and over.
func (s *supervisor) limitStart(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		limit := time.After(startLimit)
		for {
			select {
			case <-ctx.Done():
				return
			case <-limit:
				cancel(fmt.Errorf("longer than %s", startLimit))
			case <-tick.C:
				if err := s.group.FailedPart(); err != nil {
					cancel(err)
				}
			}
		}
	}()
	return ctx, cancel
}

// watch lasts until the cluster is to stop.
func (s *supervisor) watch(ctx context.Context) error {
	trim := time.NewTicker(30 * time.Second)
	defer trim.Stop()
	for {
		select {
		case <-ctx.Done():
			s.enter("stopping")
			slog.Info("cluster stops", "dir", s.dir.Path)
			return nil
		case <-s.placement.exited:
			return fmt.Errorf("the cluster's namespaces are gone: start it again with `cyan local up`")
		case <-trim.C:
			s.group.RotateLogs()
		}
	}
}

// prepare takes the ports and writes the record. Nothing runs yet.
func (s *supervisor) prepare(options Options) error {
	record, err := s.dir.Load()
	if err != nil {
		record = state.NewRecord(options.Mode, 0)
	}
	record.Kubernetes, record.Mode = state.Kubernetes, options.Mode
	if options.Nodes > 0 {
		record.Nodes = options.Nodes
	}
	record.Nodes = max(record.Nodes, 1)
	if options.Without != nil {
		record.Without = options.Without
	}
	if s.api, err = reservePort(options.APIPort, record.APIPort, "--api-port"); err != nil {
		return err
	}
	if s.registryPort, err = reservePort(options.RegistryPort, record.RegistryPort, "--registry-port"); err != nil {
		return err
	}
	record.APIPort, record.RegistryPort = s.api.port, s.registryPort.port
	if s.ingressPort, err = reserveIngress(options, record); err != nil {
		return err
	}
	if s.ingressPort != nil {
		record.IngressPort = s.ingressPort.port
	}
	s.record = record
	if s.settings, err = config.Load(s.dir); err != nil {
		return err
	}
	if err := s.dir.MakeRun(); err != nil {
		return err
	}
	if s.account, err = registry.OpenAccount(s.dir.RegistryPassword()); err != nil {
		return err
	}
	if err := s.account.WriteLogin(s.dir.RegistryLogin(), s.registryPort.address()); err != nil {
		return err
	}
	return s.dir.Save(record)
}

func (s *supervisor) enter(phase string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phase, s.since = phase, time.Now().UTC().Truncate(time.Second)
}

func (s *supervisor) status() Status {
	s.mu.Lock()
	phase, since, ports, ingress := s.phase, s.since, s.ports, s.ingress
	egress, egressNote := s.egress, s.egressNote
	s.mu.Unlock()
	status := describe(s.dir, s.record)
	status.State, status.Supervisor, status.Ingress, status.Egress = phase, os.Getpid(), ingress, egress
	status.Notes, status.Beside = append(status.Notes, ingress.notes()...), s.settings.Simulated
	if egressNote != "" {
		status.Notes = append(status.Notes, egressNote)
	}
	if !since.IsZero() {
		status.Since = &since
	}
	status.Parts = s.group.Status()
	if listed := ports(); listed != nil {
		status.Ports = listed
	}
	status.Ready = phase == "running"
	for _, part := range status.Parts {
		status.Ready = status.Ready && part.State == supervise.Running
	}
	return status
}

// describe is what can be said without a supervisor.
func describe(dir state.Dir, record state.Record) Status {
	status := Status{
		State: "stopped", Mode: record.Mode, Nodes: record.Nodes, Kubernetes: record.Kubernetes, Dir: dir.Path, Kubeconfig: dir.Kubeconfig(), Context: record.Context,
		Parts: []supervise.Status{}, Ports: []expose.Port{},
	}
	status.APIServer = (&reservedPort{port: record.APIPort}).url()
	status.Registry = (&reservedPort{port: record.RegistryPort}).address()
	if record.Mode == state.Simulated {
		status.Notes = append(status.Notes, "pods are simulated: they change their phases, run nothing and serve no traffic")
	}
	return status
}
