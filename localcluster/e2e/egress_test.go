package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
)

const (
	// elsewhere is an address that is in no range of the cluster: what is there is another machine to pods.
	elsewhere = "198.51.100.7"
	// nowhere is one that is not there.
	nowhere = "198.51.100.9"
	machine = "host.cyan.internal"
	// socketsAtRest is how many sockets the part has by which it tells that it is ready.
	socketsAtRest = 1
	// flowLimit is within which flows of datagrams end that are idle.
	flowLimit = 3 * time.Minute
)

// TestEgress: what pods reach outside the cluster, and what they do not. It has a network of its own for this
// machine's, and a resolver of its own there.
func TestEgress(t *testing.T) {
	needReal(t)
	if os.Getenv("EGRESS_NETWORK") == "" {
		probeImage(t)
		resolvers := filepath.Join(t.TempDir(), "resolv.conf")
		if err := os.WriteFile(resolvers, []byte("nameserver 127.0.0.1\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		inOwnNetwork(t, "EGRESS_NETWORK=own", "ip address add "+elsewhere+"/32 dev lo", "mount --bind "+resolvers+" /etc/resolv.conf")
		return
	}
	before := ownNetwork(t)
	c := newCluster(t)
	image := c.push("team/app:1")
	c.deploy(deployment("web", image, 1, nil), service("web", corev1.ServiceTypeNodePort))
	o := &outsideWorld{testCluster: c, at: "http://" + c.address("web", "NodePort")}
	c.answers(o.at, "web ")
	if during := ownNetwork(t); during != before {
		t.Errorf("this machine's network with a cluster:\n%s\nwithout:\n%s", during, before)
	}
	t.Run("HTTP", o.checkHTTP)
	t.Run("large streams are whole", o.checkStreams)
	t.Run("what is refused", o.checkRefused)
	t.Run("UDP", o.checkUDP)
	t.Run("names", o.checkNames)
	t.Run("echo requests", o.checkPing)
	t.Run("many connections leave nothing behind", o.checkMany)
	t.Run("the part dies", func(t *testing.T) {
		c.killPart(t, "egress")
		o.checkHTTP(t)
	})
	t.Run("without egress", o.checkWithout)
	if r := run(t, "down", "--dir", c.dir); r.code != 0 {
		t.Fatal(r.stderr)
	}
	if after := ownNetwork(t); after != before {
		t.Errorf("this machine's network after a cluster:\n%s\nbefore:\n%s", after, before)
	}
}

// outsideWorld is a cluster with a pod, and programs outside of it.
type outsideWorld struct {
	*testCluster
	// at is where the pod is told what to do.
	at string
}

// ask has the pod do something.
func (o *outsideWorld) ask(what string, values ...string) (string, error) {
	form := url.Values{}
	for i := 0; i < len(values); i += 2 {
		form.Set(values[i], values[i+1])
	}
	response, err := http.Get(o.at + what + "?" + form.Encode())
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s", strings.TrimSpace(string(body)))
	}
	return string(body), err
}

func (o *outsideWorld) expect(t *testing.T, want, what string, values ...string) {
	t.Helper()
	if got, err := o.ask(what, values...); err != nil || got != want {
		t.Errorf("%s %q: got %q, %v; want %q", what, values, got, err, want)
	}
}

func (o *outsideWorld) expectError(t *testing.T, want, what string, values ...string) {
	t.Helper()
	if got, err := o.ask(what, values...); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s %q: got %q, %v; want the error %q", what, values, got, err, want)
	}
}

// serve serves HTTP at an address of this machine and returns the port.
func serve(t *testing.T, host string, handler http.HandlerFunc) (port string) {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler} //nolint:gosec // of a test
	t.Cleanup(func() { _ = server.Close() })
	go func() { _ = server.Serve(listener) }()
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	return port
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

func (o *outsideWorld) checkHTTP(t *testing.T) {
	port := serve(t, "127.0.0.1", says("this machine"))
	for _, name := range []string{machine, "host.docker.internal", "host.k3d.internal", "host.minikube.internal", "host.containers.internal"} {
		o.expect(t, "this machine", "/fetch", "url", "http://"+name+":"+port)
	}
	o.expect(t, "by IPv6 alone", "/fetch", "url", "http://"+machine+":"+serve(t, "::1", says("by IPv6 alone")))
	o.expect(t, "elsewhere", "/fetch", "url", "http://"+elsewhere+":"+serve(t, elsewhere, says("elsewhere")))
}

