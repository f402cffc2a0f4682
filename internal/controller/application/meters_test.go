package application

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cd/cyan/internal/source"
)

func TestNewMetricLabels(t *testing.T) {
	for _, c := range []struct {
		rule, keys, wrong string
	}{
		{"none", "", ""},
		{"some", "team,example.com/tier", ""},
		{"the same twice", "team,team", `label "team" is empty, or has the name label_team as another one has`},
		{"two of one name", "a.b,a-b", `label "a-b" is empty, or has the name label_a_b`},
		{"an empty one", "team,", `label "" is empty`},
	} {
		keys := strings.FieldsFunc(c.keys, func(r rune) bool { return r == ',' })
		if strings.HasSuffix(c.keys, ",") {
			keys = append(keys, "")
		}
		got, err := NewMetricLabels(keys)
		if (err == nil) != (c.wrong == "") || err != nil && !strings.HasPrefix(err.Error(), c.wrong) {
			t.Errorf("%s: got %v, want %q", c.rule, err, c.wrong)
		}
		if err == nil && (got.description != nil) != (c.keys != "") {
			t.Errorf("%s: got %+v", c.rule, got)
		}
	}
}

// A repository that nobody has asked before gets a label of its own, up to a bound.
func TestGitMetersAreBounded(t *testing.T) {
	m := NewGitMeters()
	const more = 10
	for i := range maxMetered + more {
		m.Asked(source.Asked{Repository: fmt.Sprint("https://git.example/", i), Operation: "fetch", Took: time.Second, Failed: i == 0})
	}
	m.Asked(source.Asked{Repository: "https://git.example/0", Operation: "ls-remote"})
	registry := prometheus.NewRegistry()
	for _, c := range m.collectors() {
		registry.MustRegister(c)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series, failures, others := 0, 0.0, 0.0
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			switch f.GetName() {
			case "argocd_git_request_total":
				series++
				if strings.Contains(metric.String(), `"`+otherRepos+`"`) {
					others = metric.GetCounter().GetValue()
				}
			case "argocd_git_fetch_fail_total", "argocd_git_lsremote_fail_total":
				failures += metric.GetCounter().GetValue()
			}
		}
	}
	if series != maxMetered+2 || others != more || failures != 1 {
		t.Errorf("got %d series, %v of others, %v failures; want %d, %d, 1", series, others, failures, maxMetered+2, more)
	}
}
