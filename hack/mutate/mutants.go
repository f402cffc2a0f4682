package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// fate is what became of a mutant.
type fate string

// The fates of mutants.
const (
	killed     fate = "killed"
	survived   fate = "survived"
	unreached  fate = "unreached"
	uncompiled fate = "uncompiled"
)

// mutant is one small bug.
type mutant struct {
	id     int
	file   string
	line   int
	kind   string
	change string
	fate   fate
	edits  []edit
}

// edit inserts text into a file. Of edits at the same offset those that close something come first, the innermost
// first; then those that open something, the outermost first.
type edit struct {
	offset int
	opens  bool
	depth  int
	text   string
}

// steps are the places between two depths of the syntax tree.
const steps = 8

// finder collects the mutants of one file.
type finder struct {
	fset    *token.FileSet
	file    *token.File
	src     []byte
	name    string
	info    *types.Info
	next    *int
	mutants []*mutant
	// stack are the nodes round the present one; results are the result types of the functions round it.
	stack   []ast.Node
	results [][]string
}

func (f *finder) text(n ast.Node) string {
	return string(f.src[f.file.Offset(n.Pos()):f.file.Offset(n.End())])
}

// add records a mutant whose switch stands before and after a node: outside whatever the node itself is visited for, by
// so many steps of depth as below says less than a whole one.
func (f *finder) add(n ast.Node, below int, kind, change string, before, after string) {
	id := *f.next
	*f.next++
	depth := len(f.stack)*steps + below
	fill := func(s string) string { return strings.ReplaceAll(s, "ID", fmt.Sprint(id)) }
	m := &mutant{id: id, file: f.name, line: f.file.Line(n.Pos()), kind: kind, change: oneLine(change)}
	m.edits = append(m.edits, edit{f.file.Offset(n.Pos()), true, depth, fill(before)})
	if after != "" {
		m.edits = append(m.edits, edit{f.file.Offset(n.End()), false, depth, fill(after)})
	}
	f.mutants = append(f.mutants, m)
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 110 {
		s = s[:107] + "…"
	}
	return s
}

func (f *finder) find(root *ast.File) {
	ast.Inspect(root, func(n ast.Node) bool {
		if n == nil {
			if left := f.stack[len(f.stack)-1]; isFunction(left) {
				f.results = f.results[:len(f.results)-1]
			}
			f.stack = f.stack[:len(f.stack)-1]
			return true
		}
		if d, ok := n.(*ast.GenDecl); ok && d.Tok != token.VAR {
			return false
		}
		if _, ok := n.(*ast.CommentGroup); ok {
			return false
		}
		f.visit(n)
		f.stack = append(f.stack, n)
		if isFunction(n) {
			f.results = append(f.results, f.resultTypes(n))
		}
		return true
	})
}

func isFunction(n ast.Node) bool {
	switch n.(type) {
	case *ast.FuncDecl, *ast.FuncLit:
		return true
	}
	return false
}

func (f *finder) resultTypes(n ast.Node) []string {
	var list *ast.FieldList
	switch n := n.(type) {
	case *ast.FuncDecl:
		list = n.Type.Results
	case *ast.FuncLit:
		list = n.Type.Results
	}
	if list == nil {
		return nil
	}
	var all []string
	for _, field := range list.List {
		for range max(1, len(field.Names)) {
			all = append(all, f.text(field.Type))
		}
	}
	return all
}

func (f *finder) visit(n ast.Node) {
	switch n := n.(type) {
	case *ast.IfStmt:
		f.negate(n.Cond, 0)
	case *ast.ForStmt:
		f.negate(n.Cond, 0)
	case *ast.CaseClause:
		if s, ok := f.stack[len(f.stack)-2].(*ast.SwitchStmt); ok && s.Tag == nil {
			for _, e := range n.List {
				f.negate(e, 0)
			}
		}
	case *ast.BinaryExpr:
		f.binary(n)
	case *ast.ExprStmt, *ast.AssignStmt, *ast.IncDecStmt, *ast.BranchStmt:
		f.remove(n.(ast.Stmt))
	case *ast.ReturnStmt:
		f.returns(n)
	case *ast.CompositeLit:
		f.fields(n)
	}
}

// negate turns a condition round.
func (f *finder) negate(e ast.Expr, below int) {
	if e == nil || f.isConstant(e) || !f.isBool(e) {
		return
	}
	if b, ok := e.(*ast.BinaryExpr); ok && (b.Op == token.LAND || b.Op == token.LOR) {
		return // Its operands are turned round one by one.
	}
	f.add(e, below, "negated", "!("+f.text(e)+")", "mutantNot(ID, ", ")")
}

var (
	boundaries = map[token.Token]token.Token{token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR}
	arithmetic = map[token.Token]token.Token{token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.ADD, token.QUO: token.MUL, token.REM: token.MUL}
)

