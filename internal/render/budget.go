package render

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/cyan-cd/cyan/internal/problem"
)

// ErrStopped ends a rendering whose result is not wanted any more. It says nothing about the source.
var ErrStopped = errors.New("rendering was stopped")

// Quantity is something that rendering a source uses up.
type Quantity int

// The quantities of a Budget.
const (
	// Files are those that are read, each once.
	Files Quantity = iota
	// Bytes are read, those of files that are read again included.
	Bytes
	// Entries are directory entries and parts of paths that are looked at.
	Entries
	// Nodes are YAML values, as often as they are read, with aliases expanded.
	Nodes
	// Kustomizations are built, those that are reached by several ways counted each time.
	Kustomizations
	// Objects are in the result.
	Objects
	// Output is the size of the objects in bytes.
	Output
	// Work is processor time in steps of about five nanoseconds, estimated before it is spent.
	Work

	quantities
)

// quantity has the words about a Quantity.
type quantity struct {
	name, noun, remedy string
	limit              func(*Limits) *int64
	standard           int64
	// steps are the Work that goes with each, so that much of anything counts as expensive.
	steps int64
}

const splitUp = "split the source into several Applications"

var quantityTable = [quantities]quantity{
	Files:          {"files", "files to read", splitUp, func(l *Limits) *int64 { return &l.Files }, 20_000, 4000},
	Bytes:          {"bytes", "bytes to read, files that are read again included,", splitUp, func(l *Limits) *int64 { return &l.TotalSize }, 128 << 20, 4},
	Entries:        {"entries", "directory entries and symbolic links to look at", "let the source have fewer links to directories, or " + splitUp, func(l *Limits) *int64 { return &l.Entries }, 200_000, 200},
	Nodes:          {"nodes", "YAML values to read, with aliases expanded,", "write the values out, or " + splitUp, func(l *Limits) *int64 { return &l.Nodes }, 1_000_000, 100},
	Kustomizations: {"kustomizations", "kustomizations, those reached by several ways counted each time,", "list each base once", func(l *Limits) *int64 { return &l.Kustomizations }, 2000, 4000},
	Objects:        {"objects", "objects", splitUp, func(l *Limits) *int64 { return &l.Objects }, 20_000, 2000},
	Output:         {"output", "bytes of objects", "let patches, replacements and variables change fewer objects, or " + splitUp, func(l *Limits) *int64 { return &l.Output }, 64 << 20, 4},
	Work:           {"work", "steps of work", "let patches, replacements and lists be shorter, or " + splitUp, func(l *Limits) *int64 { return &l.Work }, 20_000_000_000, 0},
}

// Limits bound what rendering one source may cost. A field that is zero takes its value from DefaultLimits.
type Limits struct {
	// FileSize is the largest file that is read, in bytes.
	FileSize int64
	// The others are limits of quantities; TotalSize is that of Bytes.
	Files, TotalSize, Entries, Nodes, Kustomizations, Objects, Output, Work int64
}

const defaultFileSize = 8 << 20

// DefaultLimits returns limits that suit repositories with thousands of objects, and stop what only means harm.
func DefaultLimits() Limits { return Limits{}.orDefault() }

func (l Limits) orDefault() Limits {
	l.FileSize = cmp.Or(max(l.FileSize, 0), defaultFileSize)
	for _, q := range quantityTable {
		limit := q.limit(&l)
		*limit = cmp.Or(max(*limit, 0), q.standard)
	}
	return l
}

// LimitNames lists what Limits.Set knows.
func LimitNames() []string {
	names := []string{"filesize"}
	for _, q := range quantityTable {
		names = append(names, q.name)
	}
	return names
}

// Set changes the limit with a name of LimitNames. It reports whether there is one.
func (l *Limits) Set(name string, value int64) bool {
	if name == "filesize" {
		l.FileSize = value
		return true
	}
	for _, q := range quantityTable {
		if q.name == name {
			*q.limit(l) = value
			return true
		}
	}
	return false
}

// Of returns the limit of a quantity.
func (l Limits) Of(q Quantity) int64 { return *quantityTable[q].limit(&l) }

