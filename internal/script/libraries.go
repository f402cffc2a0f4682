package script

import (
	"math"
	"regexp"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// basics are the functions without a library that a script has. Those that load code, print, or change how values
// behave are not among them.
var basics = []string{"assert", "error", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget", "select", "tonumber", "tostring", "type", "unpack", "xpcall"}

// newState makes an interpreter with nothing but the safe functions.
func newState(b *budget) *lua.LState {
	l := lua.NewState(lua.Options{SkipOpenLibs: true, CallStackSize: callDepth, RegistrySize: registryFirst, RegistryMaxSize: registry, RegistryGrowStep: registryFirst, MinimizeStackMemory: true})
	for _, open := range []lua.LGFunction{lua.OpenBase, lua.OpenString, lua.OpenTable, lua.OpenMath} {
		l.Push(l.NewFunction(open))
		l.Call(0, 0)
	}
	all := l.G.Global
	kept := map[string]lua.LValue{}
	for _, name := range append(basics, "string", "table", "math") {
		kept[name] = all.RawGetString(name)
	}
	clean := l.NewTable()
	for name, value := range kept {
		clean.RawSetString(name, value)
	}
	l.G.Global = clean
	l.Env = clean
	clean.RawSetString("_G", clean)
	clean.RawSetString("require", l.NewFunction(requireSafe))
	clean.RawSetString("print", l.NewFunction(func(*lua.LState) int { return 0 }))
	p := paidLibraries{b}
	clean.RawSetString(concatFunction, l.NewFunction(p.concat))
	clean.RawSetString(keyFunction, l.NewFunction(p.key))
	p.guardLibraries(l, clean)
	return l
}

// requireSafe returns the libraries that are there already.
func requireSafe(l *lua.LState) int {
	name := l.CheckString(1)
	if library, ok := l.G.Global.RawGetString(name).(*lua.LTable); ok && slices.Contains([]string{"string", "table", "math", "os"}, name) {
		l.Push(library)
		return 1
	}
	l.RaiseError("library %q is not there; string, table and math are", cut(name, 40))
	return 0
}

// dropped are the functions of libraries that a script does not have: by chance, or made of code.
var dropped = map[string][]string{"string": {"dump"}, "math": {"random", "randomseed"}}

// paidLibraries are the functions that a script has, which spend from the budget before they run.
type paidLibraries struct{ *budget }

func (p paidLibraries) guardLibraries(l *lua.LState, globals *lua.LTable) {
	for library, names := range dropped {
		for _, name := range names {
			globals.RawGetString(library).(*lua.LTable).RawSetString(name, lua.LNil)
		}
	}
	for library, checks := range map[string]map[string]func(*lua.LState){
		"string": {
			"find": p.pattern, "match": p.pattern, "gmatch": p.pattern, "gfind": p.pattern, "gsub": p.substitution, "rep": p.repetition,
			"format": p.format, "lower": p.copied, "upper": p.copied, "reverse": p.copied, "sub": p.copied, "byte": p.copied,
		},
		"table": {"concat": p.joined, "insert": p.inserted, "remove": p.walked, "sort": p.sorted, "maxn": p.walked},
	} {
		table := globals.RawGetString(library).(*lua.LTable)
		for name, check := range checks {
			if function, ok := table.RawGetString(name).(*lua.LFunction); ok {
				table.RawSetString(name, guarded(l, function, check))
			}
		}
	}
	if unpack, ok := globals.RawGetString("unpack").(*lua.LFunction); ok {
		globals.RawSetString("unpack", guarded(l, unpack, p.walked))
	}
}

// guarded is a function that is called once its arguments were looked at.
func guarded(l *lua.LState, function *lua.LFunction, check func(*lua.LState)) *lua.LFunction {
	return l.NewFunction(func(l *lua.LState) int {
		check(l)
		top := l.GetTop()
		l.Push(function)
		for i := 1; i <= top; i++ {
			l.Push(l.Get(i))
		}
		l.Call(top, lua.MultRet)
		return l.GetTop() - top
	})
}

// concat joins two values, as the instruction would.
func (p paidLibraries) concat(l *lua.LState) int {
	left, right := l.Get(1), l.Get(2)
	for _, v := range []lua.LValue{left, right} {
		if !lua.LVCanConvToString(v) {
			l.RaiseError("attempt to concatenate a %s value", v.Type())
		}
	}
	x, y := lua.LVAsString(left), lua.LVAsString(right)
	p.make(l, len(x)+len(y))
	l.Push(lua.LString(x + y))
	return 1
}

// key looks at an index before it is written to, and gives it back. The second argument is the list, or nil.
func (p paidLibraries) key(l *lua.LState) int {
	key := l.Get(1)
	if index, ok := key.(lua.LNumber); ok {
		end := 0
		if list, ok := l.Get(2).(*lua.LTable); ok {
			end = list.Len()
		}
		p.gap(l, float64(index)-float64(end))
	}
	l.Push(key)
	return 1
}

func (p paidLibraries) gap(l *lua.LState, gap float64) {
	// An index beyond all lists is put beside them, and makes none longer.
	if gap > maxGap && gap < float64(lua.MaxArrayIndex) {
		p.stop("stopped at an index far beyond the end of a list; make the script shorter")
		p.check(l)
	}
}

// cost counts work of a library in instructions.
func (p paidLibraries) cost(l *lua.LState, n float64) {
	if n > maxInstructions {
		n = maxInstructions + 1
	}
	p.charge(int(n))
	p.check(l)
}

// bytesPerInstruction is how many bytes a library goes through in the time of an instruction.
const bytesPerInstruction = 64

func length(l *lua.LState, n int) int {
	switch v := l.Get(n).(type) {
	case lua.LString:
		return len(v)
	case lua.LNumber:
		return len(v.String())
	case *lua.LTable:
		return v.Len()
	}
	return 0
}

func (p paidLibraries) copied(l *lua.LState) {
	p.make(l, min(length(l, 1), maxString))
	p.cost(l, float64(length(l, 1))/bytesPerInstruction)
}

// pattern counts what a match may cost: each part that repeats can be tried at each place.
func (p paidLibraries) pattern(l *lua.LState) {
	pattern := lua.LVAsString(l.Get(2))
	repeats := strings.Count(pattern, "%b")
	for _, c := range []string{"*", "+", "-", "?"} {
		repeats += strings.Count(pattern, c)
	}
	p.cost(l, math.Pow(float64(length(l, 1)+2), float64(repeats+1))*float64(len(pattern)+1)/bytesPerInstruction)
}

func (p paidLibraries) substitution(l *lua.LState) {
	p.pattern(l)
	if replacement, ok := l.Get(3).(lua.LString); ok {
		captures := strings.Count(string(replacement), "%")
		p.make(l, length(l, 1)*(captures+1)+(length(l, 1)+1)*len(replacement))
		return
	}
	// What a function or a table gives was made before; each place may have the longest of them.
	p.make(l, length(l, 1))
	p.cost(l, float64(length(l, 1)))
}

func (p paidLibraries) repetition(l *lua.LState) {
	bytes := float64(lua.LVAsNumber(l.Get(2))) * float64(length(l, 1))
	if math.IsNaN(bytes) || bytes > maxString {
		bytes = maxString + 1
	}
	p.make(l, int(max(bytes, 0)))
}

// width is a width or precision of three digits or more, which Lua does not have.
var width = regexp.MustCompile(`%[-+ #0]*(\d{3,}|\d*\.\d{3,})`)

func (p paidLibraries) format(l *lua.LState) {
	format := lua.LVAsString(l.Get(1))
	if width.MatchString(format) {
		l.RaiseError("invalid format (width or precision too long)")
	}
	bytes := len(format)
	for i := 2; i <= l.GetTop(); i++ {
		// A number has at most as many letters as its width, precision and exponent; a quoted string four for each byte.
		bytes += 4*length(l, i) + 420
	}
	p.make(l, bytes)
}

func (p paidLibraries) joined(l *lua.LState) {
	list, ok := l.Get(1).(*lua.LTable)
	if !ok {
		return
	}
	p.cost(l, float64(list.Len()))
	bytes := 0
	for i := 1; i <= list.Len(); i++ {
		bytes += len(lua.LVAsString(list.RawGetInt(i))) + length(l, 2)
	}
	p.make(l, bytes)
}

func (p paidLibraries) inserted(l *lua.LState) {
	p.walked(l)
	if at, ok := l.Get(2).(lua.LNumber); ok && l.GetTop() > 2 {
		p.gap(l, float64(at)-float64(length(l, 1)))
	}
}

func (p paidLibraries) walked(l *lua.LState) { p.cost(l, float64(length(l, 1))/8) }

func (p paidLibraries) sorted(l *lua.LState) {
	n := float64(length(l, 1))
	p.cost(l, n*math.Log2(n+1))
}
