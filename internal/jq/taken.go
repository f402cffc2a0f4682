package jq

import (
	"fmt"
	"slices"
	"strings"

	"github.com/itchyny/gojq"
)

// functions are those that are taken, with the numbers of their arguments: none of them returns more than it was given.
var functions = map[string][]int{
	"abs": {0}, "all": {0, 1, 2}, "any": {0, 1, 2}, "arrays": {0}, "ascii_downcase": {0}, "ascii_upcase": {0}, "booleans": {0}, "contains": {1}, "empty": {0},
	"endswith": {1}, "error": {0, 1}, "false": {0}, "first": {0, 1}, "floor": {0}, "getpath": {1}, "has": {1}, "in": {1}, "index": {1}, "indices": {1}, "inside": {1},
	"isempty": {1}, "iterables": {0}, "keys": {0}, "keys_unsorted": {0}, "last": {0, 1}, "length": {0}, "limit": {2}, "ltrimstr": {1}, "max": {0}, "min": {0}, "not": {0},
	"nth": {1, 2}, "null": {0}, "nulls": {0}, "numbers": {0}, "objects": {0}, "path": {1}, "paths": {0, 1}, "recurse": {0}, "rindex": {1}, "rtrimstr": {1},
	"scalars": {0}, "select": {1}, "split": {1}, "startswith": {1}, "strings": {0}, "test": {1, 2}, "to_entries": {0}, "tonumber": {0}, "tostring": {0}, "trim": {0},
	"true": {0}, "type": {0}, "values": {0}, "IN": {1, 2},
}

var operators = map[gojq.Operator]bool{
	0: true, gojq.OpPipe: true, gojq.OpComma: true, gojq.OpEq: true, gojq.OpNe: true, gojq.OpGt: true, gojq.OpLt: true, gojq.OpGe: true, gojq.OpLe: true,
	gojq.OpAnd: true, gojq.OpOr: true, gojq.OpAlt: true,
}

func notTaken(what string) error {
	return fmt.Errorf("%s: not taken in an expression that names fields; name them by a path, with select for a choice", what)
}

func checkQuery(q *gojq.Query) error {
	switch {
	case q == nil:
		return nil
	case len(q.FuncDefs) > 0:
		return notTaken("def " + q.FuncDefs[0].Name)
	case q.Meta != nil || len(q.Imports) > 0:
		return notTaken("import")
	case !operators[q.Op]:
		return notTaken("operator " + q.Op.String())
	case len(q.Patterns) > 0:
		if err := checkPatterns(q.Patterns); err != nil {
			return err
		}
	}
	return firstError(checkTerm(q.Term), checkQuery(q.Left), checkQuery(q.Right))
}

// checkPatterns takes names alone: . as $x.
func checkPatterns(patterns []*gojq.Pattern) error {
	if len(patterns) > 1 || patterns[0].Name == "" {
		return notTaken("a pattern of several variables")
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func checkTerm(t *gojq.Term) error {
	if t == nil {
		return nil
	}
	for _, s := range t.SuffixList {
		if err := checkIndex(s.Index); err != nil {
			return err
		}
	}
	switch t.Type {
	case gojq.TermTypeReduce, gojq.TermTypeForeach, gojq.TermTypeLabel, gojq.TermTypeBreak, gojq.TermTypeFormat:
		word, _, _ := strings.Cut(t.String(), " ")
		return notTaken(word)
	case gojq.TermTypeFunc:
		return checkFunc(t.Func)
	case gojq.TermTypeIf:
		return checkIf(t.If)
	case gojq.TermTypeTry:
		return firstError(checkQuery(t.Try.Body), checkQuery(t.Try.Catch))
	case gojq.TermTypeUnary:
		return checkTerm(t.Unary.Term)
	case gojq.TermTypeArray:
		return checkConstant(t.Array.Query)
	case gojq.TermTypeObject:
		return checkObject(t.Object)
	default:
		return firstError(checkIndex(t.Index), checkString(t.Str), checkQuery(t.Query))
	}
}

func checkIndex(i *gojq.Index) error {
	if i == nil {
		return nil
	}
	return firstError(checkString(i.Str), checkQuery(i.Start), checkQuery(i.End))
}

func checkString(s *gojq.String) error {
	if s != nil && len(s.Queries) > 0 {
		return notTaken(`\( in a string`)
	}
	return nil
}

func checkFunc(f *gojq.Func) error {
	if strings.HasPrefix(f.Name, "$") {
		if f.Name == "$ENV" || strings.HasPrefix(f.Name, "$__") {
			return notTaken(f.Name)
		}
		return nil
	}
	arities, ok := functions[f.Name]
	if !ok || !slices.Contains(arities, len(f.Args)) {
		return notTaken(fmt.Sprintf("function %s/%d", f.Name, len(f.Args)))
	}
	for _, arg := range f.Args {
		if err := checkQuery(arg); err != nil {
			return err
		}
	}
	return nil
}

func checkIf(i *gojq.If) error {
	errs := []error{checkQuery(i.Cond), checkQuery(i.Then), checkQuery(i.Else)}
	for _, elif := range i.Elif {
		errs = append(errs, checkQuery(elif.Cond), checkQuery(elif.Then))
	}
	return firstError(errs...)
}

// checkConstant takes lists of words, numbers and other lists.
func checkConstant(q *gojq.Query) error {
	switch {
	case q == nil:
		return nil
	case q.Op == gojq.OpComma:
		return firstError(checkConstant(q.Left), checkConstant(q.Right))
	case q.Term == nil || q.Op != 0 || len(q.FuncDefs) > 0 || len(q.Term.SuffixList) > 0:
		return notTaken("a list of what is not constant")
	}
	switch t := q.Term; t.Type {
	case gojq.TermTypeNull, gojq.TermTypeTrue, gojq.TermTypeFalse, gojq.TermTypeNumber:
		return nil
	case gojq.TermTypeString:
		return checkString(t.Str)
	case gojq.TermTypeArray:
		return checkConstant(t.Array.Query)
	case gojq.TermTypeObject:
		return checkObject(t.Object)
	default:
		return notTaken("a list of what is not constant")
	}
}

func checkObject(o *gojq.Object) error {
	for _, kv := range o.KeyVals {
		if kv.KeyQuery != nil || kv.Val == nil {
			return notTaken("an object of what is not constant")
		}
		if err := firstError(checkString(kv.KeyString), checkConstant(kv.Val)); err != nil {
			return err
		}
	}
	return nil
}
