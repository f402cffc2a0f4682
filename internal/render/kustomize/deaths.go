package kustomize

import (
	"io"
	"log"
	"runtime"
	"strings"
	"sync"
)

// kustomize calls log.Fatal where it takes something for impossible, which would end the program that it runs in: a
// server, by what anybody may have written. So the standard logger, which writes before it ends the program, is given a
// writer that panics when kustomize is about to do so; a build turns a panic into its error.
var guardLogger = sync.OnceFunc(func() { log.SetOutput(fatalGuard{log.Writer()}) })

// fatalGuard passes on what is logged, but for the last words of kustomize.
type fatalGuard struct{ next io.Writer }

func (g fatalGuard) Write(line []byte) (int, error) {
	if by, fatal := loggedBy(); fatal && strings.HasPrefix(by, "sigs.k8s.io/kustomize/") {
		panic("kustomize gives up: " + strings.TrimSpace(string(line)))
	}
	return g.next.Write(line)
}

// loggedBy returns the function that has called the standard logger, and whether it ends the program.
func loggedBy() (function string, fatal bool) {
	callers := make([]uintptr, 16)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	inLog := false
	for {
		frame, more := frames.Next()
		isLog := strings.HasPrefix(frame.Function, "log.")
		if inLog && !isLog {
			return frame.Function, fatal
		}
		inLog = inLog || isLog
		fatal = fatal || strings.HasPrefix(frame.Function, "log.Fatal")
		if !more {
			return "", false
		}
	}
}
