package e2e

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// socket is a place where a process of a cluster can be reached.
type socket struct {
	process process
	// network is unix, tcp, tcp6, udp or udp6.
	network string
	// address is host:port, the path of a Unix socket, or the name of an abstract one, which begins with @.
	address string
}

func (s socket) String() string { return fmt.Sprintf("%s at %s %s", s.process, s.network, s.address) }

// socketsOf returns where a process listens, and the names of its Unix sockets of every kind.
func socketsOf(t testing.TB, p process) []socket {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d", p.pid)
	inodes := map[string]bool{}
	files, _ := filepath.Glob(proc + "/fd/*") // none when it has ended
	for _, file := range files {
		target, _ := os.Readlink(file)
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			inodes[strings.TrimSuffix(inode, "]")] = true
		}
	}
	var found []socket
	for _, network := range []string{"tcp", "tcp6", "udp", "udp6"} {
		waiting := "0A" // LISTEN
		if strings.HasPrefix(network, "udp") {
			waiting = "07" // bound and not connected
		}
		for _, of := range networksOf(proc) {
			for _, fields := range table(of + "/" + network) {
				if len(fields) > 9 && fields[3] == waiting && inodes[fields[9]] {
					found = append(found, socket{p, network, hostPort(t, fields[1])})
				}
			}
		}
	}
	for _, fields := range table(proc + "/net/unix") {
		if len(fields) < 8 || !inodes[fields[6]] {
			continue
		}
		const acceptsConnections = 0x10000
		flags, err := strconv.ParseUint(fields[3], 16, 32)
		if err != nil {
			t.Fatalf("flags of a Unix socket of %s: %v", p, err)
		}
		if fields[7][0] == '@' || flags&acceptsConnections != 0 {
			found = append(found, socket{p, "unix", fields[7]})
		}
	}
	return found
}

// networksOf returns a folder with the tables of each network that a thread of a process is in. What serves Ingresses
// is in the node's, and one of its threads, whichever, in this machine's.
func networksOf(proc string) []string {
	threads, _ := filepath.Glob(proc + "/task/*") // none when it has ended
	var folders []string
	seen := map[string]bool{}
	for _, thread := range threads {
		network, err := os.Readlink(thread + "/ns/net")
		if err != nil || seen[network] {
			continue
		}
		seen[network] = true
		folders = append(folders, thread+"/net")
	}
	return folders
}

// table returns the fields of every line of a table of the kernel's below its heading.
func table(file string) [][]string {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil // the process has ended, or the kernel lacks the protocol
	}
	var rows [][]string
	for line := range strings.Lines(string(data)) {
		rows = append(rows, strings.Fields(line))
	}
	return rows[min(1, len(rows)):]
}

// hostPort reads an address as the kernel prints it: each four bytes in the machine's order, in hexadecimal digits.
func hostPort(t testing.TB, text string) string {
	t.Helper()
	host, port, _ := strings.Cut(text, ":")
	ip, err := hex.DecodeString(host)
	if err != nil {
		t.Fatal(err)
	}
	for word := range slices.Chunk(ip, 4) {
		slices.Reverse(word)
	}
	number, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort(net.IP(ip).String(), strconv.FormatUint(number, 10))
}

// grant is what a listener gives to whoever reaches it, without credentials.
type grant func(socket) error

// rule is a listener that a part may have besides Unix sockets.
type rule struct {
	process, network string
	// host and port are of the address; an empty port is any.
	host, port string
	grants     grant
}