func (f *finder) binary(n *ast.BinaryExpr) {
	if f.isConstant(n) {
		return
	}
	x, y := f.text(n.X), f.text(n.Y)
	switch n.Op {
	case token.LAND, token.LOR:
		f.negate(n.X, 1)
		f.negate(n.Y, 1)
		other := map[token.Token]string{token.LAND: "||", token.LOR: "&&"}[n.Op]
		f.add(n, 0, "and/or", x+" "+other+" "+y, "func() bool { if mutantOn(ID) { return ("+flat(x)+") "+other+" ("+flat(y)+") }; return ", " }()")
	case token.EQL, token.NEQ:
		// In a condition it is turned round as that; elsewhere as a value.
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		other := boundaries[n.Op].String()
		f.add(n, 0, "boundary", x+" "+other+" "+y, "func() bool { if mutantOn(ID) { return ("+flat(x)+") "+other+" ("+flat(y)+") }; return ", " }()")
	default:
		if other, ok := arithmetic[n.Op]; ok && f.isNumber(n) {
			changed := x + " " + other.String() + " " + y
			f.add(n, 0, "arithmetic", changed, "mutantPick(ID, ("+flat(x)+") "+other.String()+" ("+flat(y)+"), ", ")")
		}
	}
}

// flat is source text that can stand on one line. Text that can't, because a comment or a function is in it, does not
// compile, and its mutant is left out.
func flat(s string) string { return strings.Join(strings.Fields(s), " ") }

// remove leaves a statement out.
func (f *finder) remove(s ast.Stmt) {
	switch parent := f.stack[len(f.stack)-1].(type) {
	case *ast.BlockStmt:
	case *ast.CaseClause:
		if !slices.Contains(parent.Body, s) {
			return
		}
	default:
		return // The head of an if or for.
	}
	if canBeLeftOut(s) {
		f.add(s, 0, "removed", f.text(s), "if !mutantOn(ID) { ", " }")
	}
}

// canBeLeftOut reports whether a function still compiles, and is another one, without a statement.
func canBeLeftOut(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.AssignStmt:
		return s.Tok != token.DEFINE && !isBlank(s.Lhs)
	case *ast.BranchStmt:
		return s.Label == nil && s.Tok != token.GOTO && s.Tok != token.FALLTHROUGH
	case *ast.ExprStmt:
		call, ok := s.X.(*ast.CallExpr)
		return !ok || types.ExprString(call.Fun) != "panic"
	}
	return true
}

func isBlank(all []ast.Expr) bool {
	for _, e := range all {
		if name, ok := e.(*ast.Ident); !ok || name.Name != "_" {
			return false
		}
	}
	return true
}

// returns replaces each result in turn by its zero value, or a truth by its opposite.
func (f *finder) returns(n *ast.ReturnStmt) {
	results := f.results[len(f.results)-1]
	if len(n.Results) != len(results) {
		return
	}
	for i, e := range n.Results {
		zero := "*new(" + flat(results[i]) + ")"
		switch {
		case f.isBool(e):
			zero = "!(" + flat(f.text(e)) + ")"
		case f.isZero(e):
			continue
		}
		var values []string
		for j, other := range n.Results {
			if j == i {
				values = append(values, zero)
			} else {
				values = append(values, flat(f.text(other)))
			}
		}
		f.add(n, 0, "returned", fmt.Sprintf("%s in place of %s", zero, f.text(e)), "if mutantOn(ID) { return "+strings.Join(values, ", ")+" }; ", "")
	}
}

// fields leaves fields out of struct literals.
func (f *finder) fields(n *ast.CompositeLit) {
	if t := f.info.TypeOf(n); t == nil || !isStruct(t) {
		return
	}
	for _, element := range n.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok || f.isZero(pair.Value) {
			continue
		}
		value := f.info.Types[pair.Value]
		if value.Value != nil && value.Type != types.Default(value.Type) || value.IsNil() {
			continue
		}
		f.add(pair.Value, steps+1, "left out", f.text(pair), "mutantZero(ID, ", ")")
	}
}

func isStruct(t types.Type) bool {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	_, ok := t.Underlying().(*types.Struct)
	return ok
}

func (f *finder) isConstant(e ast.Expr) bool { return f.info.Types[e].Value != nil }

func (f *finder) isBool(e ast.Expr) bool { return f.hasInfo(e, types.IsBoolean) }

func (f *finder) isNumber(e ast.Expr) bool { return f.hasInfo(e, types.IsNumeric) }

func (f *finder) hasInfo(e ast.Expr, want types.BasicInfo) bool {
	t := f.info.TypeOf(e)
	if t == nil {
		return false
	}
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&want != 0
}

func (f *finder) isZero(e ast.Expr) bool {
	if name, ok := e.(*ast.Ident); ok && name.Name == "nil" {
		return true
	}
	if lit, ok := e.(*ast.CompositeLit); ok && len(lit.Elts) == 0 {
		return true
	}
	v := f.info.Types[e].Value
	if v == nil {
		return false
	}
	switch v.Kind() {
	case constant.Bool:
		return !constant.BoolVal(v)
	case constant.String:
		return constant.StringVal(v) == ""
	case constant.Int, constant.Float:
		return constant.Sign(v) == 0
	}
	return false
}

// instrument returns a file's source with the switches of its mutants in it. Lines stay where they are.
func instrument(src []byte, mutants []*mutant) []byte {
	var edits []edit
	for _, m := range mutants {
		if m.fate != uncompiled {
			edits = append(edits, m.edits...)
		}
	}
	slices.SortStableFunc(edits, func(a, b edit) int {
		switch {
		case a.offset != b.offset:
			return a.offset - b.offset
		case a.opens != b.opens:
			if b.opens {
				return -1
			}
			return 1
		case a.opens:
			return a.depth - b.depth
		}
		return b.depth - a.depth
	})
	var out []byte
	at := 0
	for _, e := range edits {
		out = append(out, src[at:e.offset]...)
		out = append(out, e.text...)
		at = e.offset
	}
	return append(out, src[at:]...)
}
