package main

import (
	"bytes"
	"fmt"
	"testing"
)

func TestArrowsThatRunBackUp(t *testing.T) {
	for name, c := range map[string]struct {
		arrows []arrow
		want   int
	}{
		"none":                  {nil, 0},
		"a chain":               {[]arrow{{"a", "b"}, {"b", "c"}, {"a", "c"}}, 0},
		"two that know another": {[]arrow{{"a", "b"}, {"b", "a"}}, 1},
		"a circle of three":     {[]arrow{{"a", "b"}, {"b", "c"}, {"c", "a"}}, 1},
		"two circles":           {[]arrow{{"a", "b"}, {"b", "a"}, {"c", "d"}, {"d", "c"}, {"a", "c"}}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			if got := feedback(c.arrows); len(got) != c.want {
				t.Errorf("got %s, want %d", fmt.Sprint(got), c.want)
			}
		})
	}
}

func TestTheHouseKeepsItsBounds(t *testing.T) {
	t.Chdir("../..")
	h, err := load()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if !measure(h, &out) {
		t.Errorf("a bound does not hold:\n%s", out.String())
	}
}
