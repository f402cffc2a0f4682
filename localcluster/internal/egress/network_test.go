package egress

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestWhere(t *testing.T) {
	network := Network{
		Host: netip.MustParseAddr("172.30.1.1"), DNS: netip.MustParseAddr("172.30.1.53"),
		Inside: []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16"), netip.MustParsePrefix("10.96.0.0/16"), netip.MustParsePrefix("172.30.0.0/23")},
	}
	for name, c := range map[string]struct {
		to   string
		kind Kind
		want []string
		why  string
	}{
		"another network":               {to: "93.184.216.34:443", want: []string{"93.184.216.34:443"}},
		"a network of one's own":        {to: "192.168.1.7:5432", want: []string{"192.168.1.7:5432"}},
		"beside the pods' range":        {to: "10.243.255.255:1", want: []string{"10.243.255.255:1"}},
		"this machine":                  {to: "172.30.1.1:5432", want: []string{"127.0.0.1:5432", "[::1]:5432"}},
		"this machine's own DNS server": {to: "172.30.1.1:53", want: []string{"127.0.0.1:53", "[::1]:53"}},
		"the resolver":                  {to: "172.30.1.53:53", kind: Resolver},
		"beside the resolver":           {to: "172.30.1.53:54", why: "port 53 has the resolver"},
		"a pod that is gone":            {to: "10.244.0.9:80", why: "of the cluster's own range 10.244.0.0/16"},
		"a Service that is gone":        {to: "10.96.3.4:80", why: "of the cluster's own range 10.96.0.0/16"},
		"nothing, near the node":        {to: "172.30.0.77:80", why: "of the cluster's own range 172.30.0.0/23"},
		"credentials of a cloud":        {to: "169.254.169.254:80", why: "credentials"},
		"loopback":                      {to: "127.0.0.1:80", why: "each machine's own"},
		"no machine":                    {to: "0.0.0.0:80", why: "not the address of a machine"},
		"many machines":                 {to: "224.0.0.251:5353", why: "not the address of one machine"},
		"all machines":                  {to: "255.255.255.255:67", why: "not the address of one machine"},
		"IPv6":                          {to: "[2001:db8::1]:80", why: "not an IPv4 address"},
	} {
		got, err := network.Where(netip.MustParseAddrPort(c.to))
		switch {
		case c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why)):
			t.Errorf("%s: got %v, %v; want the error %q", name, got, err, c.why)
		case c.why == "" && (err != nil || got.Kind != c.kind || !slices.Equal(got.Addresses, c.want)):
			t.Errorf("%s: got %v, %v; want %v", name, got, err, c.want)
		}
	}
}

// TestTheGuideHasAllNames: docs/local-cluster.md lists the names of this machine, and no other.
func TestTheGuideHasAllNames(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/local-cluster.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(guide)) {
		names, rest, found := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		if !found || !strings.HasPrefix(rest, "127.0.0.1 of this machine") {
			continue
		}
		if want := "`" + strings.Join(Names, "`, `") + "`"; names != want {
			t.Errorf("names: got %s, want %s", names, want)
		}
		return
	}
	t.Error("no line found with the names of this machine")
}