func (o *outsideWorld) checkStreams(t *testing.T) {
	const size = 64 << 20
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(content)
	sum := sha256.Sum256(content)
	port := serve(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = w.Write(content)
			return
		}
		got := sha256.New()
		_, _ = io.Copy(got, r.Body)
		fmt.Fprint(w, hex.EncodeToString(got.Sum(nil)))
	})
	o.expect(t, hex.EncodeToString(sum[:]), "/download", "url", "http://"+machine+":"+port)
	o.expect(t, "whole", "/upload", "url", "http://"+machine+":"+port, "bytes", fmt.Sprint(size))
}

// checkRefused: whoever is refused hears of it, and need not wait.
func (o *outsideWorld) checkRefused(t *testing.T) {
	closed := fmt.Sprint(freePort(t))
	for _, to := range []string{machine + ":" + closed, elsewhere + ":" + closed, "169.254.169.254:80", "172.30.1.53:80"} {
		o.expectError(t, "connection refused", "/connect", "to", to)
	}
	o.expectError(t, "no route to host", "/connect", "to", "10.244.200.200:80") // no pod has it
	log, err := os.ReadFile(filepath.Join(o.dir, "logs", "egress.log"))
	if want := "169.254.169.254:80: of the link alone, where clouds keep the credentials of this machine"; err != nil || !strings.Contains(string(log), want) {
		t.Errorf("log of egress: got %v\n%s\nwant %q", err, log, want)
	}
	// What breaks in the middle is broken for the pod as well, not ended.
	port := serve(t, "127.0.0.1", func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\nbegun")
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	})
	o.expectError(t, "connection reset by peer", "/download", "url", "http://"+machine+":"+port)
}

func (o *outsideWorld) checkUDP(t *testing.T) {
	for _, host := range []string{"127.0.0.1", elsewhere} {
		conn, err := net.ListenPacket("udp4", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		go func() {
			buffer := make([]byte, 64<<10)
			for {
				n, from, err := conn.ReadFrom(buffer)
				if err != nil {
					return
				}
				_, _ = conn.WriteTo(append([]byte("heard "), buffer[:n]...), from)
			}
		}()
		_, port, _ := net.SplitHostPort(conn.LocalAddr().String())
		name := host
		if host == "127.0.0.1" {
			name = machine
		}
		o.expect(t, "heard one", "/udp", "to", name+":"+port, "text", "one")
		long := strings.Repeat("long ", 1000) // several packets
		o.expect(t, "heard "+long, "/udp", "to", name+":"+port, "text", long)
	}
	o.expectError(t, "connection refused", "/udp", "to", fmt.Sprintf("%s:%d", machine, freePort(t)), "text", "in vain")
}

// checkNames plays the resolver of this machine.
func (o *outsideWorld) checkNames(t *testing.T) {
	var many []string
	for i := range 100 {
		many = append(many, netip.AddrFrom4([4]byte{198, 51, 101, byte(i)}).String())
	}
	stop := serveNames(t, map[string][]string{"db.example.": {elsewhere}, "many.example.": many})
	o.expect(t, elsewhere, "/resolve", "name", "db.example")
	if got, err := o.ask("/resolve", "name", "many.example"); err != nil || len(strings.Fields(got)) != len(many) {
		t.Errorf("name with many addresses, which takes TCP: got %q, %v; want %d addresses", got, err, len(many))
	}
	o.expectError(t, "no such host", "/resolve", "name", "nobody.example")
	o.expectError(t, "no such host", "/resolve", "name", "nobody.default.svc.cluster.local")
	o.expect(t, "by its name", "/fetch", "url", "http://db.example:"+serve(t, elsewhere, says("by its name")))
	stop()
	o.expectError(t, "server misbehaving", "/resolve", "name", "other.example")
}

// serveNames answers for some names at port 53 of 127.0.0.1 until stop is called.
func serveNames(t *testing.T, names map[string][]string) (stop func()) {
	t.Helper()
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		answer := new(dns.Msg).SetReply(query)
		question := query.Question[0]
		addresses, known := names[question.Name]
		if !known {
			answer.Rcode = dns.RcodeNameError
		}
		if question.Qtype == dns.TypeA {
			for _, address := range addresses {
				answer.Answer = append(answer.Answer, &dns.A{Hdr: dns.RR_Header{Name: question.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}, A: net.ParseIP(address)})
			}
		}
		if _, byUDP := w.RemoteAddr().(*net.UDPAddr); byUDP {
			answer.Truncate(dns.MinMsgSize)
		}
		_ = w.WriteMsg(answer)
	})
	conn, err := net.ListenPacket("udp4", "127.0.0.1:53")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:53")
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range []*dns.Server{{PacketConn: conn, Handler: handler}, {Listener: listener, Handler: handler}} {
		go func() { _ = server.ActivateAndServe() }()
	}
	stop = func() {
		_ = conn.Close()
		_ = listener.Close()
	}
	t.Cleanup(stop)
	return stop
}

