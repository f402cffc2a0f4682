package egress

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

func TestResolversOfAMachine(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"one":              {"nameserver 192.0.2.1\n", []string{"192.0.2.1:53"}},
		"several, in turn": {"# of the router\nsearch example\nnameserver 127.0.0.53\nnameserver\t192.0.2.1 # second\n", []string{"127.0.0.53:53", "192.0.2.1:53"}},
		"by IPv6":          {"nameserver 2001:db8::1\nnameserver fe80::1%eth0\n", []string{"[2001:db8::1]:53", "[fe80::1%eth0]:53"}},
		"one that is not":  {";nameserver 192.0.2.1\n#nameserver 192.0.2.2\nnameservers 192.0.2.3\nnameserver\n", []string{"127.0.0.1:53"}},
		"none":             {"", []string{"127.0.0.1:53"}},
	} {
		file := filepath.Join(t.TempDir(), "resolv.conf")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := ResolversOf(file); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	if got := ResolversOf(filepath.Join(t.TempDir(), "none")); !slices.Equal(got, []string{"127.0.0.1:53"}) {
		t.Errorf("no file: got %q", got)
	}
}

// resolver answers each question with a code and, before that, with an answer to another question.
func resolver(t *testing.T, code int) string {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		answer := new(dns.Msg).SetRcode(query, code)
		answer.Id++
		_ = w.WriteMsg(answer)
		answer.Id--
		_ = w.WriteMsg(answer)
	})}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = conn.Close() })
	return conn.LocalAddr().String()
}

// TestTheFirstAnswerCounts: a resolver that is not there, or has no answer, is passed over; that there is no such name
// is an answer.
func TestTheFirstAnswerCounts(t *testing.T) {
	gone, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	absent, failing, refusing := gone.LocalAddr().String(), resolver(t, dns.RcodeServerFailure), resolver(t, dns.RcodeRefused)
	unknown, answering := resolver(t, dns.RcodeNameError), resolver(t, dns.RcodeSuccess)
	for name, c := range map[string]struct {
		resolvers []string
		want      int
	}{
		"an answer":                     {[]string{answering, unknown}, dns.RcodeSuccess},
		"no such name":                  {[]string{unknown, answering}, dns.RcodeNameError},
		"one that is not there":         {[]string{absent, answering}, dns.RcodeSuccess},
		"one that fails":                {[]string{failing, answering}, dns.RcodeSuccess},
		"one that refuses":              {[]string{refusing, unknown}, dns.RcodeNameError},
		"all of these":                  {[]string{absent, failing, refusing}, dns.RcodeServerFailure},
		"one alone that is not there":   {[]string{absent}, dns.RcodeServerFailure},
		"one whose address makes sense": {[]string{"nonsense", answering}, dns.RcodeSuccess},
	} {
		query := new(dns.Msg).SetQuestion("db.example.", dns.TypeA)
		query.SetEdns0(4096, false)
		packed, err := query.Pack()
		if err != nil {
			t.Fatal(err)
		}
		var got dns.Msg
		if err := got.Unpack(ask(c.resolvers, packed)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got.Rcode != c.want || got.Id != query.Id || !got.Response || len(got.Question) != 1 || got.Question[0] != query.Question[0] {
			t.Errorf("%s: got %s", name, got.String())
		}
	}
}
