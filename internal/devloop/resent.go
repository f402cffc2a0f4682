package devloop

import (
	"context"
	"io"
	"net/http"
	"sync"
)

// mostResent bounds what is kept of the body of a request, so that it can be sent again.
const mostResent = 1 << 20

// resent is the body of a request that may be sent more than once.
type resent struct {
	from io.Reader
	// kept is what was read of it, unless that was more than is kept.
	kept []byte
	over bool
}

func newResent(from io.ReadCloser) *resent {
	if from == nil || from == http.NoBody {
		return &resent{}
	}
	return &resent{from: from}
}

// attempt is the body from its beginning, for one time that it is sent.
func (r *resent) attempt() *attempt { return &attempt{of: r, closed: make(chan struct{})} }

// attempt is a body while it is sent. Another one may be begun when it is closed.
type attempt struct {
	of     *resent
	at     int
	once   sync.Once
	closed chan struct{}
}

// reader returns what a request has as its body.
func (a *attempt) reader() io.ReadCloser {
	if a.of.from == nil {
		return http.NoBody
	}
	return a
}

// Read reads what was read before, and then what was not.
func (a *attempt) Read(p []byte) (int, error) {
	if a.at < len(a.of.kept) {
		n := copy(p, a.of.kept[a.at:])
		a.at += n
		return n, nil
	}
	n, err := a.of.from.Read(p)
	if len(a.of.kept)+n > mostResent {
		a.of.over = true
		return n, err
	}
	a.of.kept = append(a.of.kept, p[:n]...)
	a.at += n
	return n, err
}

// Close ends the attempt. The body stays open for others.
func (a *attempt) Close() error {
	a.once.Do(func() { close(a.closed) })
	return nil
}

// mayRepeat waits until nothing reads the body any more, and reports whether all that was read is kept.
func (a *attempt) mayRepeat(ctx context.Context) bool {
	if a.of.from == nil {
		return true
	}
	select {
	case <-a.closed:
		return !a.of.over
	case <-ctx.Done():
		return false
	}
}
