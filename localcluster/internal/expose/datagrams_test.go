package expose

import (
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/localcluster/internal/datagrams"
)

// echoes answers each datagram with its name and what it heard.
func echoes(t *testing.T, name string) string {
	t.Helper()
	socket := datagramSocket(t)
	go func() {
		buffer := make([]byte, datagrams.Max)
		for {
			n, from, err := socket.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			_, _ = socket.WriteToUDPAddrPort([]byte(name+" "+string(buffer[:n])), from)
		}
	}()
	return socket.LocalAddr().String()
}

func datagramSocket(t *testing.T) *net.UDPConn {
	t.Helper()
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	return socket
}

// passages counts the sockets that were made for clients.
type passages struct {
	*Datagrams
	t     *testing.T
	dials atomic.Int32
}

func passing(t *testing.T, target string, idle time.Duration, limit int) *passages {
	t.Helper()
	p := &passages{t: t}
	p.Datagrams = &Datagrams{socket: datagramSocket(t), target: target, idle: idle, limit: limit, sessions: map[netip.AddrPort]*session{}}
	p.dial = func(address string) (*net.UDPConn, error) {
		p.dials.Add(1)
		to, err := net.ResolveUDPAddr("udp4", address)
		if err != nil {
			return nil, err
		}
		return net.DialUDP("udp4", nil, to)
	}
	go p.receive()
	t.Cleanup(p.Close)
	return p
}

func (p *passages) client() *net.UDPConn {
	p.t.Helper()
	conn, err := net.DialUDP("udp4", nil, p.socket.LocalAddr().(*net.UDPAddr))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (p *passages) hears(conn *net.UDPConn, text, want string) {
	p.t.Helper()
	if _, err := conn.Write([]byte(text)); err != nil {
		p.t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	buffer := make([]byte, datagrams.Max)
	n, err := conn.Read(buffer)
	if err != nil || string(buffer[:n]) != want {
		p.t.Fatalf("said %q: heard %q, %v; want %q", text, buffer[:n], err, want)
	}
}

func (p *passages) remembered() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sessions)
}

// TestEachClientHearsItsAnswers: clients keep their sockets for as long as they talk.
func TestEachClientHearsItsAnswers(t *testing.T) {
	p := passing(t, echoes(t, "a"), time.Hour, 4)
	one, two := p.client(), p.client()
	for range 3 {
		p.hears(one, "one", "a one")
		p.hears(two, "two", "a two")
	}
	p.hears(one, "", "a ") // an empty datagram is one
	if dials := p.dials.Load(); dials != 2 {
		t.Errorf("sockets: got %d, want one for each client", dials)
	}
	large := string(make([]byte, 60000))
	p.hears(one, large, "a "+large)
}

// TestDatagramsGoWhereTheyAreAimed: after a change, at once and for clients that were there.
func TestDatagramsGoWhereTheyAreAimed(t *testing.T) {
	first, second := echoes(t, "a"), echoes(t, "b")
	p := passing(t, first, time.Hour, 4)
	client := p.client()
	p.hears(client, "x", "a x")
	p.Aim(first) // which changes nothing
	p.hears(client, "x", "a x")
	if dials := p.dials.Load(); dials != 1 {
		t.Errorf("sockets: got %d, want that from before", dials)
	}
	p.Aim(second)
	p.hears(client, "x", "b x")
}

// TestTheClientThatWasSilentLongestGivesWay: above the limit.
func TestTheClientThatWasSilentLongestGivesWay(t *testing.T) {
	p := passing(t, echoes(t, "a"), time.Hour, 2)
	one, two, three := p.client(), p.client(), p.client()
	p.hears(one, "x", "a x")
	p.hears(two, "x", "a x")
	p.hears(one, "x", "a x")
	p.hears(three, "x", "a x") // the second one goes
	p.hears(one, "x", "a x")
	if dials, n := p.dials.Load(), p.remembered(); dials != 3 || n != 2 {
		t.Errorf("sockets: got %d, of which %d are left; want 3 and 2", dials, n)
	}
	p.hears(two, "x", "a x")
	if dials := p.dials.Load(); dials != 4 {
		t.Errorf("sockets: got %d, want a new one for who had given way", dials)
	}
}

// TestSilentClientsAreForgotten: and known again when they say more.
func TestSilentClientsAreForgotten(t *testing.T) {
	p := passing(t, echoes(t, "a"), 50*time.Millisecond, 2)
	client := p.client()
	p.hears(client, "x", "a x")
	deadline := time.Now().Add(30 * time.Second)
	for tick := time.NewTicker(5 * time.Millisecond); p.remembered() > 0; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("the client is remembered after 30 s")
		}
	}
	p.hears(client, "x", "a x")
}

// TestNobodyListensUntilSomebodyDoes: a client is not lost by that.
func TestNobodyListensUntilSomebodyDoes(t *testing.T) {
	gone := datagramSocket(t)
	address := gone.LocalAddr().(*net.UDPAddr)
	_ = gone.Close()
	p := passing(t, address.String(), time.Hour, 2)
	client := p.client()
	if _, err := client.Write([]byte("lost")); err != nil {
		t.Fatal(err)
	}
	later, err := net.ListenUDP("udp4", address)
	if err != nil {
		t.Fatal(err)
	}
	defer later.Close()
	deadline := time.Now().Add(30 * time.Second)
	buffer := make([]byte, 16)
	for {
		_ = later.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := client.Write([]byte("heard")); err != nil {
			t.Fatal(err)
		}
		if n, _, err := later.ReadFromUDPAddrPort(buffer); err == nil && string(buffer[:n]) == "heard" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing is heard after 30 s")
		}
	}
}

// TestWhatIsClosedKeepsNothing: neither its port nor sockets.
func TestWhatIsClosedKeepsNothing(t *testing.T) {
	p := passing(t, echoes(t, "a"), time.Hour, 2)
	client := p.client()
	p.hears(client, "x", "a x")
	p.Close()
	if n := p.remembered(); n != 0 {
		t.Errorf("clients: got %d, want none", n)
	}
	again, err := net.ListenUDP("udp4", p.socket.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatalf("its port: %v", err)
	}
	_ = again.Close()
}

// Clients that wait for answers hold no room for them: 256 would hold 16 MB a port.
func TestClientsHoldNoBuffers(t *testing.T) {
	p := passing(t, echoes(t, "a"), time.Hour, maxSessions)
	client := p.client()
	p.hears(client, "1", "a 1")
	before := inUse()
	for i := range maxSessions - 1 {
		text := strconv.Itoa(i)
		p.hears(p.client(), text, "a "+text)
	}
	if n := p.remembered(); n != maxSessions {
		t.Fatalf("%d clients are remembered, want %d", n, maxSessions)
	}
	if held := inUse() - before; held > maxSessions*datagrams.Max/4 {
		t.Errorf("%d clients hold %d KiB", maxSessions, held>>10)
	}
	p.hears(client, "2", "a 2")
}

// inUse is how many bytes heap and stacks have, once what is in no use has been given back, that of pools included.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc + stats.StackInuse) //nolint:gosec // no machine has more
}
