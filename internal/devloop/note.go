package devloop

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/apply"
)

// RunNote is what a loop leaves on this machine while it runs, so that what it made is found after a crash.
type RunNote struct {
	// Host is the API server, and Context that of the kubeconfig.
	Host, Context string
	Namespace     string
	// Loop is the name of the loop, which its objects are marked with.
	Loop string
	// Own is set when the namespace was made by the loop.
	Own bool
	// Application is the one that a loop in place has the objects of, as NAMESPACE/NAME, and Lease the UID of its hold.
	Application, Lease string
	// Root is the folder of the project.
	Root    string
	PID     int
	Started time.Time
	// Made are the objects that the loop has made, beside those in a namespace of its own.
	Made []Made

	path string
}

// Made is an object that a loop has made.
type Made struct {
	Group, Version, Kind, Namespace, Name string
	UID                                   string
}

func madeOf(ref apply.Ref, uid string) Made {
	return Made{Group: ref.Kind.Group, Version: ref.Kind.Version, Kind: ref.Kind.Kind, Namespace: ref.Namespace, Name: ref.Name, UID: uid}
}

func (m Made) ref() apply.Ref {
	return apply.Ref{Kind: schema.GroupVersionKind{Group: m.Group, Version: m.Version, Kind: m.Kind}, Namespace: m.Namespace, Name: m.Name}
}

// Alive reports whether the loop still runs on this machine.
func (n RunNote) Alive() bool {
	if n.PID <= 0 || n.PID == os.Getpid() {
		return false
	}
	process, err := os.FindProcess(n.PID)
	return err == nil && process.Signal(syscall.Signal(0)) == nil
}

// Notes are those of all loops whose end nobody has seen to, in a folder.
func Notes(folder string) ([]RunNote, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("reading the notes of dev loops in %s: %w", folder, err)
	}
	var all []RunNote
	for _, file := range files {
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		note := RunNote{path: file}
		if err == nil {
			err = json.Unmarshal(data, &note)
		}
		if err != nil {
			return all, fmt.Errorf("reading the note of a dev loop in %s: %w", file, err)
		}
		all = append(all, note)
	}
	return all, nil
}

// write keeps the note, whole or not at all.
func (n RunNote) write() error {
	data, err := json.MarshalIndent(n, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(n.path), 0o700)
	}
	if err == nil {
		err = os.WriteFile(n.path+".new", data, 0o600)
	}
	if err == nil {
		err = os.Rename(n.path+".new", n.path)
	}
	if err != nil {
		return fmt.Errorf("noting what the loop makes: %w", err)
	}
	return nil
}

func (n RunNote) remove() error {
	if err := os.Remove(n.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the note of the loop: %w", err)
	}
	return nil
}
