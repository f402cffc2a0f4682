package application

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cd/cyan/internal/source"
)

// GitMeters are the metrics of what hosts of git are asked, under the names that existing dashboards ask for.
type GitMeters struct {
	requests *prometheus.CounterVec
	failed   map[string]*prometheus.CounterVec
	seconds  *prometheus.HistogramVec

	mu    sync.Mutex
	repos map[string]bool
}

const (
	// maxMetered bounds the repositories that have a label of their own; others share one.
	maxMetered = 4096
	otherRepos = "other"
)

// NewGitMeters returns meters that nothing was counted by.
func NewGitMeters() *GitMeters {
	failed := func(name, what string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: "Number of git " + what + " requests that failed."}, []string{"repo"})
	}
	return &GitMeters{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "argocd_git_request_total", Help: "Number of git requests."}, []string{"repo", "request_type"}),
		failed:   map[string]*prometheus.CounterVec{"fetch": failed("argocd_git_fetch_fail_total", "fetch"), "ls-remote": failed("argocd_git_lsremote_fail_total", "ls-remote")},
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "argocd_git_request_duration_seconds", Help: "Git requests duration in seconds.", Buckets: []float64{0.1, 0.25, 0.5, 1, 2, 4, 10, 20},
		}, []string{"repo", "request_type"}),
		repos: map[string]bool{},
	}
}

// Asked counts a question to a host.
func (m *GitMeters) Asked(a source.Asked) {
	repo := m.label(a.Repository)
	m.requests.WithLabelValues(repo, a.Operation).Inc()
	m.seconds.WithLabelValues(repo, a.Operation).Observe(a.Took.Seconds())
	if counter := m.failed[a.Operation]; a.Failed && counter != nil {
		counter.WithLabelValues(repo).Inc()
	}
}

// label is how a repository is called.
func (m *GitMeters) label(repo string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.repos[repo] && len(m.repos) >= maxMetered {
		return otherRepos
	}
	m.repos[repo] = true
	return repo
}

// collectors are all of them.
func (m *GitMeters) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.seconds, m.failed["fetch"], m.failed["ls-remote"]}
}
