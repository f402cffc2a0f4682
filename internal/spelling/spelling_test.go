package spelling

import (
	"strings"
	"testing"
)

func TestClosest(t *testing.T) {
	for _, c := range []struct {
		name  string
		names []string
		want  string
	}{
		{"shpo", []string{"app", "shop"}, "shop"},
		{"pokoytan/app", []string{"redis", "pokotyan/app"}, "pokotyan/app"},
		{"shop", []string{"shop-eu", "shops"}, "shops"},
		{"a", []string{"b"}, "b"},
		{"web", []string{"database"}, ""},
		{"web", nil, ""},
		{strings.Repeat("x", 1000), []string{"x"}, ""},
	} {
		if got := Closest(c.name, c.names); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
