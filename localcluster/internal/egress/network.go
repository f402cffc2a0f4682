// Package egress is the way out of the cluster's network: it ends the connections of pods in a TCP/IP stack of its own,
// and makes others in their place from this machine's network. Nothing of this machine's own network is changed.
package egress

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// Names are those by which pods find this machine: its own, and those that manifests have from elsewhere.
var Names = []string{
	"host.cyan.internal", "host.docker.internal", "gateway.docker.internal", "host.k3d.internal", "host.minikube.internal",
	"host.containers.internal", "host.rancher-desktop.internal", "host.lima.internal",
}

// Network is what the cluster's network is like for those who leave it.
type Network struct {
	// Host stands for this machine's loopback interface, DNS for its resolvers.
	Host, DNS netip.Addr
	// Inside are the ranges of the cluster itself. What is asked for in them and comes here is gone.
	Inside []netip.Prefix
}

// Kind is what a destination is.
type Kind int

const (
	// Outside is an address to connect to.
	Outside Kind = iota
	// Resolver is the resolver of this machine, whichever that is by then.
	Resolver
)

// Destination is where a flow goes.
type Destination struct {
	Kind Kind
	// Addresses are to be tried one after the other, as host:port.
	Addresses []string
}

// refused are addresses that are not reached from pods. Those of the link have the credentials of a machine in a cloud.
var refused = []struct {
	prefix netip.Prefix
	why    string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "not the address of a machine"},
	{netip.MustParsePrefix("127.0.0.0/8"), "each machine's own"},
	{netip.MustParsePrefix("169.254.0.0/16"), "of the link alone, where clouds keep the credentials of this machine"},
	{netip.MustParsePrefix("224.0.0.0/3"), "not the address of one machine"},
}

// dnsPort is where resolvers are asked.
const dnsPort = 53

// Where returns where a flow to an address goes; the error says why it goes nowhere.
func (n Network) Where(to netip.AddrPort) (Destination, error) {
	addr := to.Addr()
	port := strconv.Itoa(int(to.Port()))
	switch {
	case addr == n.DNS && to.Port() == dnsPort:
		return Destination{Kind: Resolver}, nil
	case addr == n.DNS:
		return Destination{}, fmt.Errorf("%s: port %d has the resolver, and nothing else is there", to, dnsPort)
	case addr == n.Host:
		// Programs of developers listen on one of the two, and rarely say on which.
		return Destination{Addresses: []string{net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port)}}, nil
	case !addr.Is4():
		return Destination{}, fmt.Errorf("%s: not an IPv4 address", to)
	}
	for _, inside := range n.Inside {
		if inside.Contains(addr) {
			return Destination{}, fmt.Errorf("%s: of the cluster's own range %s, where nothing has it", to, inside)
		}
	}
	for _, r := range refused {
		if r.prefix.Contains(addr) {
			return Destination{}, fmt.Errorf("%s: %s", to, r.why)
		}
	}
	return Destination{Addresses: []string{to.String()}}, nil
}
