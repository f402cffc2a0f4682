// Package jq finds the fields of an object that a path expression names, such as
// .spec.template.spec.containers[] | select(.name == "proxy"). Expressions come from strangers: each has a time limit,
// and only what cannot grow is taken of the language, see [Parse].
package jq

import (
	"context"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/itchyny/gojq"
	"k8s.io/utils/lru"

	"github.com/cyan-cd/cyan/internal/problem"
)

const (
	// Limit is the longest time that an expression may take on one object.
	Limit = time.Second
	// longest is the number of bytes that an expression may have.
	longest = 4096
	// mostPaths is the number of fields that an expression may name in one object.
	mostPaths = 100_000
	// remembered is for how long an expression that has reached a limit is not tried again.
	remembered = 5 * time.Minute
	// window is the time over which the evaluations of one expression are added up, and share what they may take of it.
	window = time.Minute
	share  = 10 * time.Second
	// maxKnown is the number of expressions that are kept compiled.
	maxKnown = 8192
)

// Expression is a path expression.
type Expression struct {
	text string
	code *gojq.Code

	mu     sync.Mutex
	failed time.Time
	err    error
	// spent is the time that evaluations have taken since the window began.
	began time.Time
	spent time.Duration
}

// name identifies an expression: what one owner's takes is not another's fault.
type name struct{ owner, text string }

// known has an *Expression for each name.
var known = lru.New(maxKnown)

// Check names what is wrong with an expression; nil when it can be evaluated.
func Check(text string) error {
	_, err := compile(text)
	return err
}

// Parse reads an expression of an owner, such as an Application. It names what can't be read, and what is not taken:
// of the language all is taken that finds fields, and nothing that makes values, since what makes values can make
// them grow without end.
func Parse(owner, text string) (*Expression, error) {
	if found, ok := known.Get(name{owner, text}); ok {
		return found.(*Expression), nil
	}
	code, err := compile(text)
	if err != nil {
		return nil, err
	}
	e := &Expression{text: text, code: code}
	known.Add(name{owner, text}, e)
	return e, nil
}

func compile(text string) (*gojq.Code, error) {
	if len(text) > longest {
		return nil, fmt.Errorf("longer than %d bytes", longest)
	}
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, err
	}
	if err := checkQuery(query); err != nil {
		return nil, err
	}
	paths, err := gojq.Parse("path(" + text + "\n)")
	if err != nil {
		return nil, err
	}
	return gojq.Compile(paths)
}

// Path is the way to a field: keys, indices, and slices as {start, end}.
type Path []any

// Paths returns the fields of an object that the expression names; none where it does not fit the object. An error
// means that it has reached a limit. It is not tried again for a while then, whatever the object.
func (e *Expression) Paths(object map[string]any) ([]Path, error) {
	return e.paths(object, Limit)
}

func (e *Expression) paths(object map[string]any, limit time.Duration) ([]Path, error) {
	e.mu.Lock()
	failed, err := e.failed, e.err
	e.mu.Unlock()
	if err != nil && time.Since(failed) < remembered {
		return nil, err
	}
	started := time.Now()
	paths, err := e.run(object, limit)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failed = time.Now()
	if e.failed.Sub(e.began) > window {
		e.began, e.spent = started, 0
	}
	if e.spent += e.failed.Sub(started); err == nil && e.spent > share {
		err = e.exceeds(fmt.Sprintf("takes longer than %s a minute on all objects", share))
	}
	if e.err = err; err != nil {
		return nil, err
	}
	return paths, nil
}

type result struct {
	paths []Path
	err   error
}

// run evaluates with a time limit. A single step that exceeds it is left behind: it ends, since nothing that is taken
// of the language goes on without end in one step, but nobody waits for it.
func (e *Expression) run(object map[string]any, limit time.Duration) ([]Path, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	done := make(chan result, 1)
	input := plain(object)
	go func() { done <- e.collect(ctx, input) }()
	select {
	case r := <-done:
		return r.paths, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-done:
		return r.paths, r.err
	default:
		return nil, e.exceeds(fmt.Sprintf("takes longer than %s on one object", limit))
	}
}

func (e *Expression) collect(ctx context.Context, input any) result {
	var paths []Path
	for iter := e.code.RunWithContext(ctx, input); ; {
		found, ok := iter.Next()
		if !ok {
			return result{paths: paths}
		}
		switch found := found.(type) {
		case error:
			if ctx.Err() != nil {
				return result{err: e.exceeds(fmt.Sprintf("takes longer than %s on one object", Limit))}
			}
			// The object does not have what the expression goes through.
			return result{}
		case []any:
			paths = append(paths, found)
		}
		if len(paths) > mostPaths {
			return result{err: e.exceeds(fmt.Sprintf("names more than %d fields of one object", mostPaths))}
		}
	}
}

func (e *Expression) exceeds(cause string) error {
	text := e.text
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "") + "…"
	}
	return &problem.Error{
		Kind: problem.Usage, Object: fmt.Sprintf("jq expression %q", text), Cause: cause, Remedy: "name the fields by a shorter path",
	}
}

// plain returns a copy of a value of JSON as expressions take it.
func plain(value any) any {
	switch value := value.(type) {
	case map[string]any:
		all := make(map[string]any, len(value))
		for key, below := range value {
			all[key] = plain(below)
		}
		return all
	case []any:
		all := make([]any, len(value))
		for i, below := range value {
			all[i] = plain(below)
		}
		return all
	case int64:
		if int64(int(value)) == value {
			return int(value)
		}
		return big.NewInt(value)
	case nil, bool, string, float64, int:
		return value
	}
	return fmt.Sprint(value)
}
