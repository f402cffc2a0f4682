package server

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Proxies are the networks whose word on who is behind them is believed.
type Proxies []netip.Prefix

// ParseProxies reads addresses and networks.
func ParseProxies(texts []string) (Proxies, error) {
	var all Proxies
	for _, text := range texts {
		if text = strings.TrimSpace(text); !strings.Contains(text, "/") {
			if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
				text += "/" + strconv.Itoa(address.BitLen())
			}
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not a network", text)
		}
		all = append(all, network.Masked())
	}
	return all, nil
}

func (p Proxies) include(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(address) })
}

// longestForwarded bounds how many proxies may stand behind one another.
const longestForwarded = 16

// Client returns the address that a request is from: that of its connection or, where that is a proxy's, the last one
// before it that is none. What is in front of that was written by anybody.
func (p Proxies) Client(r *http.Request) string {
	at := addressOf(r.RemoteAddr)
	if !p.include(at) {
		return r.RemoteAddr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= max(0, len(hops)-longestForwarded); i-- {
		hop := addressOf(strings.TrimSpace(hops[i]))
		if !hop.IsValid() {
			break
		}
		if at = hop; !p.include(hop) {
			break
		}
	}
	return at.String()
}

// Secure reports whether a request has come by TLS to this server or to a proxy in front of it.
func (p Proxies) Secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	first, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	return strings.EqualFold(strings.TrimSpace(first), "https") && p.include(addressOf(r.RemoteAddr))
}

// addressOf returns the address in HOST:PORT or HOST; an invalid one where there is none.
func addressOf(text string) netip.Addr {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	address, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return address.Unmap().WithZone("")
}

// networkOf returns what counts as one address: with IPv6 the network that a client may choose addresses from.
func networkOf(address netip.Addr) netip.Addr {
	if !address.Is6() || address.IsLoopback() {
		return address
	}
	network, err := address.Prefix(64)
	if err != nil {
		return address
	}
	return network.Masked().Addr()
}
