package devloop

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// A task that panics ends the loop with what it panicked with; the others are waited for.
func TestTasksThatPanic(t *testing.T) {
	ctx, end := context.WithCancelCause(t.Context())
	all := tasks{end: end}
	ended := false
	all.Go(func() {
		<-ctx.Done()
		ended = true
	})
	all.Go(func() { panic("on purpose") })
	all.Wait()
	if err := context.Cause(ctx); !ended || err == nil || !strings.HasPrefix(err.Error(), "panic: on purpose\n") || !strings.Contains(err.Error(), "tasks_test.go") {
		t.Errorf("got %v, the others ended: %v", context.Cause(ctx), ended)
	}
}

// So does what runs in the loop's own goroutine.
func TestGuardedPanic(t *testing.T) {
	ctx, end := context.WithCancelCause(t.Context())
	all := tasks{end: end}
	all.guard(func() { panic("on purpose") })
	if err := context.Cause(ctx); err == nil || !strings.HasPrefix(err.Error(), "panic: on purpose\n") {
		t.Errorf("got %v", err)
	}
}

// What runs beside the loop is run by what guards it: a goroutine of its own that panics would end the program with the
// terminal as the dashboard has it.
func TestGoroutinesAreGuarded(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || file == "tasks.go" {
			continue
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s: go is not guarded; use tasks.Go or start", set.Position(n.Pos()))
			case *ast.CallExpr:
				called, is := n.Fun.(*ast.SelectorExpr)
				if !is || called.Sel.Name != "Go" {
					return true
				}
				of, _ := called.X.(*ast.Ident)
				if of == nil || of.Name != "group" {
					return true
				}
				if by, is := n.Args[0].(*ast.CallExpr); !is || by.Fun.(*ast.Ident).Name != "guarded" {
					t.Errorf("%s: a group's function is not guarded", set.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

// A build that panics is a build that has failed: what runs goes on running.
func TestBuildThatPanics(t *testing.T) {
	var got []Event
	b := newBuilds(newReporter(func(e Event) { got = append(got, e) }), &Options{})
	b.make = func(context.Context, *artifact, bool, map[string]string) (image.Built, error) { panic("on purpose") }
	b.take([]skaffold.Artifact{{Image: "shop"}})
	b.build(t.Context(), 1, time.Now(), decide.Work{Build: []string{"shop"}})
	if last := got[len(got)-1]; last.Kind != BuildFailed || !strings.HasPrefix(last.Text, "panic: on purpose\n") {
		t.Errorf("got %v: %.60q, want a build that failed", last.Kind, last.Text)
	}
}