func (o *outsideWorld) checkPing(t *testing.T) {
	o.expect(t, "answered", "/ping", "host", machine)
	o.expect(t, "answered", "/ping", "host", elsewhere)
	o.expectError(t, "timeout", "/ping", "host", nowhere)
}

func (o *outsideWorld) checkMany(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	pid := o.part("egress").PID
	sockets := func() int {
		count := 0
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, file := range files {
			if target, _ := os.Readlink(file); strings.HasPrefix(target, "socket:") {
				count++
			}
		}
		return count
	}
	o.expect(t, "all", "/many", "to", machine+":"+port, "n", "1000")
	eventually(t, flowLimit, "what is left", func(context.Context) error {
		if got := sockets(); got > socketsAtRest {
			return fmt.Errorf("%d sockets, want %d", got, socketsAtRest)
		}
		return nil
	})
	if got := o.part("egress").Restarts; got != 0 {
		t.Errorf("restarts: got %d, want none", got)
	}
}

func (o *outsideWorld) checkWithout(t *testing.T) {
	again := func(without string) {
		t.Helper()
		if r := run(t, "down", "--dir", o.dir); r.code != 0 {
			t.Fatal(r.stderr)
		}
		o.up("--without", without)
		o.at = "http://" + o.address("web", "NodePort")
		o.answers(o.at, "web ")
	}
	again("egress")
	port := serve(t, "127.0.0.1", says("this machine"))
	o.expectError(t, "no such host", "/fetch", "url", "http://"+machine+":"+port)
	for _, to := range []string{"172.30.1.1:" + port, elsewhere + ":" + serve(t, elsewhere, says("elsewhere"))} {
		if got, err := o.ask("/connect", "to", to); err == nil {
			t.Errorf("%s without egress: got %q", to, got)
		}
	}
	if slices.ContainsFunc(o.Parts, func(p part) bool { return p.Name == "egress" }) {
		t.Errorf("parts without egress: got %v", o.Parts)
	}
	again("")
	o.expect(t, "this machine", "/fetch", "url", "http://"+machine+":"+port)
}

// ownNetwork is what this machine's network is made of: interfaces, routes, and whether it passes packets on.
func ownNetwork(t *testing.T) string {
	t.Helper()
	var all []string
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range interfaces {
		addresses, err := one.Addrs()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(one.Name, addresses))
	}
	for _, file := range []string{"/proc/net/route", "/proc/sys/net/ipv4/ip_forward", "/proc/net/nf_conntrack_expect", "/proc/net/ip_tables_names"} {
		data, _ := os.ReadFile(file) // some kernels lack some of them
		all = append(all, string(data))
	}
	return strings.Join(all, "\n")
}

// TestNoWayOut: a machine that has no TUN devices has a cluster all the same, which says what is missing.
func TestNoWayOut(t *testing.T) {
	needReal(t)
	if os.Getenv("NO_TUN") == "" {
		inOwnNetwork(t, "NO_TUN=1", "mount -t tmpfs none /dev/net")
		return
	}
	c := newCluster(t)
	const want = "pods have no way out: /dev/net/tun: not there; load the kernel's module"
	if !slices.ContainsFunc(c.Notes, func(note string) bool { return strings.HasPrefix(note, want) }) {
		t.Errorf("notes: got %q, want %q", c.Notes, want)
	}
	if slices.ContainsFunc(c.Parts, func(p part) bool { return p.Name == "egress" }) {
		t.Errorf("parts: got %v, want no egress", c.Parts)
	}
}
