package state

import (
	"reflect"
	"testing"
)

// TestContextsAreRememberedByTheirFiles: however often the kubeconfig changes, each has one.
func TestContextsAreRememberedByTheirFiles(t *testing.T) {
	a, b := UserContext{Context: "cyan", Before: "work", Kubeconfig: "/a"}, UserContext{Context: "cyan-2", Kubeconfig: "/b"}
	r := Record{UserContext: UserContext{Context: "cyan"}}
	if got := r.ContextIn("/a"); got.Context != "cyan" {
		t.Errorf("of a record without files: got %+v", got)
	}
	for _, step := range []struct {
		now       UserContext
		elsewhere []UserContext
	}{{a, nil}, {a, nil}, {b, []UserContext{a}}, {a, []UserContext{b}}} {
		r.Remember(step.now)
		if r.UserContext != step.now || len(r.Elsewhere) != len(step.elsewhere) || len(r.Elsewhere) > 0 && !reflect.DeepEqual(r.Elsewhere, step.elsewhere) {
			t.Errorf("after %+v: got %+v and %+v, want %+v", step.now, r.UserContext, r.Elsewhere, step.elsewhere)
		}
	}
	for files, want := range map[string]UserContext{"/a": a, "/b": b, "/c": {}} {
		if got := r.ContextIn(files); got != want {
			t.Errorf("in %s: got %+v, want %+v", files, got, want)
		}
	}
}
