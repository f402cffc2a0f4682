package routing

import (
	"net/netip"
	"regexp"
	"testing"
)

// Which backend a request gets, by its header, its cookie, and a number between 0 and 1.
func TestChoose(t *testing.T) {
	stable := Action{Backends: []Backend{{Weight: 1}, {Weight: 3}}}
	canary := func(c Canary) *Action {
		c.Backends, c.Total = []Backend{{Weight: 1}}, 10
		a := stable
		a.Canaries = []Canary{c}
		return &a
	}
	none := &Action{}
	idle := &Action{Backends: []Backend{{Weight: 0}, {Weight: 1}}}
	first, second, trial := "first", "second", "canary"
	for _, c := range []struct {
		rule           string
		action         *Action
		header, cookie string
		at             float64
		want           string
	}{
		{"no backend", none, "", "", 0, ""},
		{"the first, from the beginning", &stable, "", "", 0, first},
		{"the first, to the end of its share", &stable, "", "", 0.2499, first},
		{"the second, from the end of that", &stable, "", "", 0.25, second},
		{"the second, to the end", &stable, "", "", 0.9999, second},
		{"one without weight gets nothing", idle, "", "", 0, second},
		{"a canary's weight", canary(Canary{Weight: 2}), "", "", 0.1999, trial},
		{"a canary's weight ends", canary(Canary{Weight: 2}), "", "", 0.2, first},
		{"a canary without weight", canary(Canary{}), "", "", 0, first},
		{"always, by header", canary(Canary{Header: "X-Canary"}), "always", "", 0.9, trial},
		{"never, by header", canary(Canary{Header: "X-Canary", Weight: 10}), "never", "", 0, first},
		{"another value of the header leaves it to the weight", canary(Canary{Header: "X-Canary", Weight: 10}), "sometimes", "", 0, trial},
		{"the header comes before the cookie", canary(Canary{Header: "X-Canary", Cookie: "canary"}), "never", "always", 0, first},
		{"a header that decides nothing leaves it to the cookie", canary(Canary{Header: "X-Canary", Cookie: "canary"}), "sometimes", "always", 0.9, trial},
		{"a value of the header", canary(Canary{Header: "X-Canary", HeaderValue: "beta"}), "beta", "", 0.9, trial},
		{"always is no value that was set", canary(Canary{Header: "X-Canary", HeaderValue: "beta"}), "always", "", 0.9, second},
		{"never is none either", canary(Canary{Header: "X-Canary", HeaderValue: "beta", Weight: 10}), "never", "", 0.9, trial},
		{"a pattern of the header", canary(Canary{Header: "X-Canary", HeaderPattern: regexp.MustCompile("^b")}), "beta", "", 0.9, trial},
		{"a pattern that does not match leaves it to the weight", canary(Canary{Header: "X-Canary", HeaderPattern: regexp.MustCompile("^b")}), "always", "", 0.9, second},
		{"always, by cookie", canary(Canary{Cookie: "canary"}), "", "always", 0.9, trial},
		{"never, by cookie", canary(Canary{Cookie: "canary", Weight: 10}), "", "never", 0, first},
		{"another value of the cookie leaves it to the weight", canary(Canary{Cookie: "canary", Weight: 10}), "", "perhaps", 0, trial},
		{"a cookie of no name decides nothing", canary(Canary{}), "", "", 0.9, second},
	} {
		r := &Request{Header: map[string][]string{"": {"always"}}, Cookies: map[string]string{"": "always"}}
		if c.header != "" {
			r.Header["X-Canary"] = []string{c.header}
		}
		if c.cookie != "" {
			r.Cookies["canary"] = c.cookie
		}
		backend, _ := c.action.Choose(r, c.at)
		got := ""
		switch {
		case backend == nil:
		case len(c.action.Canaries) > 0 && backend == &c.action.Canaries[0].Backends[0]:
			got = trial
		case backend == &c.action.Backends[0]:
			got = first
		case backend == &c.action.Backends[1]:
			got = second
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.rule, got, c.want)
		}
	}
	timed := canary(Canary{Weight: 5, Timeouts: Timeouts{Request: 2}})
	timed.Timeouts.Request = 1
	if _, got := timed.Choose(&Request{}, 0.4); got.Request != 2 {
		t.Errorf("the timeouts of a canary: got %v", got)
	}
	if _, got := timed.Choose(&Request{}, 0.6); got.Request != 1 {
		t.Errorf("the timeouts of others: got %v", got)
	}
}

// A mirror gets its share, addresses are denied before they are allowed, and a page may ask from an origin.
func TestWhoMayAsk(t *testing.T) {
	mirror := &Mirror{Parts: 1, Of: 4}
	for at, want := range map[float64]bool{0: true, 0.2499: true, 0.25: false, 0.9: false} {
		if got := mirror.Takes(at); got != want {
			t.Errorf("a quarter, at %v: got %v", at, got)
		}
	}
	prefixes := func(all ...string) (out []netip.Prefix) {
		for _, p := range all {
			out = append(out, netip.MustParsePrefix(p))
		}
		return out
	}
	for _, c := range []struct {
		rule        string
		allow, deny []netip.Prefix
		want        bool
	}{
		{"nothing is set", nil, nil, true},
		{"allowed", prefixes("192.0.2.0/24", "10.0.0.0/8"), nil, true},
		{"not among the allowed", prefixes("192.0.2.0/24"), nil, false},
		{"denied", nil, prefixes("192.0.2.0/24", "10.0.0.0/8"), false},
		{"not among the denied", nil, prefixes("192.0.2.0/24"), true},
		{"both", prefixes("10.0.0.0/8"), prefixes("10.1.0.0/16"), false},
	} {
		if got := (&Action{Allow: c.allow, Deny: c.deny}).Allowed(&Request{Remote: netip.MustParseAddr("10.1.2.3")}); got != c.want {
			t.Errorf("%s: got %v", c.rule, got)
		}
	}
	for _, c := range []struct {
		rule, allowed, origin string
		echo                  bool
		told                  string
		want                  bool
	}{
		{"all", "*", "https://a.example", false, "*", true},
		{"all, with credentials", "*", "https://a.example", true, "https://a.example", true},
		{"one", "https://a.example", "https://A.example", false, "https://A.example", true},
		{"another one", "https://a.example", "https://b.example", false, "", false},
		{"all of a domain", "https://*.example", "https://a.example", false, "https://a.example", true},
		{"a star stands for something", "https://*.example", "https://.example", false, "", false},
		{"what is before the star", "https://*.example", "http://a.example", false, "", false},
		{"what is behind the star", "https://*.example", "https://a.example.net", false, "", false},
		{"what is before and behind, in one", "https://a*a.example", "https://a.example", false, "", false},
	} {
		told, got := (&CORS{Origins: []string{"https://other.example", c.allowed}, Echo: c.echo}).Allows(c.origin)
		if told != c.told || got != c.want {
			t.Errorf("%s: got %q, %v", c.rule, told, got)
		}
	}
}
