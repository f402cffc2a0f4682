package script

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

const (
	// maxText bounds a script, in bytes.
	maxText = 64 << 10
	// maxInstructions bounds one run.
	maxInstructions = 300_000
	// maxMade bounds the bytes of all strings that one run makes, and maxString each of them.
	maxMade   = 4 << 20
	maxString = 64 << 10
	// maxGap bounds by how much an index may be beyond the end of a list.
	maxGap = 1000
	// maxMessage bounds the message of a health.
	maxMessage = 4 << 10
	// callDepth and registry bound the stack of a script.
	callDepth               = 100
	registryFirst, registry = 512, 8 << 10
)

// Script is a compiled script. It is safe for concurrent use.
type Script struct{ code *lua.FunctionProto }

// Compile reads a script. An error names the line.
func Compile(text string) (s *Script, err error) {
	defer func() {
		// The compiler panics on some input that its grammar lets through.
		if r := recover(); r != nil {
			s, err = nil, fmt.Errorf("invalid Lua: %v", r)
		}
	}()
	if len(text) > maxText {
		return nil, fmt.Errorf("script of %d bytes is too long; %d are the most", len(text), maxText)
	}
	chunk, err := parse.Parse(strings.NewReader(text), chunkName)
	if err != nil {
		return nil, errors.New("invalid Lua: " + readable(err))
	}
	if err := guard(chunk); err != nil {
		return nil, err
	}
	code, err := lua.Compile(chunk, chunkName)
	if err != nil {
		return nil, errors.New("invalid Lua: " + readable(err))
	}
	return &Script{code}, nil
}

// chunkName is how Lua calls the script in its errors.
const chunkName = "script"

var place = regexp.MustCompile(`^script(?: line:|:)(\d+)(?:\(column:\d+\))?(?: near '([^']*)')?:?\s*`)

// readable is an error of Lua on one line, without the stack.
func readable(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*lua.ApiError](err); ok {
		text = e.Object.String()
	}
	text = strings.Join(strings.Fields(text), " ")
	if rest, ok := strings.CutPrefix(text, chunkName+" at EOF:"); ok {
		return "at its end:" + strings.TrimRight(rest, " ")
	}
	if at := place.FindStringSubmatch(text); at != nil {
		rest := strings.TrimSpace(strings.TrimPrefix(text, at[0]))
		if at[2] != "" {
			rest = strings.TrimSpace(rest + " near " + strconv.Quote(at[2]))
		}
		text = "line " + at[1] + ": " + rest
	}
	return cut(text, maxMessage)
}

func cut(text string, longest int) string {
	if len(text) <= longest {
		return text
	}
	return strings.ToValidUTF8(text[:longest], "") + "…"
}

// Health returns what the script says of an object; nil when it says nothing. An error is Lua's, or that the script
// costs too much, or that it returns no health.
func (s *Script) Health(object *unstructured.Unstructured) (health *v1alpha1.HealthStatus, err error) {
	err = s.run(object, time.Time{}, func(_ *values, result lua.LValue) (err error) {
		health, err = healthOf(result)
		return err
	})
	if err != nil {
		health = nil
	}
	return health, err
}

// run runs the script with an object, and has use look at what it returns. The script knows now as the time; the zero
// value for none.
func (s *Script) run(object *unstructured.Unstructured, now time.Time, use func(v *values, result lua.LValue) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	v := newValues()
	defer v.l.Close()
	if !now.IsZero() {
		v.addClock(now)
		// An action is given no parameters.
		v.l.SetGlobal("actionParams", v.l.NewTable())
	}
	v.l.SetGlobal("obj", v.toLua(object.Object, 0))
	v.l.SetContext(v.budget)
	v.l.Push(v.l.NewFunctionFromProto(s.code))
	err = v.l.PCall(0, 1, nil)
	switch {
	case v.budget.cause != "":
		return errors.New(v.budget.cause)
	case err != nil:
		return errors.New(readable(err))
	}
	return use(v, v.l.Get(-1))
}

// codes are what a script may return.
var codes = map[v1alpha1.HealthStatusCode]bool{
	v1alpha1.HealthHealthy: true, v1alpha1.HealthProgressing: true, v1alpha1.HealthSuspended: true, v1alpha1.HealthDegraded: true,
	v1alpha1.HealthMissing: true, v1alpha1.HealthUnknown: true,
}

func healthOf(result lua.LValue) (*v1alpha1.HealthStatus, error) {
	if result == lua.LNil {
		return nil, nil
	}
	table, ok := result.(*lua.LTable)
	if !ok {
		return nil, fmt.Errorf("returned a %s, where a table with status and message is wanted", result.Type())
	}
	code := v1alpha1.HealthStatusCode(lua.LVAsString(table.RawGetString("status")))
	if !codes[code] {
		return nil, fmt.Errorf("returned the status %.40q; Healthy, Progressing, Suspended, Degraded, Missing and Unknown are the ones there are", string(code))
	}
	return &v1alpha1.HealthStatus{Status: code, Message: cut(lua.LVAsString(table.RawGetString("message")), maxMessage)}, nil
}

// budget is what a run may cost still. It is the context of the interpreter, which asks it before each instruction
// whether to stop: so it counts.
type budget struct {
	instructions, bytes int
	// cause is why the budget is spent; "" while it is not.
	cause string
	spent chan struct{}
}

// errSpent ends a run. The cause is told by the budget, as a script could catch the error.
var errSpent = errors.New("limit exceeded")

// Done counts an instruction.
func (b *budget) Done() <-chan struct{} {
	b.charge(1)
	return b.spent
}

// Err returns why a run is stopped.
func (b *budget) Err() error { return errSpent }

// Deadline returns that there is none.
func (*budget) Deadline() (time.Time, bool) { return time.Time{}, false }

// Value returns nothing.
func (*budget) Value(any) any { return nil }

func (b *budget) stop(cause string) {
	if b.cause == "" {
		b.cause = cause
		close(b.spent)
	}
}

// charge counts instructions, or what costs as much.
func (b *budget) charge(n int) {
	if b.instructions -= n; b.instructions < 0 {
		b.stop(fmt.Sprintf("stopped after %d instructions; make the script shorter", maxInstructions))
	}
}

// make counts the bytes of a string before it is made.
func (b *budget) make(l *lua.LState, n int) {
	switch {
	case n > maxString:
		b.stop(fmt.Sprintf("stopped at a string of more than %d KiB; make the script shorter", maxString>>10))
	case n > b.bytes:
		b.stop(fmt.Sprintf("stopped after %d MiB of strings; make the script shorter", maxMade>>20))
	}
	b.bytes -= n
	b.check(l)
}

// check ends what a library does for the script once the budget is spent.
func (b *budget) check(l *lua.LState) {
	if b.cause != "" {
		l.RaiseError("%s", b.cause)
	}
}
