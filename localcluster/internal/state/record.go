package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Kubernetes is the version of every Kubernetes part that this program carries.
const Kubernetes = "v1.37.2"

// layout is raised when a directory of before cannot be taken over any more.
const layout = 1

// Mode is what runs the pods.
type Mode string

const (
	// Real nodes run containers by kubelet and containerd.
	Real Mode = "real"
	// Simulated nodes move pods through their phases and run nothing.
	Simulated Mode = "simulated"
)

// Record is how a cluster was made, so that it can be resumed.
type Record struct {
	Layout       int    `json:"layout"`
	Kubernetes   string `json:"kubernetes"`
	Mode         Mode   `json:"mode"`
	Nodes        int    `json:"nodes"`
	APIPort      int    `json:"apiPort"`
	RegistryPort int    `json:"registryPort"`
	IngressPort  int    `json:"ingressPort,omitempty"`
	// Without are the extras that the cluster is to do without.
	Without []string `json:"without,omitempty"`
	UserContext
	// Elsewhere are those in kubeconfigs that were the user's before.
	Elsewhere []UserContext `json:"elsewhere,omitempty"`
}

// UserContext is where the cluster is in a kubeconfig of the user.
type UserContext struct {
	// Context is its context, "" for none, and Before the one that was current before it.
	Context string `json:"context,omitempty"`
	Before  string `json:"before,omitempty"`
	// Kubeconfig are the files, as $KUBECONFIG names them.
	Kubeconfig string `json:"kubeconfig,omitempty"`
}

// Remember makes the context in some files that of the record; those in other files are kept beside it.
func (r *Record) Remember(now UserContext) {
	kept := slices.DeleteFunc(append(r.Elsewhere, r.UserContext), func(c UserContext) bool {
		return c.Context == "" || c.Kubeconfig == "" || c.Kubeconfig == now.Kubeconfig
	})
	r.UserContext, r.Elsewhere = now, kept
}

// ContextIn returns the context in some files. Records from before they were kept are of any.
func (r *Record) ContextIn(kubeconfig string) UserContext {
	if r.Kubeconfig == "" {
		return r.UserContext
	}
	for _, c := range append([]UserContext{r.UserContext}, r.Elsewhere...) {
		if c.Kubeconfig == kubeconfig {
			return c
		}
	}
	return UserContext{}
}

// ErrNone is the error when there is no cluster in a directory.
var ErrNone = errors.New("no cluster")

// NewRecord describes a cluster made by this program.
func NewRecord(mode Mode, nodes int) Record {
	return Record{Layout: layout, Kubernetes: Kubernetes, Mode: mode, Nodes: nodes}
}

// LeftOut reports whether the cluster is to do without an extra.
func (r Record) LeftOut(extra string) bool { return slices.Contains(r.Without, extra) }

// Load reads the record; the error is ErrNone when the directory holds no cluster.
func (d Dir) Load() (Record, error) {
	var r Record
	data, err := os.ReadFile(d.record())
	if errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("%w in %s: start one with `cyan local up%s`", ErrNone, d.Path, d.Flag())
	}
	if err != nil {
		return r, fmt.Errorf("reading the cluster's record: %w", err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("reading %s: %w; remove the cluster with `cyan local down --delete --dir %s`", d.record(), err, ShellWord(d.Path))
	}
	return r, nil
}

// Usable reports whether this program can resume a cluster with this record. Kubernetes reads what the minor version
// before it has stored, never what a newer one has.
func (r Record) Usable(dir string) error {
	made, ok := minor(r.Kubernetes)
	own, _ := minor(Kubernetes)
	if r.Layout == layout && ok && (made == own || made == own-1) {
		return nil
	}
	return fmt.Errorf("%s was made by another version (Kubernetes %s, layout %d; this program carries Kubernetes %s, layout %d): "+
		"remove it with `cyan local down --delete --dir %s`, or choose another directory with --dir",
		dir, orUnknown(r.Kubernetes), r.Layout, Kubernetes, layout, ShellWord(dir))
}

func minor(version string) (int, bool) {
	parts := strings.Split(version, ".")
	if len(parts) < 2 || parts[0] != "v1" {
		return 0, false
	}
	n, err := strconv.Atoi(parts[1])
	return n, err == nil
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
