package source

import (
	"slices"
	"testing"
	"time"
)

// Repositories that nobody asks for any more, and of which there is no mirror, take no memory.
func TestForgottenRepositories(t *testing.T) {
	m, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	const old, new = "https://git.example/old", "https://git.example/new"
	now := time.Now()
	known := func() []string {
		var names []string
		for _, r := range m.byKey {
			names = append(names, r.name)
		}
		slices.Sort(names)
		return names
	}
	for _, url := range []string{old, new} {
		r, err := m.remote(Repository{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		if url == new {
			r.touch(now.Add(12 * time.Hour))
		}
	}
	for _, c := range []struct {
		in   time.Duration
		want []string
	}{
		{23 * time.Hour, []string{new, old}},
		{25 * time.Hour, []string{new}},
		{37 * time.Hour, nil},
	} {
		if _, err := m.Clean(t.Context(), now.Add(c.in)); err != nil {
			t.Fatal(err)
		}
		if got := known(); !slices.Equal(got, c.want) {
			t.Errorf("after %s: %v are known, want %v", c.in, got, c.want)
		}
	}
}