// rules are all network listeners of a cluster. Whatever listens elsewhere is a fault, as is a rule that nothing
// follows.
func (c *testCluster) rules() []rule {
	const this = "127.0.0.1"
	_, api, _ := net.SplitHostPort(strings.TrimPrefix(c.APIServer, "https://"))
	_, images, _ := net.SplitHostPort(c.Registry)
	apiPaths := nothingOf("https", "/api/v1/namespaces/kube-system/secrets", "/metrics", "/configz", "/debug/pprof/", "/logs/")
	registryPaths := nothingOf("http", "/v2/", "/v2/_catalog", "/v2/cyan/sandbox/manifests/1", "/v2/private/app/manifests/1?ns=registry.example", "/debug/pprof/")
	metricsPaths := nothingOf("https", "/apis/metrics.k8s.io/v1beta1/nodes", "/apis/metrics.k8s.io/v1beta1/pods", "/metrics", "/debug/pprof/", "/configz")
	all := []rule{
		// The supervisor holds the registry's listener, so that clients wait while the registry restarts.
		{"cyan-local", "tcp", this, images, registryPaths},
		{"registry", "tcp", this, images, registryPaths},
	}
	all = append(all, c.ingressRules()...)
	if c.Mode == "simulated" {
		return append(all, rule{"kube-apiserver", "tcp", this, api, apiPaths}, rule{"cyan-local", "tcp", this, c.metricsPort(), metricsPaths})
	}
	const node = "172.30.0.1"
	all = append(all,
		rule{"cyan-local", "tcp", this, api, apiPaths},
		rule{"kube-apiserver", "tcp", node, "6443", apiPaths},
		rule{"kubelet", "tcp", node, "10250", nothingOf("https", "/pods", "/metrics", "/configz", "/debug/pprof/", "/runningpods/", "/logs/")},
		rule{"kubelet", "tcp", node, "10248", only("/healthz")},
		rule{"metrics-server", "tcp", node, c.metricsPort(), metricsPaths},
		rule{"kube-proxy", "tcp", node, "10256", only("/healthz", "/livez")},
		// kube-proxy cannot be without its metrics and settings, for programs in the node's own network to read.
		rule{"kube-proxy", "tcp", this, "10249", nothingOf("http", "/debug/pprof/", "/debug/flags/v")},
		// Streams of exec, attach and port-forward have paths that only the kubelet knows.
		rule{"containerd", "tcp", this, "", nothingOf("http", "/exec/x", "/attach/x", "/portforward/x", "/metrics", "/debug/pprof/")},
		rule{"coredns", "tcp", node, "53", everything},
		rule{"coredns", "udp", node, "53", everything},
		rule{"coredns", "tcp", node, "8181", only("/ready")},
	)
	for _, port := range c.Ports { // Services that ask to be offered on this machine
		_, number, _ := net.SplitHostPort(port.Address)
		all = append(all, rule{"cyan-local", "tcp", this, number, everything})
	}
	return all
}

// ingressRules are those of what serves Ingresses, for which the supervisor holds the listeners.
func (c *testCluster) ingressRules() []rule {
	if c.Ingress.Port == 0 {
		return nil
	}
	ports := []string{strconv.Itoa(c.Ingress.Port)}
	if c.Ingress.HTTP {
		ports = append(ports, "80")
	}
	if c.Ingress.HTTPS {
		ports = append(ports, "443")
	}
	var all []rule
	for _, port := range ports {
		for _, process := range []string{"cyan-local", "ingress"} {
			all = append(all, rule{process, "tcp", "127.0.0.1", port, everything})
		}
	}
	return all
}

// everything is granted by what is open on purpose.
func everything(socket) error { return nil }

