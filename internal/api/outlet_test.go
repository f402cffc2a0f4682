package api

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unsafe"
)

// recorded is a reader who keeps what he gets, and what it was given as, until he breaks off.
type recorded struct {
	*httptest.ResponseRecorder
	given  []*byte
	broken error
}

func (r *recorded) Write(p []byte) (int, error) {
	if r.broken != nil {
		return 0, r.broken
	}
	if len(p) > 0 {
		r.given = append(r.given, unsafe.SliceData(p))
	}
	return r.ResponseRecorder.Write(p)
}

func newOutlet() (*outlet, *recorded) {
	w := &recorded{ResponseRecorder: httptest.NewRecorder()}
	feed := NewFeed()
	feed.run = "run"
	return &outlet{w: w, control: http.NewResponseController(w), log: slog.New(slog.DiscardHandler), feed: feed, version: "v"}, w
}

// Events are sent in the order in which they were put, each with the id of what was whole before it, and the last with
// that of all: small ones together, and large ones, which many readers share, as they are.
func TestEventsAreSentInOrder(t *testing.T) {
	o, w := newOutlet()
	large := []byte(`"` + strings.Repeat("x", largestCopied) + `"`)
	o.put("row", "small")
	o.putText("overview", large)
	o.put("row", "last")
	if w.Body.Len() == 0 || strings.Contains(w.Body.String(), "last") {
		t.Errorf("before it is flushed: %d bytes were sent", w.Body.Len())
	}
	if err := o.flush(7); err != nil {
		t.Fatal(err)
	}
	want := "id: run-0-v\nevent: row\ndata: \"small\"\n\nid: run-0-v\nevent: overview\ndata: " + string(large) + "\n\nid: run-7-v\nevent: row\ndata: \"last\"\n\n"
	if got := w.Body.String(); got != want || !w.Flushed {
		t.Errorf("got %q, flushed: %v; want %q", got, w.Flushed, want)
	}
	if i := len(w.given); i != 3 || w.given[1] != &large[0] {
		t.Errorf("%d parts were sent, and the large one was copied", i)
	}
	w.Body.Reset()
	if err := o.flush(8); err != nil || w.Body.Len() > 0 {
		t.Errorf("with nothing to tell: %v, %q", err, w.Body)
	}
}

// What a reader has been sent, nothing is held of: neither many small events nor large ones leave their room behind.
func TestNothingIsHeldOfWhatWasSent(t *testing.T) {
	for name, text := range map[string]string{"small": strings.Repeat("x", 1000), "large": strings.Repeat("x", 1<<20), "as large as is copied": strings.Repeat("x", largestCopied)} {
		o, w := newOutlet()
		for range 100 {
			o.putText("row", []byte(text))
		}
		if err := o.flush(1); err != nil || bytes.Count(w.Body.Bytes(), []byte(text)) != 100 {
			t.Errorf("%s: %v, %d events", name, err, bytes.Count(w.Body.Bytes(), []byte(text)))
		}
		if held := o.batch.Cap() + cap(o.held.text); held > idleBatch {
			t.Errorf("%s: %d bytes are held after all was sent", name, held)
		}
	}
}

// A reader who has left is sent nothing more, and that is known.
func TestWhoHasLeftIsSentNothing(t *testing.T) {
	o, w := newOutlet()
	left := errors.New("the reader has left")
	o.put("row", 1)
	w.broken = left
	if err := o.flush(1); !errors.Is(err, left) {
		t.Errorf("got %v, want %v", err, left)
	}
	w.broken = nil
	o.putText("row", bytes.Repeat([]byte("x"), 2*largestPart))
	if err := o.flush(2); !errors.Is(err, left) || w.Body.Len() > 0 {
		t.Errorf("after that: %v, %d bytes were sent", err, w.Body.Len())
	}
	o, w = newOutlet()
	o.put("row", func() {}) // it cannot be written
	o.put("row", "the next")
	if err := o.flush(1); err != nil || !strings.Contains(w.Body.String(), "the next") || strings.Count(w.Body.String(), "event:") != 1 {
		t.Errorf("after an event that cannot be written: %v, %q", err, w.Body)
	}
}
