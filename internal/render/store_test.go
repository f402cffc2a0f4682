package render_test

import (
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/render"
)

func TestStore(t *testing.T) {
	type step struct {
		do   string // add, get or remove
		key  string
		size int64
	}
	for name, c := range map[string]struct {
		steps []step
		want  string // the keys that are kept
	}{
		"as many as there is room for": {[]step{{"add", "a", 1}, {"add", "b", 1}, {"add", "c", 1}}, "a b c"},
		"one too many":                 {[]step{{"add", "a", 1}, {"add", "b", 1}, {"add", "c", 1}, {"add", "d", 1}}, "b c d"},
		"too large in all":             {[]step{{"add", "a", 4}, {"add", "b", 4}, {"add", "c", 3}}, "b c"},
		"as large as may be":           {[]step{{"add", "a", 4}, {"add", "b", 6}}, "a b"},
		"too large by itself":          {[]step{{"add", "a", 1}, {"add", "b", 11}}, "a"},
		"grown too large":              {[]step{{"add", "a", 1}, {"add", "a", 11}}, ""},
		"used last":                    {[]step{{"add", "a", 1}, {"add", "b", 1}, {"add", "c", 1}, {"get", "a", 0}, {"add", "d", 1}}, "a c d"},
		"added again":                  {[]step{{"add", "a", 5}, {"add", "a", 5}, {"add", "b", 5}}, "a b"},
		"removed":                      {[]step{{"add", "a", 10}, {"remove", "a", 0}, {"remove", "a", 0}, {"add", "b", 10}}, "b"},
	} {
		t.Run(name, func(t *testing.T) {
			s := render.NewStore[string, string](3, 10)
			for _, step := range c.steps {
				switch step.do {
				case "add":
					s.Add(step.key, step.key, step.size)
				case "get":
					s.Get(step.key)
				case "remove":
					s.Remove(step.key)
				}
			}
			var kept []string
			for _, key := range []string{"a", "b", "c", "d"} {
				if value, ok := s.Get(key); ok {
					kept = append(kept, value)
				}
			}
			if got := strings.Join(kept, " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
