package render_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/render"
)

func TestBudget(t *testing.T) {
	const at = "app/x.yaml"
	for q, want := range map[render.Quantity]string{
		render.Files:          "files to read",
		render.Bytes:          "bytes to read",
		render.Entries:        "directory entries and symbolic links to look at",
		render.Nodes:          "YAML values to read, with aliases expanded,",
		render.Kustomizations: "kustomizations",
		render.Objects:        "objects",
		render.Output:         "bytes of objects",
		render.Work:           "steps of work",
	} {
		limits := render.DefaultLimits()
		limit := limits.Of(q)
		b := render.NewBudget(limits, render.Control{})
		if err := b.Spend(q, limit-1, at); err != nil {
			t.Errorf("%s: all but one: %v", want, err)
		}
		if err := b.Spend(q, 1, at); err != nil {
			t.Errorf("%s: as much as the limit: %v", want, err)
		}
		err := b.Spend(q, 1, at)
		if !render.IsRefusal(err) || !strings.HasPrefix(err.Error(), at+": ") || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "are more than the limit of ") {
			t.Errorf("%s: one more than the limit: got %v", want, err)
		}
		if err := b.Allows(q, limit, at); err != nil {
			t.Errorf("%s: the limit is not allowed: %v", want, err)
		}
		if err := b.Allows(q, limit+1, at); !render.IsRefusal(err) {
			t.Errorf("%s: more than the limit is allowed: %v", want, err)
		}
	}
}

func TestLimitsByName(t *testing.T) {
	for _, name := range render.LimitNames() {
		var l render.Limits
		if !l.Set(name, 7) || l == (render.Limits{}) {
			t.Errorf("%s: not set", name)
		}
	}
	var l render.Limits
	if l.Set("file", 7) {
		t.Error("an unknown limit was set")
	}
	l.Set("objects", 7)
	if got := render.NewBudget(l, render.Control{}).Limits(); got.Objects != 7 || got.Files != render.DefaultLimits().Files {
		t.Errorf("got %+v, want 7 objects and the other limits as they are by default", got)
	}
}

func TestNothingIsSpentAfterTheEnd(t *testing.T) {
	done := make(chan struct{})
	b := render.NewBudget(render.Limits{}, render.Control{Done: done})
	if err := b.Spend(render.Files, 1, ""); err != nil {
		t.Fatal(err)
	}
	close(done)
	if err := b.Spend(render.Files, 1, ""); !errors.Is(err, render.ErrStopped) || render.IsRefusal(err) {
		t.Errorf("got %v, want %v, which is no refusal", err, render.ErrStopped)
	}
}

func TestExpensiveIsAskedOnce(t *testing.T) {
	asked := 0
	full := errors.New("no room")
	b := render.NewBudget(render.Limits{}, render.Control{Expensive: func() error { asked++; return full }})
	if err := b.Spend(render.Work, 1000, ""); err != nil || b.Expensive() {
		t.Fatalf("little work: %v, expensive: %v", err, b.Expensive())
	}
	if err := b.Spend(render.Work, 100_000_000, ""); !errors.Is(err, full) || !b.Expensive() {
		t.Errorf("much work: %v, expensive: %v", err, b.Expensive())
	}
	if err := b.Spend(render.Work, 100_000_000, ""); err != nil || asked != 1 {
		t.Errorf("more work: %v, asked %d times, want once", err, asked)
	}
}
