package problem

import (
	"fmt"
	"runtime/debug"
)

// Panic is a panic that was caught: a fault of the program, met by one object.
type Panic struct {
	Value any
	Stack []byte
}

// Error returns what the panic said, without its stack.
func (p *Panic) Error() string { return fmt.Sprintf("the program has failed: %v; report it", p.Value) }

// Guard returns a function whose panics are errors: what one object makes fail does not end the program for all.
func Guard(f func() error) func() error {
	return func() (err error) {
		defer func() {
			if value := recover(); value != nil {
				err = &Panic{value, debug.Stack()}
			}
		}()
		return f()
	}
}
