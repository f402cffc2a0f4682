package api

import (
	"log/slog"
	"net/http"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// Bounds of the lines about refusals, each of which a stranger can cause.
const (
	refusalsPerSecond = 20
	refusalsAtOnce    = 200
)

// refusals bounds how many lines are written about what is refused; those that are left out are counted.
type refusals struct {
	limit *rate.Limiter
	log   *slog.Logger
	left  atomic.Int64
}

func newRefusals(log *slog.Logger) *refusals {
	return &refusals{limit: rate.NewLimiter(refusalsPerSecond, refusalsAtOnce), log: log}
}

// allow reports whether a line may be written, after one about those that were left out.
func (r *refusals) allow() bool {
	if !r.limit.Allow() {
		r.left.Add(1)
		return false
	}
	if left := r.left.Swap(0); left > 0 {
		r.log.Warn("audit", "outcome", "refused", "left out", left)
	}
	return true
}

// refusedUnread writes the audit line of a request that was refused before anything of it was read.
func (s *service) refusedUnread(r *http.Request, why string) {
	if s.refusals.allow() {
		s.log.Warn("audit", "from", s.auth.Address(r), "call", r.Method, "path", r.URL.Path, "outcome", "refused", "why", why)
	}
}
