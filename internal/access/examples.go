package access

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cyan-cd/cyan/internal/glob"
)

// mostSteps bounds the work on the patterns of a call, some tens of milliseconds.
const mostSteps = 1 << 20

// examples are values that fit what is asked about, one for each selection of the patterns that a value can match: what
// patterns say of any such value, they say of one of these. The shortest come first.
type examples struct {
	values []string
	// left is set where there may be more, since the patterns were too many or too complex to tell.
	left bool
	// steps is what is left of the bound.
	steps int
}

// examplesOf returns the examples of what matches all of some expressions, and any selection of others.
func examplesOf(asked, others []string, steps int) examples {
	m := &machine{}
	for _, expression := range slices.Concat(asked, others) {
		if !m.add(expression) {
			return examples{left: true}
		}
	}
	w := walk{machine: m, asked: len(asked), seen: map[string]bool{}, found: map[string]bool{}, examples: examples{steps: steps}}
	w.from(slices.Clone(m.starts))
	return w.examples
}

// machine runs several expressions at the same time: a state of it is the sorted list of the instructions at which they
// stand.
type machine struct {
	instructions []syntax.Inst
	// of has the number of the expression that an instruction belongs to.
	of     []int
	starts []uint32
}

// add takes one more expression, and reports whether it could.
func (m *machine) add(expression string) bool {
	program, err := programOf(expression)
	if err != nil {
		return false
	}
	base, number := uint32(len(m.instructions)), len(m.starts)
	for _, i := range program.Inst {
		switch i.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			i.Arg += base
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(i.Arg)&(syntax.EmptyWordBoundary|syntax.EmptyNoWordBoundary) != 0 {
				// What stands before would be a part of the state.
				return false
			}
		}
		i.Out += base
		m.instructions, m.of = append(m.instructions, i), append(m.of, number)
	}
	m.starts = append(m.starts, base+uint32(program.Start))
	return true
}

func programOf(expression string) (*syntax.Prog, error) {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil, err
	}
	return syntax.Compile(parsed.Simplify())
}

// reach returns the instructions that take a character, or end an expression, which a state leads to.
func (m *machine) reach(state []uint32, at syntax.EmptyOp) []uint32 {
	var reached []uint32
	known := make(map[uint32]bool, len(state))
	todo := slices.Clone(state)
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if known[n] {
			continue
		}
		known[n] = true
		switch i := m.instructions[n]; i.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			todo = append(todo, i.Out, i.Arg)
		case syntax.InstCapture, syntax.InstNop:
			todo = append(todo, i.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(i.Arg)&^at == 0 {
				todo = append(todo, i.Out)
			}
		case syntax.InstFail:
		default:
			reached = append(reached, n)
		}
	}
	return reached
}

// step returns the state after a character.
func (m *machine) step(reached []uint32, r rune) []uint32 {
	var next []uint32
	for _, n := range reached {
		if i := &m.instructions[n]; i.Op != syntax.InstMatch && i.MatchRune(r) {
			next = append(next, i.Out)
		}
	}
	slices.Sort(next)
	return slices.Compact(next)
}

// matched returns the numbers of the expressions that end here, sorted.
func (m *machine) matched(reached []uint32) []int {
	var matched []int
	for _, n := range reached {
		if m.instructions[n].Op == syntax.InstMatch {
			matched = append(matched, m.of[n])
		}
	}
	slices.Sort(matched)
	return slices.Compact(matched)
}

// readable are the characters that examples have where they may, the last of them last.
const readable = "a0-A"

// alphabet returns a character for each way of going on from some instructions.
func (m *machine) alphabet(reached []uint32) []rune {
	bounds := []rune{0, '\n', '\n' + 1, utf8.MaxRune + 1, surrogates, afterSurrogates}
	for _, n := range reached {
		bounds = append(bounds, boundsOf(&m.instructions[n])...)
	}
	slices.Sort(bounds)
	bounds = slices.Compact(bounds)
	var first, rest []rune
	for i, low := range bounds[:len(bounds)-1] {
		within := strings.IndexFunc(readable, func(r rune) bool { return r >= low && r < bounds[i+1] })
		switch {
		case within >= 0:
			first = append(first, rune(readable[within]))
		case low != '\n' && low != surrogates:
			// A name never has a line break.
			rest = append(rest, low)
		}
	}
	slices.SortFunc(first, func(a, b rune) int { return strings.IndexRune(readable, a) - strings.IndexRune(readable, b) })
	return append(first, rest...)
}

// Between these there are no characters.
const surrogates, afterSurrogates = 0xd800, 0xe000

// boundsOf returns where the characters begin and end that an instruction takes.
func boundsOf(i *syntax.Inst) []rune {
	var bounds []rune
	switch {
	case len(i.Rune) == 1:
		r := i.Rune[0]
		bounds = append(bounds, r, r+1)
		for folded := unicode.SimpleFold(r); syntax.Flags(i.Arg)&syntax.FoldCase != 0 && folded != r; folded = unicode.SimpleFold(folded) {
			bounds = append(bounds, folded, folded+1)
		}
	default:
		for class := range slices.Chunk(i.Rune, 2) {
			bounds = append(bounds, class[0], class[1]+1)
		}
	}
	return bounds
}

// walk goes through the states of a machine, each once, the nearest first.
type walk struct {
	*machine
	// asked is the number of the expressions that a value has to match.
	asked int
	seen  map[string]bool
	found map[string]bool
	examples
}

// place is a state, and the shortest value that leads to it.
type place struct {
	state []uint32
	value string
}

func (w *walk) from(start []uint32) {
	at := syntax.EmptyBeginText | syntax.EmptyBeginLine
	for queue := []place{{state: start}}; len(queue) > 0; at = 0 {
		p := queue[0]
		queue = queue[1:]
		w.arrive(p, at)
		reached := w.reach(p.state, at)
		for _, r := range w.alphabet(reached) {
			if w.steps -= len(reached) + 1; w.steps < 0 {
				w.left = true
				return
			}
			next := w.step(reached, r)
			if key := keyOf(next); !w.seen[key] && w.asks(next) {
				w.seen[key] = true
				queue = append(queue, place{next, p.value + string(r)})
			}
		}
	}
}

// arrive keeps a value that fits what is asked and matches another selection of the rest than those before.
func (w *walk) arrive(p place, at syntax.EmptyOp) {
	matched := w.matched(w.reach(p.state, at|syntax.EmptyEndText|syntax.EmptyEndLine))
	if len(matched) < w.asked || matched[w.asked-1] != w.asked-1 {
		return
	}
	if key := keyOf(matched); !w.found[key] {
		w.found[key] = true
		w.values = append(w.values, p.value)
	}
}

// asks reports whether each expression that has to match still can.
func (w *walk) asks(state []uint32) bool {
	next := 0
	for _, n := range state {
		if w.of[n] == next {
			next++
		}
	}
	return next >= w.asked
}

func keyOf[N int | uint32](numbers []N) string {
	key := make([]byte, 0, 64)
	for _, n := range numbers {
		key = append(key, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	}
	return string(key)
}

// expression returns what matches a value that is as the pattern has it, from its beginning to its end.
func (p pattern) expression() string {
	if p.isExpression {
		return `(?s:.*)(?:` + p.text + `)(?s:.*)`
	}
	return globExpression(p.text)
}

// nothing is the expression that no value matches.
const nothing = `[^\x{0}-\x{10ffff}]`

func globExpression(text string) string {
	if len(text) > longestPattern {
		return nothing
	}
	compiled, err := glob.Compile(text, "")
	if err != nil {
		return nothing
	}
	return compiled.Expression()
}
