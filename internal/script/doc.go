// Package script runs the scripts in Lua that people keep for kinds of their own: those that judge the health of an
// object, and those that make what a person asks of it.
//
// A script is a stranger's program in this process. It sees the object as obj, and reaches nothing else: no files,
// programs, environment or network, no code that it loads, no metatables. What it costs is bounded: each
// instruction is counted, and what a single instruction could make big, such as a string joined to itself, a
// repetition, a gap in a list or a pattern that backtracks, is counted by its size. There is no clock in that: a
// script that is stopped is always stopped at the same place. What an action may know of the time is what it is given.
package script
