package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/cyan-cd/cyan/localcluster/internal/config"
	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

const (
	// roomNeeded is the free space, in bytes, below which a cluster would soon stop working.
	roomNeeded   = 512 << 20
	eventsFile   = 3
	cleanUpLimit = 30 * time.Second
)

// UpResult is what Up found and did.
type UpResult struct {
	Status  Status
	Already bool
	Resumed bool
}

// Up returns when the cluster in dir can be used, and starts it if it does not run. When it cannot be started, nothing
// of the start is left.
func Up(ctx context.Context, dir state.Dir, options Options, progress func(string)) (UpResult, error) {
	lock, err := prepareAndLock(ctx, dir, progress)
	if err != nil {
		return UpResult{}, err
	}
	defer lock.Release()
	if dir.SupervisorPID() != 0 {
		result, err := upAlready(ctx, dir, options)
		if !errors.Is(err, errStopped) {
			return result, err
		}
		// It was about to end, as one that was killed is: it is started as any other that has stopped.
	}
	record, err := dir.Load()
	known := err == nil
	if err != nil && !errors.Is(err, state.ErrNone) {
		return UpResult{}, err
	}
	options, err = resolveOptions(dir, options, record, known, progress)
	if err == nil {
		err = removeLeftovers(dir)
	}
	if err == nil && options.Settings != nil {
		err = config.Save(dir, *options.Settings)
	}
	if err == nil {
		err = launch(ctx, dir, options, progress)
	}
	if err != nil {
		if !known {
			_ = dir.Remove()
		}
		return UpResult{}, err
	}
	status, err := Inspect(ctx, dir)
	return UpResult{Status: status, Resumed: known}, err
}

// prepareAndLock makes the directory and keeps other commands from it. A command that held it may have removed it.
func prepareAndLock(ctx context.Context, dir state.Dir, progress func(string)) (*state.Lock, error) {
	for {
		err := dir.Create()
		if errors.Is(err, unix.ENOSPC) {
			return nil, fmt.Errorf("the disk that holds %s is full: free some space, or choose another directory with --dir", dir.Path)
		}
		if err != nil {
			return nil, err
		}
		lock, err := dir.LockOperation(ctx, func() { progress("another command works on this cluster, waiting for it") })
		if err == nil {
			err = dir.Create() // what was removed while the lock was waited for
		}
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return lock, err
		}
	}
}

// resolveOptions decides what the cluster is to be, and checks that it can be.
func resolveOptions(dir state.Dir, options Options, record state.Record, known bool, progress func(string)) (Options, error) {
	if known {
		if err := record.Usable(dir.Path); err != nil {
			return options, err
		}
		if options.Mode == "" {
			options.Mode = record.Mode
		}
		if options.Mode != record.Mode {
			return options, fmt.Errorf("the cluster in %s has %s nodes: remove it with `cyan local down --delete --dir %s`, or choose another directory with --dir",
				dir.Path, record.Mode, state.ShellWord(dir.Path))
		}
	}
	if options.Mode == "" {
		options.Mode = chooseMode(progress)
	}
	if options.Mode == state.Real {
		if options.Nodes > 1 {
			return options, errors.New("a machine has one real node: leave --count out, or take --nodes simulated")
		}
		if err := checkReal(); err != nil {
			return options, err
		}
	}
	options, err := settle(options)
	if err != nil {
		return options, err
	}
	return options, checkRoom(dir.Path)
}

// settle fits what a file says to the mode of the cluster.
func settle(options Options) (Options, error) {
	if options.Settings == nil || options.Mode == state.Real {
		return options, nil
	}
	settings := *options.Settings
	if len(settings.Mounts) > 0 {
		return options, errors.New("mounts: simulated nodes have no files; leave it out of the file, or take a real node")
	}
	if options.Nodes == 0 {
		options.Nodes = settings.Simulated
	}
	settings.Simulated = 0 // there is no real node for them to be beside of
	options.Settings = &settings
	return options, nil
}

func chooseMode(progress func(string)) state.Mode {
	switch {
	case runtime.GOOS != "linux":
		progress("real nodes need Linux, so the nodes are simulated: pods change their phases and run nothing")
		return state.Simulated
	case os.Geteuid() != 0:
		progress("real nodes need root, so the nodes are simulated: pods change their phases and run nothing (for real ones: sudo)")
		return state.Simulated
	}
	return state.Real
}

func checkRoom(path string) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		return fmt.Errorf("measuring the space in %s: %w", path, err)
	}
	if free := fs.Bavail * uint64(fs.Bsize); free < roomNeeded {
		return fmt.Errorf("only %d MiB are free where %s is, and a cluster needs %d: free some space, or choose another directory with --dir",
			free>>20, path, roomNeeded>>20)
	}
	return nil
}

