package devloop

import (
	"bytes"
	"sync"
)

// output passes what a builder prints on, a line each, so that it is shown as everything else is: without the values
// of Secrets. A line that has no end is passed on in parts.
type output struct {
	line func(string)

	mu      sync.Mutex
	pending []byte
}

// Write passes on the lines that are whole.
func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pending = append(o.pending, text...)
	for {
		line, rest, whole := bytes.Cut(o.pending, []byte("\n"))
		if !whole && len(o.pending) < longestLine {
			return len(text), nil
		}
		if len(line) > longestLine {
			line, rest = o.pending[:longestLine], o.pending[longestLine:]
		}
		o.line(string(bytes.TrimRight(line, "\r")))
		o.pending = bytes.Clone(rest)
	}
}

// flush passes on what is left when a builder has ended.
func (o *output) flush() {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.pending) > 0 {
		o.line(string(o.pending))
		o.pending = nil
	}
}
