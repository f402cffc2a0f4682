package cluster

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// ErrLinkLocal is why a cluster is not reached at an address at which clouds keep the credentials of machines.
var ErrLinkLocal = errors.New("the address is in a network of a single link, which is not connected to")

// dialer connects to registered clusters. It judges the address at each connection, not the name once: what a name
// stands for may be another one a moment later.
var dialer = &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second, Control: refuseLinkLocal}

func refuseLinkLocal(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err == nil && isLinkLocal(at.Addr()) {
		return ErrLinkLocal
	}
	return err
}

// translated are the addresses of version 6 that a gateway makes addresses of version 4 of, their last four bytes.
var translated = netip.MustParsePrefix("64:ff9b::/96")

func isLinkLocal(address netip.Addr) bool {
	address = address.Unmap()
	if translated.Contains(address) {
		all := address.As16()
		address, _ = netip.AddrFromSlice(all[12:])
	}
	return address.IsLinkLocalUnicast()
}
