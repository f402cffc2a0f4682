package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/internal/spelling"
)

// Exit codes, as scripts round argocd know them.
const (
	codeNo         = 1 // The answer is no: there is a difference, it did not get there in time, it is degraded.
	codeUsage      = 2
	codeConnection = 11
	codeMissing    = 13
	codeGeneric    = 20
)

// Trouble is an error for a person: what is wrong, and what to do about it.
type Trouble struct {
	Problem string
	Remedy  string
	// Code is the exit code of the program.
	Code int
	// Silent is for an outcome that the output has told already.
	Silent bool
	cause  error
}

// Error is one line: problem; remedy.
func (t *Trouble) Error() string {
	if t.Remedy == "" {
		return t.Problem
	}
	return t.Problem + "; " + t.Remedy
}

// Unwrap gives what it comes from, or nil.
func (t *Trouble) Unwrap() error { return t.cause }

// ExitCode is what the program ends with after an error: 0 for none, 130 for an interrupted command.
func ExitCode(err error) int {
	var t *Trouble
	switch {
	case err == nil:
		return 0
	case errors.As(err, &t) && t.Code != 0:
		return t.Code
	case errors.Is(err, context.Canceled):
		return 130
	}
	return 1
}

// Message is what is printed about an error; empty when there is nothing more to say.
func Message(err error) string {
	var t *Trouble
	if err == nil || errors.As(err, &t) && t.Silent || ExitCode(err) == 130 {
		return ""
	}
	return "Error: " + err.Error()
}

// missing says that an object is not there, and which are.
func missing(kind, namespace, name string, there []string, remedy string) error {
	t := &Trouble{Problem: fmt.Sprintf("there is no %s %q in namespace %q", kind, name, namespace), Code: codeMissing}
	switch close := closest(name, there); {
	case close != "":
		t.Remedy = fmt.Sprintf("did you mean %q?", close)
	case len(there) > 0:
		t.Remedy = "there are: " + choices(there)
	default:
		t.Remedy = remedy
	}
	return t
}

// shownChoices bounds how many names an error lists.
const shownChoices = 8

func choices(names []string) string {
	slices.Sort(names)
	if len(names) > shownChoices {
		return strings.Join(names[:shownChoices], ", ") + fmt.Sprintf(" and %d more", len(names)-shownChoices)
	}
	return strings.Join(names, ", ")
}

// closest finds the name that was probably meant: one with few letters other, or one that begins with what was typed.
func closest(name string, there []string) string {
	if best := spelling.Closest(name, there); best != "" {
		return best
	}
	for _, candidate := range there {
		if len(name) > 2 && strings.HasPrefix(candidate, name) {
			return candidate
		}
	}
	return ""
}
