package devloop

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
)

// tasks are what runs beside the rounds of a loop. One that panics ends the loop, which then removes what it has made,
// and leaves the terminal as it was.
type tasks struct {
	sync.WaitGroup
	// end ends the loop with a reason; nil has a task that panics end the program.
	end context.CancelCauseFunc
}

// Go runs a task.
func (t *tasks) Go(do func()) {
	t.WaitGroup.Go(func() { t.guard(do) })
}

// guard does something, and ends the loop when that panics.
func (t *tasks) guard(do func()) {
	defer func() {
		r := recover()
		switch {
		case r == nil:
		case t.end == nil:
			panic(r)
		default:
			t.end(panicked(r))
		}
	}()
	do()
}

// beside returns tasks of a part of the loop, which waits for them itself.
func (t *tasks) beside() *tasks { return &tasks{end: t.end} }

// guarded returns a function that returns what another one panics with as its error, for one of several that are
// waited for.
func guarded(do func() error) func() error {
	return func() (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = panicked(r)
			}
		}()
		return do()
	}
}

// start runs something that nobody waits for. over is called when it is, with what it has panicked with.
func start(do func() error, over func(error)) {
	go func() { over(guarded(do)()) }()
}

// panicError is what something has panicked with.
type panicError struct{ text string }

func (e panicError) Error() string { return e.text }

func panicked(r any) error {
	return panicError{fmt.Sprintf("panic: %v\n%s", r, strings.TrimSpace(string(debug.Stack())))}
}
