package validate

import (
	"flag"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// The fuzzer of the toolchain instruments all of Kubernetes first, which takes longer than anybody waits. Manifests of
// tests that are changed at random are tried without it, for as long as a flag has it.
var (
	mutateFor  = flag.Duration("mutate", 0, "how long manifests are changed at random and checked; without it, the same few are")
	mutateSeed = flag.Uint64("seed", 0, "of the changes; with -mutate, 0 is one of the clock")
)

// fewTexts is how many are tried without a flag.
const fewTexts = 500

// mutations tries changed texts until time is up, or one fails.
func mutations(t *testing.T, seeds []string, try func(t *testing.T, text string)) {
	t.Helper()
	seed := *mutateSeed
	if seed == 0 && *mutateFor > 0 {
		seed = uint64(time.Now().UnixNano())
	}
	m := mutator{Rand: rand.New(rand.NewPCG(seed, 0)), seeds: seeds}
	tried := 0
	for end := time.Now().Add(*mutateFor); (time.Now().Before(end) || *mutateFor == 0 && tried < fewTexts) && !t.Failed(); tried++ {
		text := m.text()
		func() {
			defer func() {
				if broke := recover(); broke != nil {
					t.Errorf("%q: %v", text, broke)
				}
			}()
			try(t, text)
		}()
		if t.Failed() {
			t.Logf("text %d of -seed %d:\n%s", tried, seed, text)
		}
	}
	t.Logf("%d texts, -seed %d", tried, seed)
}

func TestMutatedManifests(t *testing.T) {
	mutations(t, manifestsOfTests(t), func(t *testing.T, text string) { t.Helper(); isChecked(t, []byte(text)) })
}

func TestMutatedFixes(t *testing.T) {
	var seeds []string
	for _, c := range fixesByRule {
		seeds = append(seeds, c.before)
	}
	mutations(t, seeds, keepsWhatIsFixed)
}

// mutator makes texts of others.
type mutator struct {
	*rand.Rand
	seeds []string
}

func (m mutator) seed() string { return m.seeds[m.IntN(len(m.seeds))] }

func (m mutator) text() string {
	lines := strings.Split(m.seed(), "\n")
	for range 1 + m.IntN(4) {
		lines = m.change(lines)
	}
	return strings.Join(lines, "\n")
}

// odd are values that people write for others.
var odd = []string{
	"", "null", "~", "{}", "[]", "0", "-1", "1e3", "99999999999999999999", "true", "yes", "''", `"a b"`, "x", "*a", "&a x", "!!str 1", "|", "|-\n    text", "{{ .x }}", "# comment", "1.5", "0x1F",
	"[x, x]", "{a: 1, a: 2}", "!!binary aGk=", "é", "2001-01-01", "a: b", "- x", "'{\"a\": 1}'", ".inf", "500Mi", "<<",
}

// change makes one change at a random line.
func (m mutator) change(lines []string) []string {
	at := m.IntN(len(lines))
	line := lines[at]
	rest := append([]string{}, lines[at+1:]...)
	before := append([]string{}, lines[:at]...)
	switch m.IntN(9) {
	case 0: // without it
		return append(append(before, rest...), "")
	case 1: // twice
		return append(append(before, line, line), rest...)
	case 2: // further in or out
		return append(append(before, strings.Repeat(" ", m.IntN(3))+strings.TrimPrefix(line, "  ")), rest...)
	case 3: // with another value
		if key, _, found := strings.Cut(line, ":"); found {
			line = key + ": " + odd[m.IntN(len(odd))]
		}
		return append(append(before, line), rest...)
	case 4: // with a line of another text
		other := strings.Split(m.seed(), "\n")
		return append(append(before, line, other[m.IntN(len(other))]), rest...)
	case 5: // up to here
		return append(before, line[:m.IntN(len(line)+1)])
	case 6: // with a comment, or the end of a line as Windows has it
		return append(append(before, line+[]string{" # said", "\r", " #", "\t"}[m.IntN(4)]), rest...)
	case 7: // and another document
		return append(append(append(before, line), rest...), "---", m.seed())
	}
	cut := m.IntN(len(line) + 1)
	return append(append(before, line[:cut]+string([]byte{byte(m.IntN(256))})+line[cut:]), rest...)
}
