package egress

import (
	"net/netip"
	"testing"

	xicmp "golang.org/x/net/icmp"
	xipv4 "golang.org/x/net/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// opened checks the IP header of a packet and returns the message in it.
func opened(t *testing.T, packet []byte, from, to netip.Addr) *xicmp.Message {
	t.Helper()
	ip := header.IPv4(packet)
	if !ip.IsValid(len(packet)) || !ip.IsChecksumValid() || int(ip.TotalLength()) != len(packet) {
		t.Fatalf("IP header: got %v", packet)
	}
	if gotFrom, gotTo := address(ip.SourceAddress()), address(ip.DestinationAddress()); gotFrom != from || gotTo != to {
		t.Errorf("from %s to %s, want from %s to %s", gotFrom, gotTo, from, to)
	}
	message, err := xicmp.ParseMessage(int(header.ICMPv4ProtocolNumber), ip.Payload())
	if err != nil {
		t.Fatal(err)
	}
	return message
}

func TestEchoReply(t *testing.T) {
	to := netip.MustParseAddr("198.51.100.7")
	packet, err := echoReply(to, first, &xicmp.Echo{ID: 4711, Seq: 3, Data: []byte("data")})
	if err != nil {
		t.Fatal(err)
	}
	message := opened(t, packet, to, first)
	echo, ok := message.Body.(*xicmp.Echo)
	if message.Type != xipv4.ICMPTypeEchoReply || !ok || echo.ID != 4711 || echo.Seq != 3 || string(echo.Data) != "data" {
		t.Errorf("got %+v", message)
	}
}

func TestPortUnreachable(t *testing.T) {
	pod, to := netip.AddrPortFrom(first, 40000), netip.MustParseAddrPort("198.51.100.7:53")
	packet, err := portUnreachable(pod, to)
	if err != nil {
		t.Fatal(err)
	}
	message := opened(t, packet, to.Addr(), pod.Addr())
	body, ok := message.Body.(*xicmp.DstUnreach)
	const port = 3
	if message.Type != xipv4.ICMPTypeDestinationUnreachable || message.Code != port || !ok {
		t.Fatalf("got %+v", message)
	}
	vain := header.IPv4(body.Data)
	if address(vain.SourceAddress()) != pod.Addr() || address(vain.DestinationAddress()) != to.Addr() || vain.TransportProtocol() != header.UDPProtocolNumber {
		t.Errorf("datagram in vain: got %v", vain)
	}
	if udp := header.UDP(vain[vain.HeaderLength():]); udp.SourcePort() != pod.Port() || udp.DestinationPort() != to.Port() {
		t.Errorf("ports in vain: got %d to %d", udp.SourcePort(), udp.DestinationPort())
	}
}
