package devloop

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/secret"
)

// retryAfter is when what failed for what passes by itself is tried again.
const retryAfter = 2 * time.Second

// reporter passes events on, one at a time, without the values of Secrets. It is safe for concurrent use.
type reporter struct {
	to func(Event)

	mu sync.Mutex
	// noted are notes that were shown, each of which is shown once.
	noted map[string]bool
	// secrets are those of the project, whose values are shown nowhere.
	secrets []*unstructured.Unstructured
	// retry is set when something failed that may go well the next time, which is tried after a while.
	retry bool
	after time.Duration
	// missed are what such failures were about, and the texts that were shown of them: one that comes again at each try is
	// shown once.
	missed map[string]string
}

func newReporter(to func(Event)) *reporter {
	return &reporter{to: to, noted: map[string]bool{}, after: retryAfter, missed: map[string]string{}}
}

// report passes an event on.
func (r *reporter) report(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Err != nil || e.Kind == Output {
		e.Text = secret.Redact(e.Text, r.secrets...)
	}
	if e.Kind == Deployed {
		// What was away is there again.
		clear(r.missed)
	}
	r.to(e)
}

// failed passes an event on about what has failed, which is tried again when that may help by itself.
func (r *reporter) failed(e Event) {
	if (problem.IsTemporary(e.Err) || apply.IsUnreachable(e.Err)) && r.missedBefore(e) {
		return
	}
	r.report(e)
}

// missedBefore has what failed tried again, and reports whether the same was shown already. A cluster that is away is
// the same whichever object shows it.
func (r *reporter) missedBefore(e Event) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.retry = true
	text := e.Text
	if apply.IsUnreachable(e.Err) {
		text = ""
	}
	about := string(e.Kind) + " " + e.Artifact
	before, shown := r.missed[about]
	r.missed[about] = text
	return shown && before == text
}

// again fires when something is to be tried again; nil never does.
func (r *reporter) again() <-chan time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.retry {
		return nil
	}
	r.retry = false
	return time.After(r.after)
}

// note shows something to know, once.
func (r *reporter) note(text string) {
	r.mu.Lock()
	shown := r.noted[text]
	r.noted[text] = true
	r.mu.Unlock()
	if !shown {
		r.report(Event{Kind: Note, Text: text})
	}
}

// left notes an object that is not deleted.
func (r *reporter) left(ref apply.Ref, why string) {
	r.note(fmt.Sprintf("%s is left: %s", ref, why))
}

// hide has the values of the Secrets among objects shown nowhere.
func (r *reporter) hide(objects []*unstructured.Unstructured) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets = slices.DeleteFunc(slices.Clone(objects), func(o *unstructured.Unstructured) bool { return !secret.Is(o) })
}
