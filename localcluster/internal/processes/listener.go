package processes

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

// Listener is who listens on a port.
type Listener struct {
	PID  int
	Name string
	// Cluster is the directory of the cluster that it belongs to; "" for none.
	Cluster string
}

// ListenerOf returns who keeps a port of 127.0.0.1 from others, and whether that can be known: where there is no /proc,
// and of another user's process, it cannot.
func ListenerOf(port int) (Listener, bool) {
	sockets := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, err := os.ReadFile(table)
		if err != nil {
			continue // none of this kind
		}
		for _, inode := range listening(string(data), port) {
			sockets["socket:["+inode+"]"] = true
		}
	}
	if len(sockets) == 0 {
		return Listener{}, false
	}
	files, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return Listener{}, false
	}
	var found []Listener
	for _, file := range files {
		if target, err := os.Readlink(file); err == nil && sockets[target] {
			if pid, err := strconv.Atoi(strings.Split(file, "/")[2]); err == nil {
				found = append(found, describe(pid))
			}
		}
	}
	if len(found) == 0 {
		return Listener{}, false
	}
	// Of those who share a socket, as a supervisor and its parts do, the one that says whose it is.
	known := slices.IndexFunc(found, func(l Listener) bool { return l.Cluster != "" })
	return found[max(known, 0)], true
}

const listenState = "0A"

// listening returns the sockets in a table of the kernel's that listen where a port of 127.0.0.1 can't be had besides.
func listening(table string, port int) []string {
	var inodes []string
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 10 || fields[3] != listenState {
			continue
		}
		host, at, _ := strings.Cut(fields[1], ":")
		number, err := strconv.ParseUint(at, 16, 16)
		if err == nil && int(number) == port && covers(host) {
			inodes = append(inodes, fields[9])
		}
	}
	return inodes
}

// covers reports whether an address as the kernel prints it, each four bytes in the machine's order, is 127.0.0.1 or
// stands for all.
func covers(text string) bool {
	raw, err := hex.DecodeString(text)
	if err != nil {
		return false
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	address, ok := netip.AddrFromSlice(raw)
	return ok && (address.IsUnspecified() || address.Unmap() == netip.AddrFrom4([4]byte{127, 0, 0, 1}))
}

// describe returns what a process is; what can't be read stays empty.
func describe(pid int) Listener {
	l := Listener{PID: pid}
	if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil {
		l.Name = strings.TrimSpace(string(name))
	}
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return l
	}
	for entry := range bytes.SplitSeq(environment, []byte{0}) {
		if dir, ok := bytes.CutPrefix(entry, []byte(markEnv+"=")); ok {
			l.Cluster = string(dir)
		}
	}
	return l
}

// String is who it is, for people.
func (l Listener) String() string {
	if l.Cluster != "" {
		return "the local cluster in " + l.Cluster
	}
	return fmt.Sprintf("%s (process %d)", l.Name, l.PID)
}

// Remedy is how to get the port from it.
func (l Listener) Remedy() string {
	if l.Cluster != "" {
		return "stop that with `cyan local down --dir " + state.ShellWord(l.Cluster) + "`"
	}
	return "end that program"
}
