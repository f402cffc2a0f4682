package main

import (
	"bytes"
	"fmt"
	"go/parser"
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

// Of an error's text, what is loose is found, wherever it stands in a text that is put together.
func TestLooseErrors(t *testing.T) {
	for text, want := range map[string]bool{
		`errors.New("its data is damaged")`: true, `errors.New("there already")`: true, `fmt.Errorf("%w. Run it again", err)`: true, `errors.New("not found.")`: true,
		`errors.New("please log in")`: true, `fmt.Errorf("failed to read %s", name)`: true, `fmt.Errorf("file %s"+": could not be read", name)`: true, `errors.New(("you may not"))`: true,
		`errors.New("data: damaged; restore it")`: false, `fmt.Errorf("item %d: %w", 1, err)`: false, `errors.New("v1.2: too old")`: false, `errors.New("youth")`: false,
		`fmt.Sprintf("its data")`: false, `errors.New()`: false, `New("its data")`: false, `a.b.New("its data")`: false, `errors.New(text)`: false,
	} {
		n, err := parser.ParseExpr(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := loose.MatchString(errorText(n)); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
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
