package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/problem"
)

// largestBody bounds what is read of a request, and readTimeout how long that may take.
const (
	largestBody = 1 << 20
	readTimeout = 10 * time.Second
)

// caller is who makes a call, and what became of it.
type caller struct {
	auth.Identity
	request *http.Request
	writer  http.ResponseWriter
	rights  access.Rights
	options access.Options
	// version distinguishes the rights from those of others, and from others that the caller has had.
	version string
	// unknown is why it is not known who asks.
	unknown error
	// judged is set once it was decided whether the call is allowed, and about is what it is about.
	judged bool
	about  string
}

// open lets a call be made by anybody.
func (c *caller) open() { c.judged = true }

// isFromElsewhere reports whether another site, or a sibling of this one, has a browser make the call.
func (c *caller) isFromElsewhere() bool {
	from := c.request.Header.Get("Sec-Fetch-Site")
	return from == "cross-site" || from == "same-site"
}

// loggedIn lets a call be made by whoever has proved who they are.
func (c *caller) loggedIn() error {
	c.judged = true
	switch {
	case c.unknown != nil:
		return c.unknown
	case !c.LoggedIn():
		return auth.ErrNoSession
	}
	return nil
}

// allow lets a call be made by who has a right.
func (c *caller) allow(request access.Request) error {
	c.judged = true
	if c.unknown != nil {
		return c.unknown
	}
	d := c.rights.Decide(request)
	c.about = d.Call.String()
	if !d.Allowed {
		var refused *problem.Error
		if errors.As(c.rights.Check(request), &refused) {
			return newError(http.StatusForbidden, codePermissionDenied, refused.Error())
		}
		return errDenied
	}
	return nil
}

// mayAll returns the rights by which a call chooses what it shows; nothing is said of the rest.
func (c *caller) mayAll() (access.Rights, error) {
	c.judged = true
	return c.rights, c.unknown
}

// errNotJudged is the answer of a call that forgot to ask whether it is allowed.
var errNotJudged = newError(http.StatusInternalServerError, codeUnknown, "the call was not judged; report it")

type callerKey struct{}

// anybody is the security of a call that strangers may make.
var anybody = []map[string][]string{{}}

// strangersBody bounds what is read of a request that anybody may make.
const strangersBody = 16 << 10

// admit finds out who makes a call before anything else of the request is read. A stranger gets no further, but to the
// calls that are for anybody.
func (s *service) admit(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	defer s.recovered(w, r)
	c := s.identify(r)
	w.Header().Set("Cache-Control", "no-store")
	if c.unknown != nil && len(ctx.Operation().Security) == 0 {
		s.audit(r.Context(), *ctx.Operation(), c, c.unknown)
		writeError(w, shown(c.unknown))
		return
	}
	s.renew(w, r, c)
	r.Body, c.writer = http.MaxBytesReader(w, r.Body, largestBody), w
	next(huma.WithValue(ctx, callerKey{}, c))
}

// recovered has a call that panics end with an error like others, and the server go on.
func (s *service) recovered(w http.ResponseWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	s.log.Error("a call has panicked", "method", r.Method, "path", r.URL.Path, "panic", v, "stack", string(debug.Stack()))
	if w.Header().Get("Content-Type") != "" {
		// An answer has begun: what is cut off is not taken for the whole.
		panic(http.ErrAbortHandler)
	}
	writeError(w, shown(errUnknown))
}

// errUnknown is an error of which nothing is told.
var errUnknown = errors.New("a call has panicked")

// renew has a browser's session go on that ends soon.
func (s *service) renew(w http.ResponseWriter, r *http.Request, c *caller) {
	if c.unknown != nil {
		return
	}
	session, ok, err := s.auth.Renew(r, c.Identity)
	if err != nil {
		s.log.Warn("session not renewed", "who", c.Name, "err", err)
	}
	if !ok {
		return
	}
	for _, cookie := range session.Cookies {
		http.SetCookie(w, cookie)
	}
}

// register adds a call to the API.
func register[I, O any](s *service, operation huma.Operation, do func(ctx context.Context, c *caller, in *I) (*O, error)) {
	operation.MaxBodyBytes, operation.BodyReadTimeout = largestBody, readTimeout
	if len(operation.Security) > 0 {
		operation.MaxBodyBytes = strangersBody
	}
	operation.RejectUnknownQueryParameters = true
	huma.Register(s.api, operation, func(ctx context.Context, in *I) (*O, error) {
		c := callerOf(ctx)
		// All is read that is wanted: the time for that would end the call as well. What is left of the request is given
		// its time after the call. Where there are no deadlines, as in tests, nobody is slow.
		control := http.NewResponseController(c.writer)
		_ = control.SetReadDeadline(time.Time{})
		out, err := do(ctx, c, in)
		_ = control.SetReadDeadline(time.Now().Add(readTimeout))
		if !c.judged {
			s.log.Error("a call was not judged", "operation", operation.OperationID)
			out, err = nil, errNotJudged
		}
		s.audit(ctx, operation, c, err)
		if err != nil {
			return nil, answerOf(err)
		}
		return out, nil
	})
}

// callerOf returns who makes a call.
func callerOf(ctx context.Context) *caller {
	c, _ := ctx.Value(callerKey{}).(*caller)
	return c
}

// identify finds out who makes a call, and what they may do.
func (s *service) identify(r *http.Request) *caller {
	c := &caller{request: r}
	c.Identity, c.unknown = s.auth.Authenticate(r)
	if c.unknown != nil {
		return c
	}
	policy, version, err := s.Policies.current(r.Context())
	if err != nil {
		c.unknown = err
		return c
	}
	c.rights, c.options = policy.Of(c.Subject), policy.Options()
	c.version = versionOf(version, c.Subject)
	return c
}

// audit writes a line for each change and each refusal.
func (s *service) audit(ctx context.Context, operation huma.Operation, c *caller, err error) {
	reads := operation.Method == http.MethodGet
	outcome, level := "done", slog.LevelInfo
	switch {
	case err == nil && reads, errors.Is(err, auth.ErrNoSession) && reads:
		// Whoever opens the page is asked to log in first.
		return
	case isRefusal(err):
		outcome, level = "refused", slog.LevelWarn
	case err != nil && reads:
		if shown(err).Status >= http.StatusInternalServerError {
			s.log.Error("a call has failed", "call", operation.OperationID, "path", c.request.URL.Path, "err", err)
		}
		return
	case err != nil:
		outcome = "failed"
	}
	if outcome == "refused" && !s.refusals.allow() {
		return
	}
	line := []any{"who", c.Name, "how", string(c.How), "token", c.TokenID, "from", s.auth.Address(c.request), "call", operation.OperationID, "path", c.request.URL.Path, "about", c.about, "outcome", outcome}
	if err != nil {
		line = append(line, "why", err.Error())
	}
	if reason := auth.ReasonOf(err); reason != "" {
		line = append(line, "reason", reason)
	}
	s.log.Log(ctx, level, "audit", line...)
}

// isRefusal reports whether an error is that who asks may not, or not so often: a stranger can cause any number of
// them.
func isRefusal(err error) bool {
	if err == nil {
		return false
	}
	switch shown(err).Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		return true
	}
	return false
}

func retryAfter(wait time.Duration) http.Header {
	return http.Header{"Retry-After": {strconv.Itoa(int(wait.Round(time.Second).Seconds()) + 1)}}
}