// nothingOf makes sure that none of the paths is answered without credentials.
func nothingOf(scheme string, paths ...string) grant {
	return func(s socket) error {
		var errs []error
		for _, path := range paths {
			code, err := s.get(scheme, path)
			if err == nil && code != http.StatusUnauthorized && code != http.StatusForbidden && code != http.StatusNotFound {
				err = fmt.Errorf("%s without credentials: got status %d, want 401, 403 or 404", path, code)
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}
}

// only makes sure that the paths are answered over plain HTTP, and none of those that say more.
func only(paths ...string) grant {
	return func(s socket) error {
		errs := []error{nothingOf("http", "/", "/metrics", "/configz", "/debug/pprof/", "/statusz", "/flagz", "/proxyMode")(s)}
		for _, path := range paths {
			code, err := s.get("http", path)
			if err == nil && code != http.StatusOK {
				err = fmt.Errorf("%s: got status %d, want 200", path, code)
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}
}

// get asks from within the network of the socket's process.
func (s socket) get(scheme, path string) (status int, err error) {
	client := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return dialFrom(ctx, s.process.pid, network, address)
		},
	}}
	response, err := client.Get(scheme + "://" + s.address + path)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	return response.StatusCode, nil
}

// dialFrom connects from within the network of a process: a socket belongs to the network that its thread was in.
func dialFrom(ctx context.Context, pid int, network, address string) (conn net.Conn, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for ever: the thread ends with this function, because it can serve nothing else
		var ns *os.File
		if ns, err = os.Open(fmt.Sprintf("/proc/%d/ns/net", pid)); err != nil {
			return
		}
		defer ns.Close()
		if os.Geteuid() == 0 {
			if err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
				return
			}
		}
		conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
	}()
	<-done
	return conn, err
}

// ownersAlone returns nil when only the user of a process, and root, can connect to its Unix socket.
func ownersAlone(s socket) error {
	if s.address[0] == '@' {
		return errors.New("abstract socket: every user of this machine can connect to it")
	}
	path := s.address
	if !filepath.IsAbs(path) {
		directory, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", s.process.pid))
		if err != nil {
			return err
		}
		path = filepath.Join(directory, path)
	}
	// The process may have other mounts than this one.
	root := fmt.Sprintf("/proc/%d/root", s.process.pid)
	// To connect takes the right to write, to pass a directory the right to search.
	for denied := fs.FileMode(0o022); ; denied = 0o011 {
		info, err := os.Stat(filepath.Join(root, path))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a socket can be renamed, and stays in its directory
			return err
		}
		if err == nil && info.Mode()&denied == 0 && int(info.Sys().(*syscall.Stat_t).Uid) == os.Geteuid() {
			return nil
		}
		if path == "/" {
			return errors.New("every user of this machine can connect to it")
		}
		path = filepath.Dir(path)
	}
}

// checkListeners looks at every process of the cluster: where it can be reached, and what that grants to others.
func (c *testCluster) checkListeners(t *testing.T) {
	t.Helper()
	c.refresh()
	rules := c.rules()
	followed := make([]bool, len(rules))
	seen := map[string]bool{}
	for _, p := range processesOf(t, c.own()) {
		if p.pod {
			continue // what a pod listens on is its author's decision
		}
		for _, s := range socketsOf(t, p) {
			seen[p.name] = true
			if s.network == "unix" {
				if err := ownersAlone(s); err != nil {
					t.Errorf("%s: %v", s, err)
				}
				continue
			}
			i := slices.IndexFunc(rules, s.follows)
			if i < 0 {
				t.Errorf("%s: unknown listener", s)
				continue
			}
			followed[i] = true
			if err := rules[i].grants(s); err != nil {
				t.Errorf("%s: %v", s, err)
			}
		}
	}
	for i, r := range rules {
		if !followed[i] {
			t.Errorf("%s at %s %s: no such listener found", r.process, r.network, net.JoinHostPort(r.host, r.port))
		}
	}
	want := []string{"cyan-local", "etcd", "kube-apiserver", "registry"}
	if c.Mode == "real" {
		want = append(want, "containerd", "containerd-shim-runc-v2", "kubelet", "kube-proxy", "coredns", "metrics-server", "egress")
	}
	for _, name := range want {
		if !seen[name] {
			t.Errorf("%s: no socket found; the part has one", name)
		}
	}
}

func (s socket) follows(r rule) bool {
	host, port, _ := net.SplitHostPort(s.address)
	return r.process == s.process.name && r.network == s.network && r.host == host && (r.port == "" || r.port == port)
}
