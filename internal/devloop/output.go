package devloop

import (
	"bytes"
	"sync"
)

// output passes what a builder prints on, a line each, so that it is shown as everything else is: without the values
// of Secrets. Of a line that is too long the beginning is passed on, and the rest dropped: in parts, a value of a
// Secret that is in two of them would be found in neither.
type output struct {
	line func(string)

	mu      sync.Mutex
	pending []byte
	// cut is set behind a beginning that was passed on, until the line ends.
	cut bool
}

// Write passes on the lines that are whole.
func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for rest := text; len(rest) > 0; {
		part, more, whole := bytes.Cut(rest, []byte("\n"))
		o.add(part)
		if rest = more; whole {
			o.end()
		}
	}
	return len(text), nil
}

// add takes a part of a line.
func (o *output) add(part []byte) {
	if o.cut {
		return
	}
	room := longestLine - len(o.pending)
	o.pending = append(o.pending, part[:min(len(part), room)]...)
	if o.cut = len(part) > room; o.cut {
		o.line(string(o.pending) + "…")
		o.pending = nil
	}
}

// end passes on the line that ends.
func (o *output) end() {
	if !o.cut {
		o.line(string(bytes.TrimRight(o.pending, "\r")))
	}
	o.pending, o.cut = nil, false
}

// flush passes on what is left when a builder has ended.
func (o *output) flush() {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.pending) > 0 {
		o.end()
	}
	o.pending, o.cut = nil, false
}
