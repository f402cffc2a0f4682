package script

import (
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// longestDate bounds how long the words of a date get for each letter of their format.
const longestDate = 32

// addClock adds os.date and os.time, which know no other time than now, in UTC. Nothing else of os is there.
func (v *values) addClock(now time.Time) {
	l := v.l
	l.Push(l.NewFunction(lua.OpenOs))
	l.Call(0, 1)
	date := l.CheckTable(-1).RawGetString("date")
	l.Pop(1)
	p := paidLibraries{v.budget}
	clock := l.NewTable()
	clock.RawSetString("date", l.NewFunction(func(l *lua.LState) int {
		format, at := l.OptString(1, "%c"), l.OptInt64(2, now.Unix())
		p.make(l, longestDate*len(format))
		l.Push(date)
		l.Push(lua.LString("!" + strings.TrimLeft(format, "!")))
		l.Push(lua.LNumber(at))
		l.Call(2, 1)
		return 1
	}))
	clock.RawSetString("time", l.NewFunction(func(l *lua.LState) int {
		of, ok := l.Get(1).(*lua.LTable)
		if !ok {
			l.Push(lua.LNumber(now.Unix()))
			return 1
		}
		field := func(name string, otherwise int) int {
			if n, ok := of.RawGetString(name).(lua.LNumber); ok {
				return int(n)
			}
			return otherwise
		}
		at := time.Date(field("year", now.Year()), time.Month(field("month", 1)), field("day", 1), field("hour", 12), field("min", 0), field("sec", 0), 0, time.UTC)
		l.Push(lua.LNumber(at.Unix()))
		return 1
	}))
	l.G.Global.RawSetString("os", clock)
}
