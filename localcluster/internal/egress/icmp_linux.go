package egress

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	xicmp "golang.org/x/net/icmp"
	xipv4 "golang.org/x/net/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"github.com/cyan-cd/cyan/localcluster/internal/datagrams"
)

// pingLimit is how long the answer to an echo request is waited for.
const pingLimit = 5 * time.Second

// passPing asks in a pod's place whether an address is there. It reports true for every request, because the stack
// would answer the others itself, for whatever address.
func (g *gateway) passPing(id stack.TransportEndpointID, packet *stack.PacketBuffer) bool {
	request := header.ICMPv4(packet.TransportHeader().Slice())
	if len(request) < header.ICMPv4MinimumSize || request.Type() != header.ICMPv4Echo {
		return false
	}
	pod, to := address(id.RemoteAddress), address(id.LocalAddress)
	destination, err := g.config.Network.Where(netip.AddrPortFrom(to, 0))
	var release func()
	if err == nil {
		release, err = g.pings.open(pod)
	}
	if err != nil {
		g.refuse(pod, err)
		return true
	}
	echo := &xicmp.Echo{ID: int(request.Ident()), Seq: int(request.Sequence()), Data: packet.Data().AsRange().ToSlice()}
	host, _, _ := net.SplitHostPort(destination.Addresses[0])
	go func() {
		defer release()
		if err := ping(host, echo); err == nil {
			g.sendICMP(echoReply(to, pod, echo))
		}
	}()
	return true
}

// ping sends an echo request and returns nil when it is answered.
func ping(host string, echo *xicmp.Echo) error {
	// The kernel numbers requests itself, and hands out the answers; where it may not, root has all of them.
	network, target := "udp4", net.Addr(&net.UDPAddr{IP: net.ParseIP(host)})
	conn, err := xicmp.ListenPacket(network, "0.0.0.0")
	if err != nil {
		network, target = "ip4:icmp", &net.IPAddr{IP: net.ParseIP(host)}
		if conn, err = xicmp.ListenPacket(network, "0.0.0.0"); err != nil {
			return fmt.Errorf("opening a socket for echo requests: %w", err)
		}
	}
	defer conn.Close()
	message := xicmp.Message{Type: xipv4.ICMPTypeEcho, Body: echo}
	data, err := message.Marshal(nil)
	if err != nil {
		return err
	}
	if err := conn.SetDeadline(time.Now().Add(pingLimit)); err != nil {
		return err
	}
	if _, err := conn.WriteTo(data, target); err != nil {
		return err
	}
	answer := make([]byte, datagrams.Max)
	for {
		n, _, err := conn.ReadFrom(answer)
		if err != nil {
			return err
		}
		message, err := xicmp.ParseMessage(int(header.ICMPv4ProtocolNumber), answer[:n])
		if err != nil {
			continue
		}
		got, ok := message.Body.(*xicmp.Echo)
		if ok && message.Type == xipv4.ICMPTypeEchoReply && got.Seq == echo.Seq && (network == "udp4" || got.ID == echo.ID) {
			return nil
		}
	}
}

// echoReply is the packet that answers a pod's echo request.
func echoReply(from, pod netip.Addr, echo *xicmp.Echo) ([]byte, error) {
	return packet(from, pod, &xicmp.Message{Type: xipv4.ICMPTypeEchoReply, Body: echo})
}

// portUnreachable is the packet by which a pod hears that nobody takes its datagrams.
func portUnreachable(pod, to netip.AddrPort) ([]byte, error) {
	const udpHeader = 8
	// It carries the beginning of a datagram that was in vain.
	vain := ipHeader(pod.Addr(), to.Addr(), header.UDPProtocolNumber, udpHeader)
	vain = binary.BigEndian.AppendUint16(vain, pod.Port())
	vain = binary.BigEndian.AppendUint16(vain, to.Port())
	vain = append(vain, 0, udpHeader, 0, 0)
	const codePort = 3
	return packet(to.Addr(), pod.Addr(), &xicmp.Message{Type: xipv4.ICMPTypeDestinationUnreachable, Code: codePort, Body: &xicmp.DstUnreach{Data: vain}})
}

func packet(from, to netip.Addr, message *xicmp.Message) ([]byte, error) {
	body, err := message.Marshal(nil)
	if err != nil {
		return nil, err
	}
	return append(ipHeader(from, to, header.ICMPv4ProtocolNumber, len(body)), body...), nil
}

func ipHeader(from, to netip.Addr, protocol tcpip.TransportProtocolNumber, payload int) []byte {
	const ttl = 64
	ip := make(header.IPv4, header.IPv4MinimumSize)
	ip.Encode(&header.IPv4Fields{
		TotalLength: uint16(len(ip) + payload), //nolint:gosec // that of a packet which has come
		TTL:         ttl, Protocol: uint8(protocol), SrcAddr: tcpip.AddrFrom4(from.As4()), DstAddr: tcpip.AddrFrom4(to.As4()),
	})
	ip.SetChecksum(^ip.CalculateChecksum())
	return ip
}

// sendICMP sends a packet to a pod.
func (g *gateway) sendICMP(packet []byte, err error) {
	if err == nil {
		err = g.link.sendRaw(packet)
	}
	if err != nil {
		slog.Warn("packet could not be sent to a pod", "cause", err.Error())
	}
}
