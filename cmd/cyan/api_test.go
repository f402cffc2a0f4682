package main

import (
	"testing"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// Passwords cross no network in plain text.
func TestTheAPIIsOnLoopbackWithoutACertificate(t *testing.T) {
	const plain = ": others than this machine reach that address, and would send passwords in plain text; give --api-tls-cert and --api-tls-key, or listen on 127.0.0.1"
	for _, c := range []struct {
		flags apiFlags
		want  string
	}{
		{apiFlags{}, ""}, {apiFlags{address: "127.0.0.1:0"}, ""}, {apiFlags{address: "localhost:0"}, ""}, {apiFlags{address: "[::1]:0"}, ""},
		{apiFlags{address: ":0"}, "Error: --api-listen :0" + plain},
		{apiFlags{address: "0.0.0.0:0"}, "Error: --api-listen 0.0.0.0:0" + plain},
		{apiFlags{address: "10.0.0.1:0"}, "Error: --api-listen 10.0.0.1:0" + plain},
		{apiFlags{address: "8081"}, "Error: --api-listen: address 8081: missing port in address; give HOST:PORT, such as 127.0.0.1:8081"},
		{apiFlags{certificate: "a.pem"}, "Error: --api-tls-cert: given without --api-listen; give the address as well"},
		{apiFlags{address: "0.0.0.0:0", certificate: "missing.pem", key: "missing.pem"}, "Error: --api-tls-cert: open missing.pem: no such file or directory; give the files of a certificate and its key"},
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
