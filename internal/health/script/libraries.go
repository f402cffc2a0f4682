package script

import (
	"math"
	"regexp"
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
	clean.RawSetString(concatFunction, l.NewFunction(b.concat))
	clean.RawSetString(keyFunction, l.NewFunction(b.key))
	b.guardLibraries(l, clean)
	return l
}

// requireSafe returns the libraries that are there already.
func requireSafe(l *lua.LState) int {
	name := l.CheckString(1)
	if library, ok := l.G.Global.RawGetString(name).(*lua.LTable); ok && (name == "string" || name == "table" || name == "math") {
		l.Push(library)
		return 1
	}
	l.RaiseError("library %q is not there; string, table and math are", cut(name, 40))
	return 0
}

// dropped are the functions of libraries that a script does not have: by chance, or made of code.
var dropped = map[string][]string{"string": {"dump"}, "math": {"random", "randomseed"}}

func (b *budget) guardLibraries(l *lua.LState, globals *lua.LTable) {
	for library, names := range dropped {
		for _, name := range names {
			globals.RawGetString(library).(*lua.LTable).RawSetString(name, lua.LNil)
		}
	}
	for library, checks := range map[string]map[string]func(*lua.LState){
		"string": {
			"find": b.pattern, "match": b.pattern, "gmatch": b.pattern, "gfind": b.pattern, "gsub": b.substitution, "rep": b.repetition,
			"format": b.format, "lower": b.copied, "upper": b.copied, "reverse": b.copied, "sub": b.copied, "byte": b.copied,
		},
		"table": {"concat": b.joined, "insert": b.inserted, "remove": b.walked, "sort": b.sorted, "maxn": b.walked},
	} {
		table := globals.RawGetString(library).(*lua.LTable)
		for name, check := range checks {
			if function, ok := table.RawGetString(name).(*lua.LFunction); ok {
				table.RawSetString(name, guarded(l, function, check))
			}
		}
	}
	if unpack, ok := globals.RawGetString("unpack").(*lua.LFunction); ok {
		globals.RawSetString("unpack", guarded(l, unpack, b.walked))
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
func (b *budget) concat(l *lua.LState) int {
	left, right := l.Get(1), l.Get(2)
	for _, v := range []lua.LValue{left, right} {
		if !lua.LVCanConvToString(v) {
			l.RaiseError("attempt to concatenate a %s value", v.Type())
		}
	}
	x, y := lua.LVAsString(left), lua.LVAsString(right)
	b.make(l, len(x)+len(y))
	l.Push(lua.LString(x + y))
	return 1
}

// key looks at an index before it is written to, and gives it back. The second argument is the list, or nil.
func (b *budget) key(l *lua.LState) int {
	key := l.Get(1)
	if index, ok := key.(lua.LNumber); ok {
		end := 0
		if list, ok := l.Get(2).(*lua.LTable); ok {
			end = list.Len()
		}
		b.gap(l, float64(index)-float64(end))
	}
	l.Push(key)
	return 1
}

func (b *budget) gap(l *lua.LState, gap float64) {
	// An index beyond all lists is put beside them, and makes none longer.
	if gap > maxGap && gap < float64(lua.MaxArrayIndex) {
		b.stop("stopped at an index far beyond the end of a list; make the script shorter")
		b.check(l)
	}
}

// cost counts work of a library in instructions.
func (b *budget) cost(l *lua.LState, n float64) {
	if n > maxInstructions {
		n = maxInstructions + 1
	}
	b.charge(int(n))
	b.check(l)
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

func (b *budget) copied(l *lua.LState) {
	b.make(l, min(length(l, 1), maxString))
	b.cost(l, float64(length(l, 1))/bytesPerInstruction)
}

// pattern counts what a match may cost: each part that repeats can be tried at each place.
func (b *budget) pattern(l *lua.LState) {
	pattern := lua.LVAsString(l.Get(2))
	repeats := strings.Count(pattern, "%b")
	for _, c := range []string{"*", "+", "-", "?"} {
		repeats += strings.Count(pattern, c)
	}
	b.cost(l, math.Pow(float64(length(l, 1)+2), float64(repeats+1))*float64(len(pattern)+1)/bytesPerInstruction)
}

func (b *budget) substitution(l *lua.LState) {
	b.pattern(l)
	if replacement, ok := l.Get(3).(lua.LString); ok {
		captures := strings.Count(string(replacement), "%")
		b.make(l, length(l, 1)*(captures+1)+(length(l, 1)+1)*len(replacement))
		return
	}
	// What a function or a table gives was made before; each place may have the longest of them.
	b.make(l, length(l, 1))
	b.cost(l, float64(length(l, 1)))
}

func (b *budget) repetition(l *lua.LState) {
	times := float64(lua.LVAsNumber(l.Get(2)))
	if bytes := times * float64(length(l, 1)); bytes > 0 || math.IsNaN(bytes) {
		b.make(l, int(min(bytes, maxString+1)))
	}
}

// width is a width or precision of three digits or more, which Lua does not have.
var width = regexp.MustCompile(`%[-+ #0]*(\d{3,}|\d*\.\d{3,})`)

func (b *budget) format(l *lua.LState) {
	format := lua.LVAsString(l.Get(1))
	if width.MatchString(format) {
		l.RaiseError("invalid format (width or precision too long)")
	}
	bytes := len(format)
	for i := 2; i <= l.GetTop(); i++ {
		// A number has at most as many letters as its width, precision and exponent; a quoted string four for each byte.
		bytes += 4*length(l, i) + 420
	}
	b.make(l, bytes)
}

func (b *budget) joined(l *lua.LState) {
	list, ok := l.Get(1).(*lua.LTable)
	if !ok {
		return
	}
	b.cost(l, float64(list.Len()))
	bytes := 0
	for i := 1; i <= list.Len(); i++ {
		bytes += len(lua.LVAsString(list.RawGetInt(i))) + length(l, 2)
	}
	b.make(l, bytes)
}

func (b *budget) inserted(l *lua.LState) {
	b.walked(l)
	if at, ok := l.Get(2).(lua.LNumber); ok && l.GetTop() > 2 {
		b.gap(l, float64(at)-float64(length(l, 1)))
	}
}

func (b *budget) walked(l *lua.LState) { b.cost(l, float64(length(l, 1))/8) }

func (b *budget) sorted(l *lua.LState) {
	n := float64(length(l, 1))
	b.cost(l, n*math.Log2(n+1))
}
