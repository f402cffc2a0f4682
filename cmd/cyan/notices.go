package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
)

// notice begins each line that kustomize prints of an old field, whoever renders. A rendering warns of the same field
// with the name of its file, once.
var notice = []byte("# Warning: '")

// hideNotices has what libraries write to the standard error go to a writer, but for kustomize's notices. It is called
// before anything else runs; stop ends it, once all has been written.
func hideNotices(to io.Writer) (stop func()) {
	read, write, err := os.Pipe()
	if err != nil {
		return func() {}
	}
	before, done := os.Stderr, make(chan struct{})
	os.Stderr = write
	go func() {
		defer close(done)
		copyWithoutNotices(to, read)
	}()
	return func() {
		os.Stderr = before
		_ = write.Close()
		<-done
	}
}

// copyWithoutNotices copies lines until there are no more. The parts of a very long one are copied as they come.
func copyWithoutNotices(to io.Writer, from io.Reader) {
	lines, begins := bufio.NewReader(from), true
	for {
		line, err := lines.ReadSlice('\n')
		if !begins || !bytes.HasPrefix(line, notice) {
			_, _ = to.Write(line)
		}
		begins = err == nil
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}
