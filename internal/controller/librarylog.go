package controller

import (
	"context"
	"log/slog"
)

// libraryLog writes what libraries say of themselves, such as that a worker starts, at level debug: who runs the
// program reads what the program does.
type libraryLog struct{ slog.Handler }

// Enabled reports whether a message of a library is written.
func (l libraryLog) Enabled(ctx context.Context, level slog.Level) bool {
	return l.Handler.Enabled(ctx, libraryLevel(level))
}

// Handle writes a message of a library.
func (l libraryLog) Handle(ctx context.Context, r slog.Record) error {
	r.Level = libraryLevel(r.Level)
	return l.Handler.Handle(ctx, r)
}

// WithAttrs keeps the level of libraries.
func (l libraryLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return libraryLog{l.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the level of libraries.
func (l libraryLog) WithGroup(name string) slog.Handler { return libraryLog{l.Handler.WithGroup(name)} }

// libraryLevel is the level at which a library's message is written.
func libraryLevel(level slog.Level) slog.Level {
	if level == slog.LevelInfo {
		return slog.LevelDebug
	}
	return level
}
