package compare

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

func appName(name string) types.NamespacedName { return types.NamespacedName{Name: name} }

// endless renders until it is not wanted any more; expensively, when it says so.
func endless(expensive bool) func(render.Control) (*Rendering, error) {
	return func(c render.Control) (*Rendering, error) {
		if expensive {
			if err := c.Expensive(); err != nil {
				return nil, err
			}
		}
		<-c.Done
		return nil, render.ErrStopped
	}
}

func atOnce(render.Control) (*Rendering, error) { return &Rendering{Result: &render.Result{}}, nil }

func TestAWorkerDoesNotWaitForALongRendering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var finished []string
		r := NewRenderer(nil, RenderOptions{Patience: time.Second, Finished: func(app types.NamespacedName) { finished = append(finished, app.Name) }})
		long := func(render.Control) (*Rendering, error) {
			time.Sleep(5 * time.Second) //nolint:forbidigo // the time is that of the test
			return &Rendering{Revision: "1", Result: &render.Result{}}, nil
		}
		started := time.Now()
		_, err := r.wait(t.Context(), appName("a"), r.run(appName("a"), "o", "1", "", long))
		if !problem.IsTemporary(err) || time.Since(started) != time.Second {
			t.Fatalf("got %v after %s, want a temporary error after a second", err, time.Since(started))
		}
		time.Sleep(5 * time.Second) //nolint:forbidigo // the time is that of the test
		synctest.Wait()
		if strings.Join(finished, " ") != "a" {
			t.Errorf("told of %q, want a", finished)
		}
		if last, ok := r.last.Get(appName("a")); !ok || last.Revision != "1" || last.options != "o" {
			t.Errorf("kept %v", last)
		}
	})
}

func TestNobodyIsToldOfWhatWasWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRenderer(nil, RenderOptions{Patience: time.Second, Finished: func(app types.NamespacedName) { t.Errorf("told of %s", app.Name) }})
		if _, err := r.wait(t.Context(), appName("a"), r.run(appName("a"), "o", "1", "", atOnce)); err != nil {
			t.Error(err)
		}
		synctest.Wait()
	})
}

func TestARenderingHasALimitOfTime(t *testing.T) {
	for name, do := range map[string]func(render.Control) (*Rendering, error){
		"that can be stopped": endless(false),
		"that cannot": func(render.Control) (*Rendering, error) {
			time.Sleep(time.Hour) //nolint:forbidigo // the time is that of the test
			return nil, errors.New("too late")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := NewRenderer(nil, RenderOptions{Time: time.Minute})
				rendered, err := r.wait(t.Context(), appName("a"), r.run(appName("a"), "o", "1", "", do))
				if err != nil || !render.IsRefusal(rendered.Err) || !strings.Contains(rendered.Err.Error(), "not finished after 1m0s, which is the limit") {
					t.Fatalf("got %v and %v, want a refusal that has the limit", rendered, err)
				}
				if _, ok := r.last.Get(appName("a")); !ok {
					t.Error("the same commit would be rendered again")
				}
				time.Sleep(2 * time.Hour) //nolint:forbidigo // the time is that of the test
			})
		})
	}
}

func TestAnotherRevisionStopsARendering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRenderer(nil, RenderOptions{})
		first := r.run(appName("a"), "o", "1", "", endless(false))
		if again := r.run(appName("a"), "o", "1", "", atOnce); again != first {
			t.Error("the same is rendered twice at the same time")
		}
		second := r.run(appName("a"), "o", "2", "", atOnce)
		if _, err := r.wait(t.Context(), appName("a"), first); !errors.Is(err, render.ErrStopped) {
			t.Errorf("the first: got %v, want %v", err, render.ErrStopped)
		}
		if _, err := r.wait(t.Context(), appName("a"), second); err != nil {
			t.Errorf("the second: %v", err)
		}
	})
}

func TestForgettingStopsARendering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRenderer(nil, RenderOptions{})
		of := r.run(appName("a"), "o", "1", "", endless(false))
		r.Forget(appName("a"))
		if _, err := r.wait(t.Context(), appName("a"), of); !errors.Is(err, render.ErrStopped) {
			t.Errorf("got %v, want %v", err, render.ErrStopped)
		}
		if _, ok := r.last.Get(appName("a")); ok {
			t.Error("something was kept")
		}
	})
}

func TestExpensiveRenderingsWaitForEachOtherAndHoldUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRenderer(nil, RenderOptions{Patience: time.Second})
		for i := range cap(r.expensive) + 5 {
			r.run(appName("hostile"+string(rune('a'+i))), "o", "1", "", endless(true))
		}
		synctest.Wait()
		if len(r.expensive) != cap(r.expensive) {
			t.Errorf("%d expensive renderings run, want %d", len(r.expensive), cap(r.expensive))
		}
		if _, err := r.wait(t.Context(), appName("good"), r.run(appName("good"), "o", "1", "", atOnce)); err != nil {
			t.Errorf("a cheap one: %v", err)
		}
		for name := range r.running {
			r.Forget(name)
		}
		synctest.Wait()
		if len(r.expensive) != 0 {
			t.Errorf("%d places are held, and nothing runs", len(r.expensive))
		}
	})
}

func TestWhoeverGoesAwayDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRenderer(nil, RenderOptions{})
		ctx, cancel := context.WithCancel(t.Context())
		of := r.run(appName("a"), "o", "1", "", endless(false))
		cancel()
		if _, err := r.wait(ctx, appName("a"), of); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		r.Forget(appName("a"))
	})
}

func TestABreakdownIsAnError(t *testing.T) {
	r := NewRenderer(nil, RenderOptions{})
	_, err := r.wait(t.Context(), appName("a"), r.run(appName("a"), "o", "1", "", func(render.Control) (*Rendering, error) { panic("nil map") }))
	if err == nil || !strings.Contains(err.Error(), "rendering breaks down: nil map") {
		t.Errorf("got %v", err)
	}
}

// What is distrusted is rendered anew once, and nothing is kept of who asked for it.
func TestDistrust(t *testing.T) {
	r := NewRenderer(nil, RenderOptions{})
	name := appName("a")
	if _, err := r.wait(t.Context(), name, r.run(name, "o", "1", "", atOnce)); err != nil {
		t.Fatal(err)
	}
	r.Distrust(name)
	if _, kept := r.last.Get(name); kept {
		t.Error("what was rendered last is still taken")
	}
	if !r.takeDistrust(name) || r.takeDistrust(name) || r.takeDistrust(appName("b")) {
		t.Error("the next rendering of this Application, and no other, is made anew")
	}
	if r.Distrust(name); len(r.distrusted) != 1 {
		t.Error("it is not distrusted again")
	}
	if r.Forget(name); len(r.distrusted) != 0 {
		t.Error("something is kept of an Application that is gone")
	}
}
