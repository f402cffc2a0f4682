package seed

import (
	"flag"
	"fmt"
	"strings"
	"testing"
)

// log is a test that keeps what it prints.
type log struct {
	testing.TB
	lines []string
}

func (l *log) Helper()                    {}
func (l *log) Name() string               { return "TestOfSomething" }
func (l *log) Logf(form string, a ...any) { l.lines = append(l.lines, fmt.Sprintf(form, a...)) }

func numbers(l *log) [3]uint64 {
	random := Random(l)
	return [3]uint64{random.Uint64(), random.Uint64(), random.Uint64()}
}

func TestPrintedSeedRepeatsTheNumbers(t *testing.T) {
	printed := &log{TB: t}
	first := numbers(printed)
	if other := numbers(&log{TB: t}); other == first {
		t.Errorf("numbers of a run without a seed: got %v twice", first)
	}
	_, seed, found := strings.Cut(strings.Join(printed.lines, "\n"), "-run '^TestOfSomething$' -seed ")
	if !found {
		t.Fatalf("printed: got %q, want the line that repeats the test", printed.lines)
	}
	if err := flag.Set("seed", seed); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set("seed", "0") })
	if again := numbers(&log{TB: t}); again != first {
		t.Errorf("numbers with -seed %s: got %v, want %v", seed, again, first)
	}
}
