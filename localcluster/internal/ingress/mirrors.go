package ingress

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

const (
	// mostMirrored is the longest body of a request that is copied, and mostMirrors how many copies are under way at
	// once.
	mostMirrored = 1 << 20
	mostMirrors  = 64
	mirrorLimit  = 30 * time.Second
	bufferSize   = 32 << 10
)

// mirrors sends copies of requests, whose answers nobody sees.
type mirrors struct{ places chan struct{} }

func newMirrors() *mirrors { return &mirrors{places: make(chan struct{}, mostMirrors)} }

// send copies a request to the mirrors of its route and its backend. What is too long, or too much at once, is not
// copied.
func (m *mirrors) send(e *exchange, backend *routing.Backend, r *http.Request) {
	var to []*routing.Mirror
	for _, f := range []*routing.Filters{&e.action.Filters, &backend.Filters} {
		for i := range f.Mirrors {
			if f.Mirrors[i].Takes(rand.Float64()) { //nolint:gosec // which requests are copied is no secret
				to = append(to, &f.Mirrors[i])
			}
		}
	}
	if len(to) == 0 || r.ContentLength > mostMirrored {
		return
	}
	body, whole := peekBody(r)
	if !whole {
		return
	}
	for _, mirror := range to {
		select {
		case m.places <- struct{}{}:
			go func() {
				defer func() { <-m.places }()
				e.proxy.copyTo(&mirror.Backend, r, body)
			}()
		default:
		}
	}
}

// peekBody reads the body, up to a limit, and puts it back. It reports whether that was all of it.
func peekBody(r *http.Request) ([]byte, bool) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, true
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, mostMirrored+1))
	rest := r.Body
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(data), rest), rest}
	return data, err == nil && len(data) <= mostMirrored
}

func (p *Proxy) copyTo(backend *routing.Backend, r *http.Request, body []byte) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), mirrorLimit)
	defer cancel()
	out := r.Clone(ctx)
	out.Body, out.ContentLength, out.RequestURI = io.NopCloser(bytes.NewReader(body)), int64(len(body)), ""
	if len(body) == 0 {
		out.Body = http.NoBody
	}
	out.URL.Scheme = "http"
	response, err := (&attempts{proxy: p, backend: backend}).RoundTrip(out)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
}

// buffers are used again for copying.
type buffers struct{ pool sync.Pool }

func newBuffers() *buffers {
	return &buffers{sync.Pool{New: func() any { return new([bufferSize]byte) }}}
}

func (b *buffers) Get() []byte { return b.pool.Get().(*[bufferSize]byte)[:] }

func (b *buffers) Put(data []byte) {
	if len(data) == bufferSize {
		b.pool.Put((*[bufferSize]byte)(data))
	}
}