// errStopped is that a cluster has stopped while it was waited for.
var errStopped = errors.New("the cluster stopped while it was waited for")

// upAlready waits for a cluster that someone else is starting.
func upAlready(ctx context.Context, dir state.Dir, options Options) (UpResult, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		status, err := Inspect(ctx, dir)
		if err == nil && status.State == "running" {
			status.Notes = append(status.Notes, differences(status, options)...)
			status.Notes = append(status.Notes, settingsDiffer(dir, status.Mode, options)...)
			return UpResult{Status: status, Already: true}, nil
		}
		if dir.SupervisorPID() == 0 {
			return UpResult{}, errStopped
		}
		select {
		case <-ctx.Done():
			return UpResult{}, fmt.Errorf("the cluster's supervisor (process %d) does not get ready: run `cyan local down` and start it again", dir.SupervisorPID())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// settingsDiffer returns a note when a file says something else than what the cluster was started with.
func settingsDiffer(dir state.Dir, mode state.Mode, wanted Options) []string {
	if wanted.Mode == "" {
		wanted.Mode = mode
	}
	wanted, err := settle(wanted)
	if err != nil {
		return []string{err.Error()}
	}
	is, err := config.Load(dir)
	if wanted.Settings == nil || err == nil && equality.Semantic.DeepEqual(is, *wanted.Settings) {
		return nil
	}
	return []string{"--config: other settings than those that the cluster was started with; run `cyan local down` first to change them"}
}

func differences(status Status, wanted Options) []string {
	var notes []string
	if wanted.Mode != "" && wanted.Mode != status.Mode || wanted.Nodes > 0 && wanted.Nodes != status.Nodes ||
		wanted.APIPort > 0 && (&reservedPort{port: wanted.APIPort}).url() != status.APIServer ||
		wanted.IngressPort > 0 && (status.Ingress == nil || wanted.IngressPort != status.Ingress.Port) ||
		wanted.RegistryPort > 0 && (&reservedPort{port: wanted.RegistryPort}).address() != status.Registry {
		notes = append(notes, "nodes or ports: other than asked for now; run `cyan local down` first to change them")
	}
	return notes
}

// launch starts the supervisor in a session of its own and follows its start.
func launch(ctx context.Context, dir state.Dir, options Options, progress func(string)) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	log, err := os.OpenFile(dir.Log("supervisor"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the supervisor's log: %w", err)
	}
	defer log.Close()
	events, reports, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	defer events.Close()
	cmd := exec.Command(program, "supervise", "--dir", dir.Path, "--nodes", string(options.Mode), "--count", strconv.Itoa(options.Nodes),
		"--api-port", strconv.Itoa(options.APIPort), "--registry-port", strconv.Itoa(options.RegistryPort),
		"--ingress-port", strconv.Itoa(options.IngressPort), "--events", strconv.Itoa(eventsFile))
	if options.Without != nil {
		cmd.Args = append(cmd.Args, "--without="+strings.Join(options.Without, ","))
	}
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "GOGC=50")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{reports}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	_ = reports.Close()
	if err != nil {
		return fmt.Errorf("starting the supervisor: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		// Why it ended is in its events and its log.
		_ = cmd.Wait()
	}()
	err = followEvents(ctx, events, progress)
	if err == nil {
		return nil
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(cleanUpLimit):
		_ = cmd.Process.Kill()
		<-ended
	}
	if cleaning := removeLeftovers(dir); cleaning != nil {
		return errors.Join(err, cleaning)
	}
	return errors.Join(err, dir.RemoveRun())
}

// followEvents passes events on until the cluster is ready or will not be.
func followEvents(ctx context.Context, events *os.File, progress func(string)) error {
	type reading struct {
		event Event
		err   error
	}
	read := make(chan reading)
	go func() {
		for decoder := json.NewDecoder(events); ; {
			var r reading
			r.err = decoder.Decode(&r.event)
			select {
			case read <- r:
			case <-ctx.Done():
				return
			}
			if r.err != nil || r.event.Ready || r.event.Error != "" {
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return errors.New("the start was interrupted, and what was started is stopped")
		case r := <-read:
			switch {
			case r.err != nil:
				return errors.New("the supervisor ended without saying why: see `cyan local logs supervisor`")
			case r.event.Error != "":
				return errors.New(r.event.Error)
			case r.event.Ready:
				return nil
			}
			progress(r.event.Text)
		}
	}
}
