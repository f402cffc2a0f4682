package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// outlet writes events to a reader, many at a time.
type outlet struct {
	w       http.ResponseWriter
	control *http.ResponseController
	log     *slog.Logger
	feed    *Feed
	// at is the number up to which all was sent, and version that of the rights by which it was chosen.
	at      uint64
	version string
	batch   bytes.Buffer
	held    heldEvent
	failed  error
}

// heldEvent is one that is written when the next one comes. Its text may be shared by many readers.
type heldEvent struct {
	name string
	text []byte
}

// put adds an event to those that are sent together. Only the last of them has the id of what is whole with it: who is
// cut off before gets all of them again.
func (o *outlet) put(name string, data any) {
	text, err := json.Marshal(data)
	if err != nil {
		o.log.Error("an event cannot be written", "event", name, "err", err)
		return
	}
	o.putText(name, text)
}

// putText adds an event by its text, which is not changed any more.
func (o *outlet) putText(name string, text []byte) {
	o.write()
	o.held = heldEvent{name, text}
}

const (
	// largestPart bounds what is kept of a batch before it is sent, and largestCopied the texts that are put into it: a
	// larger one is sent as it is.
	largestPart, largestCopied = 64 << 10, 4 << 10
	// idleBatch bounds what a reader holds whom nothing is sent to.
	idleBatch = 8 << 10
)

// write adds the event that is held back, with the id of here.
func (o *outlet) write() {
	held := o.held
	if held.name == "" {
		return
	}
	o.held = heldEvent{}
	fmt.Fprintf(&o.batch, "id: %s\nevent: %s\ndata: ", o.feed.position(o.at, o.version), held.name)
	if len(held.text) > largestCopied {
		o.send()
		o.sendText(held.text)
	} else {
		o.batch.Write(held.text)
	}
	o.batch.WriteString("\n\n")
	if o.batch.Len() > largestPart {
		o.send()
	}
}

// flush sends what was put together, and that all up to a number is whole.
func (o *outlet) flush(at uint64) error {
	o.at = at
	o.write()
	if o.batch.Len() > 0 && o.failed == nil {
		o.send()
		if err := o.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			o.failed = errors.Join(o.failed, err)
		}
	}
	return o.failed
}

// send sends what was put together.
func (o *outlet) send() {
	o.sendText(o.batch.Bytes())
	if o.batch.Cap() > idleBatch {
		o.batch = bytes.Buffer{}
	}
	o.batch.Reset()
}

func (o *outlet) sendText(text []byte) {
	if o.failed != nil {
		return
	}
	_ = o.control.SetWriteDeadline(time.Now().Add(patience)) // where that is not supported, as in tests, nobody is slow
	_, o.failed = o.w.Write(text)
}
