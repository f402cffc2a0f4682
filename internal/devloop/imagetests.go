package devloop

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// TestImage has the commands that judge an image of a project do so, by its whole reference. What they print is passed
// on by lines.
func TestImage(ctx context.Context, root string, a skaffold.Artifact, ref string, line func(string)) error {
	for _, t := range a.Tests {
		if err := testImage(ctx, root, a.Image, t, ref, line); err != nil {
			return err
		}
	}
	return nil
}

func testImage(ctx context.Context, root, name string, t skaffold.Test, ref string, line func(string)) error {
	within := ctx
	if t.Seconds > 0 {
		var end context.CancelFunc
		within, end = context.WithTimeoutCause(ctx, time.Duration(t.Seconds)*time.Second, fmt.Errorf("not done within %d s", t.Seconds))
		defer end()
	}
	line("tests " + name + " by " + skaffold.Shortened(t.Command))
	hook := skaffold.Hook{Command: []string{"sh", "-c", t.Command}, Dir: t.Dir, Position: t.Position}
	err := RunHook(within, root, hook, t.Env(ref, filepath.Join(root, filepath.FromSlash(t.Dir))), line)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return &problem.Error{
		Kind: problem.Negative, File: t.Position.File, Line: t.Position.Line, Object: "image " + name, Cause: fmt.Sprintf("its test failed: %s: %s", skaffold.Shortened(t.Command), cause(err)),
		Remedy: "correct what it tests, or the test", Err: err,
	}
}

// tested has images that are built be judged by the tests of their artifacts, once each.
func (b *builds) tested(make builder) builder {
	return func(ctx context.Context, a *artifact, replan bool, bases map[string]string) (image.Built, error) {
		built, err := make(ctx, a, replan, bases)
		if err != nil || len(a.Tests) == 0 || built.Digest == a.passed {
			return built, err
		}
		ref := built.Repository + ":" + built.Tag + "@" + built.Digest
		if err := TestImage(ctx, b.options.Root, a.Artifact, ref, func(line string) { b.report(Event{Kind: Output, Artifact: a.Image, Text: line}) }); err != nil {
			return built, err
		}
		a.passed = built.Digest
		return built, nil
	}
}
