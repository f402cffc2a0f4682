package server

import (
	"bytes"
	"context"
	"log"
	"log/slog"
)

// complaints are what net/http has to say of the connections of a server. A handler that panics is the program's fault,
// and an Accept that fails the machine's. The rest is what clients do wrong, such as probes that open a connection and
// close it again: that may be without end, so who wants it asks for the level Debug.
type complaints struct{ log *slog.Logger }

// errorLog returns the log of an http.Server, which writes to another.
func errorLog(to *slog.Logger) *log.Logger { return log.New(complaints{to}, "", 0) }

// Write takes one line, with what follows it where that is a stack.
func (c complaints) Write(line []byte) (int, error) {
	level := slog.LevelDebug
	switch {
	case bytes.HasPrefix(line, []byte("http: panic serving ")):
		level = slog.LevelError
	case bytes.HasPrefix(line, []byte("http: Accept error")):
		level = slog.LevelWarn
	}
	c.log.Log(context.Background(), level, string(bytes.TrimSpace(line)))
	return len(line), nil
}