// Control is how whoever asks for a rendering governs it while it runs.
type Control struct {
	// Done is closed when the result is not wanted any more; nil for never.
	Done <-chan struct{}
	// Expensive is called once, when a rendering turns out to cost more than most do, and may wait until there is room
	// for it. Its error ends the rendering. It may be nil.
	Expensive func() error
}

// cheap is the work that nearly every source stays below: about a quarter of a second.
const cheap = 50_000_000

// Budget is what rendering one source may cost, and has cost until now. It is spent from by everything that reads or
// makes something, before it is read or made. It serves one goroutine.
type Budget struct {
	limits    Limits
	spent     spent
	control   Control
	expensive bool
}

// NewBudget returns a budget of which nothing is spent.
func NewBudget(limits Limits, control Control) *Budget {
	return &Budget{limits: limits.orDefault(), control: control}
}

// Limits returns the limits, with a value in each field.
func (b *Budget) Limits() Limits { return b.limits }

// Expensive reports whether the rendering costs more than most do.
func (b *Budget) Expensive() bool { return b.expensive }

// Spend takes n of a quantity. The error is a refusal that begins with at, a file or a field, when there is not that
// much; or ErrStopped when nothing is to be spent any more.
func (b *Budget) Spend(q Quantity, n int64, at string) error {
	select {
	case <-b.control.Done:
		return ErrStopped
	default:
	}
	if n > b.limits.Of(q)-b.spent[q] {
		return b.over(q, b.spent[q]+min(n, b.limits.Of(q)+1), at)
	}
	b.spent[q] += n
	b.spent[Work] += n * quantityTable[q].steps
	return b.weigh()
}

// weigh asks for room where the rendering has turned out to cost more than most do.
func (b *Budget) weigh() error {
	if b.spent[Work] <= cheap || b.expensive {
		return nil
	}
	b.expensive = true
	if b.control.Expensive != nil {
		return b.control.Expensive()
	}
	return nil
}

// repeat takes what was spent before on the same. It reports false where there is not that much, and takes nothing.
func (b *Budget) repeat(cost spent) (fits bool, err error) {
	select {
	case <-b.control.Done:
		return true, ErrStopped
	default:
	}
	for q := range quantities {
		if cost[q] > b.limits.Of(q)-b.spent[q] {
			return false, nil
		}
	}
	for q := range quantities {
		b.spent[q] += cost[q]
	}
	return true, b.weigh()
}

// spent is how much of each quantity was spent.
type spent [quantities]int64

// since returns what was spent after before.
func (s spent) since(before spent) spent {
	for q := range s {
		s[q] -= before[q]
	}
	return s
}

// without returns what was spent but for n of a quantity.
func (s spent) without(q Quantity, n int64) spent {
	s[q] -= n
	s[Work] -= n * quantityTable[q].steps
	return s
}

// memory estimates how much memory objects take that were made of a file, with the values that they stem from.
func (s spent) memory() int64 { return s[Output]*perByte + s[Nodes]*perNode + perRead }

// perByte, perNode and perRead are the memory that a byte of objects, a value of a file and an entry of a read set
// take.
const perByte, perNode, perRead = 6, 160, 200

// Allows returns an error as Spend does when n is more than a quantity's limit, and takes nothing.
func (b *Budget) Allows(q Quantity, n int64, at string) error {
	if n > b.limits.Of(q) {
		return b.over(q, n, at)
	}
	return nil
}

func (b *Budget) over(q Quantity, n int64, at string) error {
	words := quantityTable[q]
	return &problem.Error{Kind: problem.Usage, File: at, Cause: fmt.Sprintf("%d %s are more than the limit of %d", n, words.noun, b.limits.Of(q)), Remedy: words.remedy}
}

// fileSize refuses a file that is too large.
func (b *Budget) fileSize(name string, size int64) error {
	if size > b.limits.FileSize {
		return &problem.Error{Kind: problem.Usage, File: name, Cause: fmt.Sprintf("%d bytes are more than the limit of %d", size, b.limits.FileSize), Remedy: "split it"}
	}
	return nil
}

// size estimates how much memory a result takes: its objects, the values of the files that they stem from, and the read
// set.
func (b *Budget) size(r *Result) int64 {
	size := int64(len(r.ReadSet)) * perRead
	if len(r.Objects) > 0 {
		size += b.spent[Output]*perByte + b.spent[Nodes]*perNode
	}
	return size
}
