package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// talkative is a log of so many lines, which are made as they are read.
type talkative struct {
	lines, made int
	read        *atomic.Int64
	rest        []byte
}

func (l *talkative) Read(p []byte) (int, error) {
	for len(l.rest) == 0 {
		if l.made == l.lines {
			return 0, io.EOF
		}
		l.rest = fmt.Appendf(nil, "2026-01-01T00:00:%02d.%06dZ line %d \x1b[31mred\x1b[0m <script>alert(1)</script>\n", l.made/1_000_000, l.made%1_000_000, l.made)
		l.made++
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	l.read.Add(int64(n))
	return n, nil
}

func (l *talkative) Close() error { return nil }

func logOf(lines int, read *atomic.Int64) *logSource {
	return &logSource{pod: "web-1", container: "web", lines: make(chan logLine, 64), open: func(context.Context) (io.ReadCloser, error) { return &talkative{lines: lines, read: read}, nil }}
}

// counted is a reader who counts what he gets, and looks at the memory meanwhile.
type counted struct {
	*httptest.ResponseRecorder
	writes, lines, largest int
	heap                   uint64
	last                   []byte
}

func (c *counted) Write(p []byte) (int, error) {
	c.writes++
	c.lines += bytes.Count(p, []byte("\n"))
	c.largest = max(c.largest, len(p))
	c.last = append(c.last[:0], p...)
	if c.writes%1000 == 0 {
		var m runtime.MemStats
		runtime.GC() // what is held counts, not what was dropped
		runtime.ReadMemStats(&m)
		c.heap = max(c.heap, m.HeapAlloc)
	}
	return len(p), nil
}

// The lines of a log that says very much are all sent, many at a time, and held nowhere.
func TestALogThatSaysVeryMuch(t *testing.T) {
	const lines = 250_000
	var read atomic.Int64
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	w := &counted{ResponseRecorder: httptest.NewRecorder()}
	f := &frames{w: w, control: http.NewResponseController(w)}
	if err := copyLogs(t.Context(), f, []*logSource{logOf(lines, &read)}, func(logLine) bool { return true }, true); err != nil {
		t.Fatal(err)
	}
	if w.lines != lines+1 || !strings.Contains(string(w.last), fmt.Sprintf(`"content":"line %d \u001b[31mred\u001b[0m \u003cscript\u003ealert(1)\u003c/script\u003e"`, lines-1)) {
		t.Errorf("%d lines were sent, the last one %s", w.lines, w.last)
	}
	if w.writes > lines/20 || w.largest > mostHeld+largestLine {
		t.Errorf("%d lines took %d writes of %d bytes at most", lines, w.writes, w.largest)
	}
	if grown := int64(w.heap) - int64(before.HeapAlloc); grown > 64<<20 {
		t.Errorf("memory grew by %d MB", grown>>20)
	}
}

// largestLine is how much a line may be longer than what is held back: it is escaped.
const largestLine = 6*longestLine + 1024

// stuck is a reader who does not read.
type stuck struct {
	*httptest.ResponseRecorder
	ended <-chan struct{}
}

func (s stuck) Write([]byte) (int, error) {
	<-s.ended
	return 0, errors.New("the reader has left")
}

// What somebody who does not read is not sent is not read either.
func TestALogThatIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var read atomic.Int64
		ctx, leave := context.WithCancel(t.Context())
		w := stuck{httptest.NewRecorder(), ctx.Done()}
		f := &frames{w: w, control: http.NewResponseController(w)}
		var copying sync.WaitGroup
		copying.Go(func() {
			_ = copyLogs(ctx, f, []*logSource{logOf(1_000_000, &read)}, func(logLine) bool { return true }, true)
		})
		synctest.Wait()
		if got := read.Load(); got > 4*longestLine {
			t.Errorf("%d bytes were read for who reads none", got)
		}
		leave()
		copying.Wait()
	})
}

// A line that nothing follows is not held back for long.
func TestALogThatSaysLittle(t *testing.T) {
	f := newFed(t)
	f.withPods(1)
	if got := f.stream("reader", "/api/v1/applications/shop-web/pods/web-1-00/logs?follow=true").next(); !strings.Contains(got, "fake logs") {
		t.Errorf("got %s", got)
	}
	synctest.Test(t, func(t *testing.T) {
		w := httptest.NewRecorder()
		f := &frames{w: w, control: http.NewResponseController(w)}
		if err := f.hold("a\n"); err != nil || w.Body.Len() > 0 {
			t.Errorf("got %q, %v", w.Body, err)
		}
		late, leave := context.WithTimeout(t.Context(), heldFor)
		defer leave()
		<-late.Done()
		synctest.Wait()
		if w.Body.String() != "a\n" {
			t.Errorf("got %q", w.Body)
		}
		// What comes after it stays behind it.
		_ = f.hold("b\n")
		if err := f.raw("c\n"); err != nil || w.Body.String() != "a\nb\nc\n" {
			t.Errorf("got %q, %v", w.Body, err)
		}
	})
}
