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
	held    []byte
	failed  error
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

func (o *outlet) putText(name string, text []byte) {
	o.write()
	o.held = append(append(append(append(o.held, "event: "...), name...), "\ndata: "...), text...)
	if o.batch.Len() > largestPart {
		o.failed = errors.Join(o.failed, o.send())
	}
}

// largestPart bounds what is kept of a batch before it is sent.
const largestPart = 64 << 10

// write adds the event that is held back, with the id of here.
func (o *outlet) write() {
	if len(o.held) > 0 {
		fmt.Fprintf(&o.batch, "id: %s\n%s\n\n", o.feed.position(o.at, o.version), o.held)
		o.held = o.held[:0]
	}
}

// flush sends what was put together, and that all up to a number is whole.
func (o *outlet) flush(at uint64) error {
	o.at = at
	o.write()
	if o.batch.Len() > 0 {
		o.failed = errors.Join(o.failed, o.send())
	}
	return o.failed
}

func (o *outlet) send() error {
	defer o.batch.Reset()
	_ = o.control.SetWriteDeadline(time.Now().Add(patience)) // where that is not supported, as in tests, nobody is slow
	if _, err := o.w.Write(o.batch.Bytes()); err != nil {
		return err
	}
	if err := o.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
