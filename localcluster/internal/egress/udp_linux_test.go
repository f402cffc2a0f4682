package egress

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/link/loopback"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"

	"github.com/cyan-cd/cyan/localcluster/internal/datagrams"
)

// podNetwork makes ends of flows in a network of their own, which pass to each other in pairs.
type podNetwork struct {
	t     *testing.T
	stack *stack.Stack
	ports uint16
}

func newPodNetwork(t *testing.T) *podNetwork {
	t.Helper()
	s := stack.New(stack.Options{NetworkProtocols: []stack.NetworkProtocolFactory{ipv4.NewProtocol}, TransportProtocols: []stack.TransportProtocolFactory{udp.NewProtocol}})
	t.Cleanup(s.Destroy)
	if err := s.CreateNIC(1, loopback.New()); err != nil {
		t.Fatal(err)
	}
	address := tcpip.ProtocolAddress{Protocol: ipv4.ProtocolNumber, AddressWithPrefix: tcpip.AddrFrom4([4]byte{127, 0, 0, 1}).WithPrefix()}
	if err := s.AddProtocolAddress(1, address, stack.AddressProperties{}); err != nil {
		t.Fatal(err)
	}
	subnet, err := tcpip.NewSubnet(tcpip.AddrFrom4([4]byte{}), tcpip.MaskFromBytes(make([]byte, 4)))
	if err != nil {
		t.Fatal(err)
	}
	s.SetRouteTable([]tcpip.Route{{Destination: subnet, NIC: 1}})
	return &podNetwork{t: t, stack: s, ports: 1000}
}

func (f *podNetwork) pair() (a, b *podDatagrams) {
	f.t.Helper()
	f.ports += 2
	return f.end(f.ports, f.ports+1), f.end(f.ports+1, f.ports)
}

func (f *podNetwork) end(from, to uint16) *podDatagrams {
	f.t.Helper()
	var queue waiter.Queue
	end, err := f.stack.NewEndpoint(udp.ProtocolNumber, ipv4.ProtocolNumber, &queue)
	if err != nil {
		f.t.Fatal(err)
	}
	here := tcpip.AddrFrom4([4]byte{127, 0, 0, 1})
	if err := end.Bind(tcpip.FullAddress{Addr: here, Port: from}); err != nil {
		f.t.Fatal(err)
	}
	if err := end.Connect(tcpip.FullAddress{Addr: here, Port: to}); err != nil {
		f.t.Fatal(err)
	}
	p := newPodDatagrams(&queue, end)
	f.t.Cleanup(func() { _ = p.Close() })
	return p
}

func next(p *podDatagrams, until time.Time) (text string, err error) {
	err = p.receive(until, func(datagram []byte) error {
		text = string(datagram)
		return nil
	})
	return text, err
}

// What comes of a pod is had in its order and its whole length, before the time is up and the flow has ended.
func TestDatagramsOfAPod(t *testing.T) {
	a, b := newPodNetwork(t).pair()
	long := string(make([]byte, 60_000))
	for _, text := range []string{"one", "", long} {
		if _, err := b.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"one", "", long} {
		if got, err := next(a, time.Now().Add(time.Minute)); got != want || err != nil {
			t.Errorf("got %d bytes, %v, want %d", len(got), err, len(want))
		}
	}
	if _, err := next(a, time.Now()); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("nothing has come: got %v", err)
	}
	ended := make(chan error)
	go func() {
		_, err := next(a, time.Now().Add(time.Minute))
		ended <- err
	}()
	_ = a.Close()
	_ = a.Close()
	if err := <-ended; !errors.Is(err, io.EOF) {
		t.Errorf("an ended flow: got %v", err)
	}
}

// Flows that wait hold no room for what may come: 1024, each with two directions, would hold 256 MB.
func TestFlowsHoldNoBuffers(t *testing.T) {
	const count = 64
	all := newPodNetwork(t)
	var both sync.WaitGroup
	t.Cleanup(both.Wait)
	before := inUse()
	for range count {
		a, b := all.pair()
		outside, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer outside.Close()
		machine, err := dialUDP(outside.LocalAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer machine.Close()
		var last atomic.Int64
		last.Store(time.Now().UnixNano())
		both.Go(func() { _ = passDatagrams(machine, a, &last) })
		both.Go(func() { _ = passDatagrams(a, outsideDatagrams{machine}, &last) })
		exchange(t, b, outside)
		t.Cleanup(func() { _, _ = a.Close(), machine.Close() })
	}
	if held := inUse() - before; held > count*datagrams.Max/2 {
		t.Errorf("%d flows hold %d KiB", count, held>>10)
	}
}

// exchange has a datagram go out and its answer come back.
func exchange(t *testing.T, pod *podDatagrams, outside *net.UDPConn) {
	t.Helper()
	if _, err := pod.Write([]byte("out")); err != nil {
		t.Fatal(err)
	}
	_ = outside.SetReadDeadline(time.Now().Add(30 * time.Second))
	heard := make([]byte, 8)
	n, from, err := outside.ReadFromUDP(heard)
	if err != nil || string(heard[:n]) != "out" {
		t.Fatalf("outside: %q, %v", heard[:n], err)
	}
	if _, err := outside.WriteToUDP([]byte("back"), from); err != nil {
		t.Fatal(err)
	}
	if got, err := next(pod, time.Now().Add(30*time.Second)); got != "back" || err != nil {
		t.Fatalf("pod: %q, %v", got, err)
	}
}

// inUse is how many bytes heap and stacks have, once what is in no use has been given back, that of pools included.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc + stats.StackInuse) //nolint:gosec // no machine has more
}
