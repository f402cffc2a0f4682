// Package state knows what a cluster keeps on disk: its directory, the record of how it was made, and the locks that
// keep two programs from working on it at once.
package state

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// recordName is the file that makes a directory a cluster's directory.
const recordName = "cluster.json"

// Dir is the directory of one cluster. Everything that a cluster makes outside of it carries the directory's ID in its
// name, so that it can be found and removed exactly.
type Dir struct {
	// Path is absolute, with symlinks resolved.
	Path string
	// ID is ten hex digits, the same for the same Path.
	ID string
	// Run holds sockets and what must not outlive a reboot. It is short, because the path of a socket may have 107
	// bytes.
	Run string
}

// DefaultPath is $XDG_DATA_HOME/cyan, or ~/.local/share/cyan.
func DefaultPath() (string, error) {
	if data := os.Getenv("XDG_DATA_HOME"); data != "" {
		return filepath.Join(data, "cyan"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding the home directory: %w; say where the cluster is to live with --dir", err)
	}
	return filepath.Join(home, ".local", "share", "cyan"), nil
}

// At names the cluster directory at path, which need not exist yet. An empty path means DefaultPath.
func At(path string) (Dir, error) {
	if path == "" {
		var err error
		if path, err = DefaultPath(); err != nil {
			return Dir{}, err
		}
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return Dir{}, fmt.Errorf("resolving %s: %w", path, err)
	}
	abs = resolve(abs)
	sum := sha256.Sum256([]byte(abs))
	id := hex.EncodeToString(sum[:5])
	return Dir{Path: abs, ID: id, Run: runPath(id)}, nil
}

// resolve follows the symlinks of the longest part of path that exists.
func resolve(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	parent := filepath.Dir(path)
	if parent == path {
		return path
	}
	return filepath.Join(resolve(parent), filepath.Base(path))
}

func runPath(id string) string {
	if runtime.GOOS == "linux" && os.Geteuid() == 0 {
		return filepath.Join("/run/cyan", id)
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("cyan-%d-%s", os.Geteuid(), id))
}

// PKI is where the keys and certificates are.
func (d Dir) PKI() string { return filepath.Join(d.Path, "pki") }

// Logs is where the parts' logs are.
func (d Dir) Logs() string { return filepath.Join(d.Path, "logs") }

// Log is the log of a part.
func (d Dir) Log(part string) string { return filepath.Join(d.Logs(), part+".log") }

// Kubeconfig is the file by which others reach the cluster.
func (d Dir) Kubeconfig() string { return filepath.Join(d.Path, "kubeconfig") }

// RegistryPassword is the file with the password of the image registry.
func (d Dir) RegistryPassword() string { return filepath.Join(d.PKI(), "registry-password") }

// RegistryLogin is a file of docker's configuration with the login of the image registry. It is there while the cluster
// runs, where the programs of its owner find it by the address of the registry alone.
func (d Dir) RegistryLogin() string { return filepath.Join(d.Run, "docker", "config.json") }

// Data is where a part keeps what it stores.
func (d Dir) Data(part string) string { return filepath.Join(d.Path, part) }

// Settings is the file of what the cluster was told by its user's file.
func (d Dir) Settings() string { return filepath.Join(d.Path, "settings.json") }

// Config is a file that a part is configured by.
func (d Dir) Config(name string) string { return filepath.Join(d.Path, "config", name) }

// Socket is where a part listens: beside the directory, since the path of a socket has to be short.
func (d Dir) Socket(name string) string { return filepath.Join(d.Run, name+".sock") }

// CgroupName is the cgroup that the cluster's processes are in.
func (d Dir) CgroupName() string { return "cyan-" + d.ID }

// SupervisorLock is held by the supervisor for as long as it lives, and names its process.
func (d Dir) SupervisorLock() string { return filepath.Join(d.Path, "supervisor.lock") }

func (d Dir) record() string        { return filepath.Join(d.Path, recordName) }
func (d Dir) operationLock() string { return filepath.Join(d.Path, "operation.lock") }

// Create makes the directory and its subdirectories. A directory that holds something else is refused.
func (d Dir) Create() error {
	entries, err := os.ReadDir(d.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("reading the cluster's directory: %w", err)
	case foreign(entries):
		return fmt.Errorf("%s holds files that are not a cluster's: choose an empty or new directory with --dir", d.Path)
	}
	for _, dir := range []string{d.Path, d.PKI(), d.Logs(), filepath.Join(d.Path, "config")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("making the cluster's directory: %w", err)
		}
	}
	return nil
}

// MakeRun makes the directory for sockets anew, private to this user.
func (d Dir) MakeRun() error {
	if err := os.RemoveAll(d.Run); err != nil {
		return fmt.Errorf("clearing %s: %w", d.Run, err)
	}
	if err := makePrivate(d.Run); err != nil {
		return fmt.Errorf("making the directory for sockets: %w", err)
	}
	return nil
}

// makePrivate makes a directory that only this user can open. One that exists already is an error: in a directory that
// all may write to, such as /tmp, another user may have made it to see what is put there.
func makePrivate(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.Mkdir(path, 0o700)
}

// ownNames are what a directory may hold whose cluster was never finished.
var ownNames = []string{"operation.lock", "supervisor.lock", "pki", "logs", "config", "kubeconfig"}

// foreign reports whether a directory holds what no cluster has put there.
func foreign(entries []os.DirEntry) bool {
	strange := false
	for _, e := range entries {
		if e.Name() == recordName {
			return false
		}
		strange = strange || !slices.Contains(ownNames, e.Name())
	}
	return strange
}

// CheckOwn returns an error when the directory is no cluster's.
func (d Dir) CheckOwn() error {
	entries, err := os.ReadDir(d.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading the cluster's directory: %w", err)
	}
	if foreign(entries) {
		return fmt.Errorf("%s is not a cluster's directory, so it is left alone", d.Path)
	}
	return nil
}

// Remove deletes the directory with all that is in it, and the directory for sockets. It refuses a directory that is no
// cluster's.
func (d Dir) Remove() error {
	if err := d.CheckOwn(); err != nil {
		return err
	}
	if err := d.RemoveRun(); err != nil {
		return err
	}
	if err := os.RemoveAll(d.Path); err != nil {
		return fmt.Errorf("removing the cluster's directory: %w", err)
	}
	return nil
}

// RemoveRun deletes the directory for sockets, and the directory of all clusters' sockets when this was the last.
func (d Dir) RemoveRun() error {
	if err := os.RemoveAll(d.Run); err != nil {
		return fmt.Errorf("removing %s: %w", d.Run, err)
	}
	if parent := filepath.Dir(d.Run); filepath.Base(parent) == "cyan" {
		_ = os.Remove(parent) // stays when another cluster still uses it
	}
	return nil
}

// Save writes the record. It replaces the file in one step, so that a crash leaves the old or the new one.
func (d Dir) Save(r Record) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", recordName, err)
	}
	return WriteFile(d.record(), append(data, '\n'), 0o600)
}

// WriteFile writes a file beside name and renames it into place.
func WriteFile(name string, data []byte, mode fs.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	defer os.Remove(tmp.Name()) // fails once it has been renamed
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Chmod(mode)
	}
	if closing := tmp.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}
