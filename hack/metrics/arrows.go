package main

import (
	"cmp"
	"fmt"
	"go/types"
	"maps"
	"path"
	"slices"
	"sort"
	"strings"
)

// arrow is the use by a file of what another file of the same package defines.
type arrow struct{ from, to string }

// backArrows returns the package of a room, with everything below it, in which the most arrows run back up, and these
// arrows. Files stand on floors, each above all that it uses. Where files use each other in a circle, some arrow runs
// back up whatever the order of floors; the order is one with few of them.
func (h *house) backArrows(room string) (worst string, arrows []arrow) {
	worst = room
	folders := map[string]bool{}
	for _, f := range h.files {
		if f.folder == room || strings.HasPrefix(f.folder, room+"/") {
			folders[f.folder] = true
		}
	}
	for folder := range folders {
		if back := feedback(h.arrows(folder)); len(back) > len(arrows) {
			worst, arrows = folder, back
		}
	}
	return worst, arrows
}

// arrows returns those among the files of a folder.
func (h *house) arrows(folder string) []arrow {
	set := map[arrow]bool{}
	for _, f := range h.files {
		if f.test || f.folder != folder {
			continue
		}
		for object := range f.uses() {
			if object.Pkg() == nil || object.Pkg() != f.pkg || !isDefinition(object) {
				continue
			}
			if home := path.Base(f.fset.Position(object.Pos()).Filename); home != path.Base(f.name) {
				set[arrow{path.Base(f.name), home}] = true
			}
		}
	}
	var all []arrow
	for a := range set {
		all = append(all, a)
	}
	sort.Slice(all, func(i, j int) bool { return fmt.Sprint(all[i]) < fmt.Sprint(all[j]) })
	return all
}

// isDefinition reports whether an object stands in a package by itself: no field, no variable of a function.
func isDefinition(object types.Object) bool {
	switch o := object.(type) {
	case *types.Func:
		return true
	case *types.Var:
		return !o.IsField() && o.Parent() == o.Pkg().Scope()
	case *types.PkgName:
		return false
	}
	return object.Parent() == object.Pkg().Scope()
}

// feedback returns the arrows that run back up in an order of the files that has few of them, after Eades, Lin and
// Smyth: files that nothing uses come first, files that use nothing last, and where neither is left, the file whose
// arrows out are most in excess over those in.
func feedback(arrows []arrow) []arrow {
	out, in := map[string]map[string]bool{}, map[string]map[string]bool{}
	left := map[string]bool{}
	for _, a := range arrows {
		left[a.from], left[a.to] = true, true
		link(out, a.from, a.to)
		link(in, a.to, a.from)
	}
	floor := map[string]int{}
	first, last := 0, len(left)
	for len(left) > 0 {
		name, atEnd := next(left, out, in)
		if atEnd {
			last--
			floor[name] = last
		} else {
			floor[name] = first
			first++
		}
		delete(left, name)
		for to := range out[name] {
			delete(in[to], name)
		}
		for from := range in[name] {
			delete(out[from], name)
		}
	}
	return slices.DeleteFunc(slices.Clone(arrows), func(a arrow) bool { return floor[a.from] < floor[a.to] })
}

func link(links map[string]map[string]bool, from, to string) {
	if links[from] == nil {
		links[from] = map[string]bool{}
	}
	links[from][to] = true
}

// next returns the file that is placed next, and whether it goes to the end of the order.
func next(left map[string]bool, out, in map[string]map[string]bool) (name string, atEnd bool) {
	names := slices.Sorted(maps.Keys(left))
	for _, n := range names {
		if len(out[n]) == 0 {
			return n, true
		}
	}
	return slices.MaxFunc(names, func(a, b string) int {
		if len(in[a]) == 0 || len(in[b]) == 0 {
			return cmp.Compare(len(in[b]), len(in[a]))
		}
		return cmp.Compare(len(out[a])-len(in[a]), len(out[b])-len(in[b]))
	}), false
}
