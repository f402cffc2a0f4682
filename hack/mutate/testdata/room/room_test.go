package room

import "testing"

func TestMeasure(t *testing.T) {
	if _, err := measure(nil, ""); err == nil {
		t.Error("nothing was measured")
	}
	got, err := measure([]string{"a", "b", "word"}, "x")
	if err != nil || got.Width != 7 || got.Height != 3 {
		t.Error(got, err)
	}
}

func TestFits(t *testing.T) {
	if !fits(1, 2) || fits(3, 2) {
		t.Error("fits")
	}
}
