package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

const (
	// judgeEvery is the time between two looks at whether who reads a stream still may.
	judgeEvery = 5 * time.Second
	// pingEvery is the time between two signs of life in a stream.
	pingEvery = 15 * time.Second
	// writeTimeout bounds how long a reader of a stream may take for one frame.
	writeTimeout = 30 * time.Second
)

// frames writes a stream as clients of Argo CD's API read it: a JSON object a line, or server-sent events for whoever
// asks for these.
type frames struct {
	mu       sync.Mutex
	w        http.ResponseWriter
	control  *http.ResponseController
	isEvents bool
	// bare is set where lines are sent that are no frames.
	bare bool
	// held is what is sent together with what follows at once, late sends it where nothing does, and failed is why it
	// could not be sent.
	held   bytes.Buffer
	late   *time.Timer
	failed error
}

const (
	// heldFor is how long what many small frames are made of is held back, and mostHeld is how much of it.
	heldFor  = 25 * time.Millisecond
	mostHeld = 32 << 10
)

// streamError is how a stream ends that cannot go on.
type streamError struct {
	GRPCCode   int    `json:"grpc_code"`
	HTTPCode   int    `json:"http_code"`
	Message    string `json:"message"`
	HTTPStatus string `json:"http_status"`
}

// send writes one value.
func (f *frames) send(value any) error { return f.write(map[string]any{"result": value}) }

func (f *frames) write(frame any) error {
	text, err := f.framed(frame)
	if err != nil {
		return err
	}
	return f.raw(text)
}

// framed returns a frame as it is sent.
func (f *frames) framed(frame any) (string, error) {
	text, err := json.Marshal(frame)
	if f.isEvents {
		return "data: " + string(text) + "\n\n", err
	}
	return string(text) + "\n", err
}

// raw sends a text, and what was held back before it.
func (f *frames) raw(text string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held.WriteString(text)
	return f.release()
}

// hold sends a text soon, together with others: many small ones would cost more than what is in them.
func (f *frames) hold(text string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held.WriteString(text)
	if f.failed != nil || f.held.Len() >= mostHeld {
		return f.release()
	}
	if f.late == nil {
		f.late = time.AfterFunc(heldFor, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.late != nil {
				f.failed = errors.Join(f.failed, f.release())
			}
		})
	}
	return nil
}

// release sends what is held back. The caller holds f.mu.
func (f *frames) release() error {
	if f.late != nil {
		f.late.Stop()
		f.late = nil
	}
	if f.failed != nil || f.held.Len() == 0 {
		return f.failed
	}
	defer f.held.Reset()
	// Where that is not supported, as in tests, nobody is slow.
	_ = f.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := f.w.Write(f.held.Bytes()); err != nil {
		return err
	}
	if err := f.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// fail writes why the stream ends.
func (f *frames) fail(err error) {
	known := statusOf(answerOf(err))
	if f.bare {
		return
	}
	_ = f.write(map[string]any{"error": streamError{known.Code, known.Status, known.Text, http.StatusText(known.Status)}})
}

// statusOf returns the error that an answer is made of.
func statusOf(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	return newError(http.StatusInternalServerError, codeUnknown, err.Error())
}

// media is what a stream is sent as: frames, or the bare lines of a file.
type media struct{ file string }

// stream returns an answer that goes on until run returns, the reader leaves, or may no longer read: judge is asked
// anew every few seconds, of who the reader is by then.
func (s looked) stream(c *caller, judge func(context.Context, *caller) error, of media, run func(context.Context, *frames) error) (*huma.StreamResponse, error) {
	leave, err := s.readers.enter(c.Name)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		defer leave()
		r, w := humago.Unwrap(hctx)
		f := &frames{w: w, control: http.NewResponseController(w), bare: of.file != ""}
		f.isEvents = !f.bare && strings.Contains(r.Header.Get("Accept"), "text/event-stream")
		switch {
		case f.bare:
			hctx.SetHeader("Content-Type", "application/octet-stream")
			hctx.SetHeader("Content-Disposition", fmt.Sprintf("attachment; filename=%q", of.file))
		case f.isEvents:
			hctx.SetHeader("Content-Type", "text/event-stream")
		default:
			hctx.SetHeader("Content-Type", "application/json")
		}
		hctx.SetHeader("X-Accel-Buffering", "no")
		hctx.SetStatus(http.StatusOK)
		_ = f.control.SetReadDeadline(time.Time{})
		// Who reads is to know that it has begun, though nothing is sent for a while.
		_ = f.control.Flush()
		ctx, end := context.WithCancelCause(hctx.Context())
		defer end(nil)
		go s.watchOver(ctx, end, f, judge)
		err := run(ctx, f)
		if sent := f.raw(""); err == nil {
			err = sent
		}
		if cause := context.Cause(ctx); cause != nil && hctx.Context().Err() == nil {
			err = cause
		}
		if err != nil && hctx.Context().Err() == nil {
			f.fail(err)
		}
	}}, nil
}

// watchOver ends a stream when who reads it may no longer, and shows that it lives while nothing happens.
func (s looked) watchOver(ctx context.Context, end context.CancelCauseFunc, f *frames, judge func(context.Context, *caller) error) {
	ping, again := time.NewTicker(pingEvery), time.NewTicker(s.judgeEvery())
	defer ping.Stop()
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ping.C:
			if f.isEvents && f.raw(":\n\n") != nil {
				end(nil)
				return
			}
		case <-again.C:
			if err := judge(ctx, s.again(ctx)); err != nil && ctx.Err() == nil {
				end(err)
				return
			}
		}
	}
}

func (s looked) judgeEvery() time.Duration {
	if s.JudgeEvery > 0 {
		return s.JudgeEvery
	}
	return judgeEvery
}

// again returns who makes a call, and what they may do by now.
func (s looked) again(ctx context.Context) *caller { return s.identify(callerOf(ctx).request) }
