package main

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func TestWhereTheAPIListens(t *testing.T) {
	for _, c := range []struct {
		flags apiFlags
		want  string
	}{
		{apiFlags{}, ""},
		{apiFlags{address: "127.0.0.1:0", asked: true}, ""},
		{apiFlags{address: "localhost:0", asked: true}, ""},
		{apiFlags{address: "127.0.0.1:0", root: "/cd/", proxies: []string{"10.0.0.1", "192.168.0.0/16"}}, ""},
		{apiFlags{address: "0.0.0.0:0", insecure: true}, ""},
		{apiFlags{address: "8081", asked: true}, "Error: --api-listen: listen tcp: address 8081: missing port in address; choose another address, such as 127.0.0.1:8080"},
		{apiFlags{certificate: "a.pem"}, "Error: --api-tls-cert: given while --api-listen is empty; give the address as well"},
		{apiFlags{address: "0.0.0.0:0", certificate: "missing.pem", key: "missing.pem"}, "Error: --api-tls-cert: open missing.pem: no such file or directory; give the files of a certificate and its key"},
		{apiFlags{address: "0.0.0.0:0", certificate: "a.pem", key: "a.pem", insecure: true}, "Error: --api-insecure: given with --api-tls-cert; give one of the two"},
		{apiFlags{address: "127.0.0.1:0", root: "/a b"}, `Error: --root-path: invalid path "a b"; give one of letters, digits, dots and dashes, such as /cd`},
		{apiFlags{address: "127.0.0.1:0", root: "/api"}, "Error: --root-path: path /api is taken by the server itself; choose another"},
		{apiFlags{address: "127.0.0.1:0", proxies: []string{"proxy"}}, `Error: --trusted-proxies: "proxy" is not a network; give an address, or one with the length of its prefix, such as 10.0.0.0/8`},
	} {
		api, err := c.flags.listen()
		if got := kit.Message(err); got != c.want || (err != nil && kit.ExitCode(err) != 2) {
			t.Errorf("%+v: got %q, want %q", c.flags, got, c.want)
		}
		if (api.Listener != nil) != (c.want == "" && c.flags.address != "") {
			t.Errorf("%+v: listens: %v", c.flags, api.Listener != nil)
		}
		if api.Listener != nil {
			_ = api.Listener.Close()
		}
	}
}

// An address that is taken is an error for who asked for it, and another port for who did not.
func TestAnAddressThatIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if _, err := listen(taken.Addr().String(), true); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("asked for: %v, want an error", err)
	}
	other, err := listen(taken.Addr().String(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if host, _, _ := net.SplitHostPort(other.Addr().String()); host != "127.0.0.1" {
		t.Errorf("not asked for: listens at %s, want 127.0.0.1", other.Addr())
	}
}

// What nobody asked for listens for this machine alone.
func TestDefaultsAreOnLoopback(t *testing.T) {
	for _, address := range []string{defaultAddress, defaultAPIAddress} {
		if host, _, err := net.SplitHostPort(address); err != nil || !isLoopback(host) {
			t.Errorf("%s: want an address of this machine", address)
		}
	}
}

// A certificate that was renewed is read anew.
func TestACertificateOfFilesIsReadAnew(t *testing.T) {
	f := apiFlags{certificate: filepath.Join(t.TempDir(), "missing"), key: "missing"}
	if _, err := f.read(); err == nil {
		t.Error("missing files: no error")
	}
}
