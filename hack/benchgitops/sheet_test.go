package main

import (
	"io"
	"strings"
	"testing"
	"time"
)

func TestMet(t *testing.T) {
	second := lasting(time.Second)
	for _, c := range []struct {
		name string
		figure
		want string
	}{
		{"no target", figure{measured: []amount{second}}, ""},
		{"at the target", figure{measured: []amount{second}, targets: []amount{second}}, "yes"},
		{"over the target", figure{measured: []amount{lasting(time.Second + 1)}, targets: []amount{second}}, "no"},
		{"the second over its own", figure{measured: []amount{second, number(2)}, targets: []amount{second, number(1)}}, "no"},
		{"nothing measured", figure{targets: []amount{second}}, "no"},
		{"failed", figure{measured: []amount{second}, failed: "lost"}, "no"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.met(); got != c.want {
				t.Errorf("met() = %q, want %q", got, c.want)
			}
		})
	}
}

func TestMarkdown(t *testing.T) {
	s := &sheet{out: io.Discard}
	s.begin("nothing came of it")
	s.begin("3 Applications")
	s.add(figure{what: "first sync", measured: []amount{lasting(1234 * time.Millisecond)}, limit: "900ms", targets: []amount{lasting(time.Second)}})
	s.add(figure{what: "writes", measured: []amount{number(0)}, targets: []amount{number(0)}})
	s.add(figure{what: "restart", failed: "a|b\nc"})
	const want = `**3 Applications**

| | measured | limit, same run | target | met |
|---|---|---|---|---|
| first sync | 1.23s | 900ms | ≤ 1s | no |
| writes | 0 |  | 0 | yes |
| restart | failed: a\|b c |  |  | no |

Machine: M.
`
	if got := s.markdown("Machine: M."); got != want {
		t.Errorf("markdown:\n%s\nwant:\n%s", got, want)
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ name, line, wantError string }{
		{"all", "", ""},
		{"some", "-n 10,100 -only commit,large", ""},
		{"scenario not found", "-only comit", `scenario "comit" not found`},
		{"no number", "-n 10,x", `invalid number of Applications "x"`},
		{"none", "-n 0", "invalid number"},
		{"no samples", "-samples 0", "-samples 0: give a number from 1"},
		{"no time", "-idle 0s", "-idle 0s: give a time above 0"},
		{"an argument", "commit", `unknown argument "commit"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parse(strings.Fields(c.line), io.Discard)
			if c.wantError == "" && err != nil || c.wantError != "" && (err == nil || !strings.Contains(err.Error(), c.wantError)) {
				t.Errorf("error %v, want %q", err, c.wantError)
			}
		})
	}
	o, err := parse([]string{"-n", "100,10", "-only", "idle"}, io.Discard)
	if err != nil || o.counts[0] != 10 || o.only.has("commit") || !o.only.any(manyApplications) || o.only.any(alone) {
		t.Errorf("%+v, %v: want 10 before 100, and idle alone", o, err)
	}
}
