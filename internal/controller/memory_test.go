package controller

import (
	"slices"
	"testing"
)

// Memory is returned once when the program has become quiet, and again after it had much to do.
func TestMemoryIsReturnedWhenThereIsNothingToDo(t *testing.T) {
	const mega = 1 << 20
	for _, c := range []struct {
		name string
		// allocated is what was allocated since the start, in MiB, at each look, and due the looks at which memory is
		// returned.
		allocated []uint64
		due       []int
	}{
		{"after a start", []uint64{60, 90, 91, 92, 93}, []int{2}},
		{"never much", []uint64{1, 2, 3, 4, 5, 30}, nil},
		{"busy all the time", []uint64{100, 200, 300, 400}, nil},
		{"busy again", []uint64{100, 101, 102, 200, 201, 202}, []int{1, 4}},
		{"little by little", []uint64{33, 34, 35, 38, 42, 46, 50, 54, 58, 62, 66, 70}, []int{1, 10}},
	} {
		q, due := quiet{}, []int(nil)
		for i, n := range c.allocated {
			if q.isDue(n * mega) {
				due = append(due, i)
			}
		}
		if !slices.Equal(due, c.due) {
			t.Errorf("%s: returned at %v, want %v", c.name, due, c.due)
		}
	}
	if measured(allocatedBytes) == 0 {
		t.Error("nothing is said to be allocated")
	}
	if free := measured(freeBytes); free > 1<<40 {
		t.Errorf("%d bytes are said to be free", free)
	}
}
