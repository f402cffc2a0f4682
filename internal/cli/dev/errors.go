package dev

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/cyan-cd/cyan/internal/devloop"
)

// panicked is the error of a panic, with where it was.
func panicked(r any) error {
	return fmt.Errorf("panic: %v\n%s", r, strings.TrimSpace(string(debug.Stack())))
}

// longestErrorLine bounds a line of what libraries print.
const longestErrorLine = 4 << 10

// eachErrorLine passes on lines, and cuts long ones.
func eachErrorLine(from io.Reader, see func(string)) {
	lines := bufio.NewReaderSize(from, longestErrorLine)
	for {
		line, cut, err := lines.ReadLine()
		if err != nil {
			return
		}
		text := string(line)
		for cut && err == nil {
			_, cut, err = lines.ReadLine()
		}
		if text != "" {
			see(text)
		}
	}
}

// noteWriter has what is written shown in the dashboard.
type noteWriter struct{ *screen }

// Write notes lines.
func (w noteWriter) Write(text []byte) (int, error) {
	eachErrorLine(bytes.NewReader(text), func(line string) { w.see(devloop.Event{Kind: devloop.Note, Text: line}) })
	return len(text), nil
}
