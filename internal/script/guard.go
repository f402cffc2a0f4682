package script

import (
	"errors"
	"reflect"

	"github.com/yuin/gopher-lua/ast"
)

// Names of the functions that stand in for instructions whose cost has no bound. No script can write them.
const (
	concatFunction = "\x00concat"
	keyFunction    = "\x00key"
)

// maxDepth bounds how deep a script is nested.
const maxDepth = 200

// guard puts calls in the place of those instructions whose cost has no bound: a .. b becomes a call that counts the
// string, and t[k] = v one that looks at the gap that k leaves in the list. A list that is indexed by a name or by
// names in a row is looked at; of others the index counts as if they were empty.
func guard(chunk []ast.Stmt) error {
	return guardValue(reflect.ValueOf(chunk), 0)
}

func guardValue(v reflect.Value, depth int) error {
	if depth > 3*maxDepth {
		return errors.New("nested too deeply; make the script simpler")
	}
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			if err := guardValue(v.Index(i), depth); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			if err := guardValue(field, depth); err != nil {
				return err
			}
		}
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		if err := guardValue(v.Elem(), depth+1); err != nil {
			return err
		}
		replace(v)
	}
	return nil
}

// replace rewrites a node whose parts are rewritten already.
func replace(v reflect.Value) {
	switch node := v.Interface().(type) {
	case *ast.StringConcatOpExpr:
		if v.Kind() == reflect.Interface && v.CanSet() {
			v.Set(reflect.ValueOf(call(node, concatFunction, node.Lhs, node.Rhs)))
		}
	case *ast.AssignStmt:
		if v.Kind() == reflect.Pointer {
			for _, target := range node.Lhs {
				guardIndex(target)
			}
		}
	case *ast.Field:
		if node.Key != nil && !isName(node.Key) {
			node.Key = call(node.Key, keyFunction, node.Key, &ast.NilExpr{})
		}
	}
}

// guardIndex rewrites t[k] on the left side of an assignment.
func guardIndex(target ast.Expr) {
	index, ok := target.(*ast.AttrGetExpr)
	if !ok || isName(index.Key) {
		return
	}
	var of ast.Expr = &ast.NilExpr{}
	if isPath(index.Object) {
		of = index.Object
	}
	index.Key = call(target, keyFunction, index.Key, of)
}

// isName reports whether a key is a constant string, as in t.name.
func isName(key ast.Expr) bool {
	_, ok := key.(*ast.StringExpr)
	return ok
}

// isPath reports whether an expression is a name or names in a row: reading it twice is the same as once.
func isPath(expr ast.Expr) bool {
	switch e := expr.(type) {
	case *ast.IdentExpr:
		return true
	case *ast.AttrGetExpr:
		return isName(e.Key) && isPath(e.Object)
	}
	return false
}

func call(at ast.PositionHolder, function string, args ...ast.Expr) ast.Expr {
	name := &ast.IdentExpr{Value: function}
	name.SetLine(at.Line())
	name.SetLastLine(at.LastLine())
	// A single value, whatever the place: as the instruction would give.
	c := &ast.FuncCallExpr{Func: name, Args: args, AdjustRet: true}
	c.SetLine(at.Line())
	c.SetLastLine(at.LastLine())
	return c
}
